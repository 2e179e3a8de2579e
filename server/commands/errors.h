#pragma once

#include <string>
#include <string_view>

namespace sett::server {

// Redis's texts, word for word: clients match on them.
inline constexpr std::string_view error_syntax = "ERR syntax error";
inline constexpr std::string_view error_not_integer = "ERR value is not an integer or out of range";
inline constexpr std::string_view error_not_float = "ERR value is not a valid float";
inline constexpr std::string_view error_no_such_key = "ERR no such key";
inline constexpr std::string_view error_overflow = "ERR increment or decrement would overflow";
inline constexpr std::string_view error_string_too_long =
    "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
inline constexpr std::string_view error_offset_range = "ERR offset is out of range";
inline constexpr std::string_view error_bit_offset = "ERR bit offset is not an integer or out of range";
inline constexpr std::string_view error_bit_value = "ERR bit is not an integer or out of range";
inline constexpr std::string_view error_db_index = "ERR DB index is out of range";
inline constexpr std::string_view error_oom = "OOM command not allowed when used memory > 'maxmemory'.";
inline constexpr std::string_view error_no_space =
    "MISCONF the disk is full: writes are refused and change nothing until there is room; reads and deletes go on";
inline constexpr std::string_view error_behind =
    "MISCONF what was written before cannot be brought to the disk's tables (INFO persistence says why): writes are "
    "refused and change nothing, reads and deletes go on";
inline constexpr std::string_view error_log_failed =
    "MISCONF a write or sync of the log failed: writes are refused until the server is restarted on a sound disk";

inline constexpr std::string_view error_several_stores =
    "ERR a command cannot write to two backends that may each refuse it: all of it or nothing could not be kept";

// A client's word within an error text: it ends at a NUL, as where Redis formats one.
inline std::string shown_word(std::string_view word) {
  return std::string(word.substr(0, word.find('\0')));
}

inline std::string error_arity(std::string_view command) {
  return "ERR wrong number of arguments for '" + std::string(command) + "' command";
}
inline std::string error_expire_time(std::string_view command) {
  return "ERR invalid expire time in '" + std::string(command) + "' command";
}

}  // namespace sett::server
