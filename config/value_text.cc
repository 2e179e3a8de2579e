#include "config/value_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>

#include "config/load.h"

namespace sett::config {
namespace {

struct Unit {
  std::string_view name;
  int64_t factor;
};

constexpr std::array<Unit, 7> size_units{{{"", 1},
                                          {"k", 1ll << 10},
                                          {"kb", 1ll << 10},
                                          {"m", 1ll << 20},
                                          {"mb", 1ll << 20},
                                          {"g", 1ll << 30},
                                          {"gb", 1ll << 30}}};
// The largest first: "1h30m", never "30m1h".
constexpr std::array<Unit, 5> duration_units{{{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}}};

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = lower(c);
  return out;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_letter(char c) {
  return c >= 'a' && c <= 'z';
}

// Takes the digits at the front of `text` away. nullopt: there are none, or too many.
std::optional<int64_t> take_number(std::string_view& text) {
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

std::optional<int64_t> scaled(int64_t value, int64_t factor) {
  if (factor != 0 && value > std::numeric_limits<int64_t>::max() / factor) return std::nullopt;
  return value * factor;
}

}  // namespace

std::optional<int64_t> parse_size(std::string_view text) {
  const std::string folded = lowered(text);
  std::string_view rest = folded;
  const std::optional<int64_t> value = take_number(rest);
  if (!value) return std::nullopt;
  for (const Unit& unit : size_units) {
    if (rest == unit.name) return scaled(*value, unit.factor);
  }
  return std::nullopt;
}

std::optional<int64_t> parse_duration_ms(std::string_view text, int64_t bare_unit_ms) {
  const std::string folded = lowered(text);
  std::string_view rest = folded;
  int64_t total = 0;
  size_t first_allowed = 0;
  do {
    const std::optional<int64_t> value = take_number(rest);
    if (!value) return std::nullopt;
    if (rest.empty() && first_allowed == 0) return scaled(*value, bare_unit_ms);
    size_t name_length = 0;
    while (name_length < rest.size() && is_letter(rest[name_length])) ++name_length;
    size_t unit = first_allowed;
    while (unit < duration_units.size() && duration_units[unit].name != rest.substr(0, name_length)) ++unit;
    if (unit == duration_units.size()) return std::nullopt;
    const std::optional<int64_t> part = scaled(*value, duration_units[unit].factor);
    if (!part || *part > std::numeric_limits<int64_t>::max() - total) return std::nullopt;
    total += *part;
    first_allowed = unit + 1;
    rest.remove_prefix(name_length);
  } while (!rest.empty());
  return total;
}

std::optional<int64_t> parse_integer(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<bool> parse_boolean(std::string_view text) {
  const std::string folded = lowered(text);
  if (folded == "true" || folded == "yes" || folded == "on") return true;
  if (folded == "false" || folded == "no" || folded == "off") return false;
  return std::nullopt;
}

std::optional<double> parse_ratio(std::string_view text) {
  if (text.empty() || !(is_digit(text.front()) || text.front() == '.')) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

std::optional<int64_t> parse_permission(std::string_view text) {
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 8);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t end = std::min(text.find_first_of(", \t\n"), text.size());
    if (end > 0) parts.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

std::string format_size(int64_t bytes) {
  for (size_t i = size_units.size(); bytes != 0 && i-- > 1;) {
    if (bytes % size_units[i].factor == 0) {
      return std::to_string(bytes / size_units[i].factor) + std::string(size_units[i].name);
    }
  }
  return std::to_string(bytes);
}

std::string format_duration_ms(int64_t milliseconds) {
  if (milliseconds == 0) return "0";
  for (const Unit& unit : duration_units) {
    if (milliseconds % unit.factor == 0) return std::to_string(milliseconds / unit.factor) + std::string(unit.name);
  }
  return std::to_string(milliseconds) + "ms";
}

std::string format_ratio(double value) {
  std::array<char, 32> buffer;
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return std::string(buffer.data(), result.ptr);
}

std::string format_permission(int64_t mode) {
  std::array<char, 32> buffer;
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), mode, 8);
  return std::string(buffer.data(), result.ptr);
}

std::string quoted(std::string_view text) {
  constexpr size_t shown_max = 60;
  std::string out = "'";
  for (const char c : text.substr(0, shown_max)) out.push_back(c >= 0 && (c < ' ' || c == 0x7f) ? '?' : c);
  if (text.size() > shown_max) out += "...";
  return out + "'";
}

}  // namespace sett::config
