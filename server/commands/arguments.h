#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "server/command.h"

namespace sett::server {

// Readers of arguments. Those that take the context write Redis's error and return nullopt or false when the text is
// wrong; the handler then returns at once.

std::optional<int64_t> read_integer(CommandContext& ctx, std::string_view text);
// An `int` of C, as COPY, MOVE and SWAPDB take it.
std::optional<int64_t> read_small_integer(CommandContext& ctx, std::string_view text);
// The bucket that a number in COPY or MOVE names; its name is the number as SELECT would write it, kept until the run's
// end.
std::optional<std::string_view> read_database(CommandContext& ctx, std::string_view text);
// The same without a reply, for targets: nullopt if it is no database.
std::optional<int64_t> parse_database(std::string_view text, int64_t databases);

bool is_option(std::string_view argument, std::string_view lower_case_name);

// How an expiry was given.
struct ExpiryOption {
  enum class Kind : uint8_t { none, seconds, milliseconds, at_seconds, at_milliseconds };
  Kind kind = Kind::none;
  std::string_view amount;
};

// The options of SET and GETEX.
struct ValueOptions {
  bool if_absent = false, if_present = false;
  bool get_old = false;
  bool keep_expiry = false;
  bool persist = false;
  ExpiryOption expiry;
};
enum class OptionSet : uint8_t { set, getex };
// Of args[first] onwards. Conflicts and unknown words are syntax errors.
std::optional<ValueOptions> read_value_options(CommandContext& ctx, size_t first, OptionSet allowed);

// The absolute time in ms, 0 without an expiry. Not positive, or beyond what fits: an error that names the command.
std::optional<int64_t> read_expiry(CommandContext& ctx, const ExpiryOption& option);

// Whether a value of old_bytes may grow by more_bytes; else the error is written.
bool may_grow(CommandContext& ctx, uint64_t old_bytes, uint64_t more_bytes);

// Positions from the end are negative, as in GETRANGE, BITCOUNT, BITPOS. The part of [0, size) that [first, last]
// covers, last included; empty: first > last.
struct InclusiveRange {
  int64_t first, last;
  bool empty() const { return first > last; }
};
InclusiveRange clamp_range(int64_t first, int64_t last, int64_t size);
// Both from the end and in the wrong order: nothing, for GETRANGE and BITCOUNT. BITPOS has no such rule, so that
// two ends before the beginning are its first position.
inline bool is_reversed(int64_t first, int64_t last) {
  return first < 0 && last < 0 && first > last;
}

}  // namespace sett::server
