#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sett::protocol {

// Numbers as Redis reads and writes them.

// Strict decimal: optional '-', no '+', no leading zeroes (but "0" itself), no spaces, within the type. nullopt
// otherwise.
std::optional<int64_t> parse_int64(std::string_view text);
std::optional<uint64_t> parse_uint64(std::string_view text);

// As strtold over the whole text: no leading space, no trailing bytes, no NaN; "inf" and hex floats as C reads them.
std::optional<long double> parse_long_double(std::string_view text);

// As INCRBYFLOAT writes: %.17Lf without trailing zeroes ("3", "10.5", never "-0").
std::string format_long_double(long double value);
// As a RESP3 double: %.17g, "inf", "-inf", "nan".
std::string format_double(double value);

// ASCII case folding without locale.
bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace sett::protocol
