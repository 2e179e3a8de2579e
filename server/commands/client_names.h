#pragma once

#include <string_view>

namespace sett::server {

inline constexpr std::string_view error_client_name =
    "ERR Client names cannot contain spaces, newlines or special characters.";

// What may stand in a line of CLIENT LIST as it is: printable ASCII without the space. May be empty.
inline bool is_client_text(std::string_view text) {
  for (const char c : text)
    if (c < '!' || c > '~') return false;
  return true;
}

}  // namespace sett::server
