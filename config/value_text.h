#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Values of settings from text and back to it. parse_size and parse_duration_ms are declared in config/load.h.
namespace sett::config {

std::optional<int64_t> parse_integer(std::string_view text);     // decimal, optional '-'
std::optional<bool> parse_boolean(std::string_view text);        // true/false, yes/no, on/off in any case
std::optional<double> parse_ratio(std::string_view text);        // decimal, not negative, finite
std::optional<int64_t> parse_permission(std::string_view text);  // octal digits: "700", "0700"
std::vector<std::string> split_list(std::string_view text);      // at commas and spaces; no empty parts

// The shortest of the forms that parse back to exactly the value: "64mb", "5m", "0.5", "700".
std::string format_size(int64_t bytes);
std::string format_duration_ms(int64_t milliseconds);
std::string format_ratio(double value);
std::string format_permission(int64_t mode);

// For messages: in single quotes, on one line, cut when long.
std::string quoted(std::string_view text);

}  // namespace sett::config
