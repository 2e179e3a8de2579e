#include "protocol/number_text.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace sett::protocol {
namespace {

// Longest text that Redis reads as a long double: LDBL_MAX in decimal fits.
constexpr size_t long_double_text_max = 5 * 1024;
// "%.17Lf" of LDBL_MAX: sign, 4933 digits, point, 17 digits, end.
constexpr size_t long_double_written_max = 5 * 1024;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// from_chars takes leading zeroes and "-0", Redis does not: one text per number.
template <typename Integer>
std::optional<Integer> parse_integer(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (text == "0") return Integer{0};
  const size_t first_digit = text.front() == '-' ? 1 : 0;
  if (first_digit == text.size() || !is_digit(text[first_digit]) || text[first_digit] == '0') return std::nullopt;
  Integer value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::optional<int64_t> parse_int64(std::string_view text) {
  return parse_integer<int64_t>(text);
}

std::optional<uint64_t> parse_uint64(std::string_view text) {
  return parse_integer<uint64_t>(text);
}

// strtold, because from_chars reads neither "0x1p3" nor long double in all our compilers. The process keeps the "C"
// locale.
std::optional<long double> parse_long_double(std::string_view text) {
  if (text.empty() || text.size() >= long_double_text_max || is_space(text.front())) return std::nullopt;
  std::array<char, long_double_text_max> buffer;
  std::memcpy(buffer.data(), text.data(), text.size());
  buffer[text.size()] = '\0';

  char* end = nullptr;
  errno = 0;
  const long double value = std::strtold(buffer.data(), &end);
  if (end != buffer.data() + text.size() || std::isnan(value)) return std::nullopt;
  // A denormal sets ERANGE too, and is a number.
  if (errno == ERANGE && (std::isinf(value) || value == 0)) return std::nullopt;
  return value;
}

std::string format_long_double(long double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::array<char, long_double_written_max> buffer;
  const int length = std::snprintf(buffer.data(), buffer.size(), "%.17Lf", value);
  std::string_view text(buffer.data(), static_cast<size_t>(length));
  text = text.substr(0, text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.remove_suffix(1);
  return std::string(text == "-0" ? "0" : text);
}

std::string format_double(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::array<char, 40> buffer;
  const int length = std::snprintf(buffer.data(), buffer.size(), "%.17g", value);
  return std::string(buffer.data(), static_cast<size_t>(length));
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

}  // namespace sett::protocol
