#pragma once

#include <string>
#include <string_view>

namespace sett::server {

// The text with everything but printable ASCII without the space, and the backslash and the characters of `special`, as
// \xHH: fit for one word of a line.
inline std::string printable(std::string_view text, std::string_view special = {}) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string word;
  for (const char c : text) {
    if (c >= '!' && c <= '~' && c != '\\' && special.find(c) == std::string_view::npos) {
      word += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    word.append("\\x").append(1, digits[byte >> 4]).append(1, digits[byte & 15]);
  }
  return word;
}

}  // namespace sett::server
