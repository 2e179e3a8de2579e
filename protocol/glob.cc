#include "protocol/glob.h"

#include <algorithm>
#include <utility>

namespace sett::protocol {
namespace {

// Redis compares plain chars, which are signed on its platforms: a class range over bytes above 0x7f orders them below
// 'a'.
int byte_value(char c) {
  return static_cast<signed char>(c);
}

int lower(int c) {
  return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

bool same(char a, char b, bool ignore_case) {
  return ignore_case ? lower(byte_value(a)) == lower(byte_value(b)) : a == b;
}

bool in_range(char first, char last, char c, bool ignore_case) {
  int low = byte_value(first), high = byte_value(last), value = byte_value(c);
  if (low > high) std::swap(low, high);
  if (ignore_case) {
    // After the swap, as Redis does it: a mixed-case range may become empty.
    low = lower(low);
    high = lower(high);
    value = lower(value);
  }
  return value >= low && value <= high;
}

struct ElementMatch {
  bool matches;
  size_t next;  // where the pattern goes on
};

// A class, pattern[at] being '['. A class without its ']' reaches to the end of the pattern; "a-]" is a range that
// takes the ']'; an escaped byte is compared exactly, also when case is ignored.
ElementMatch match_class(std::string_view pattern, size_t at, char c, bool ignore_case) {
  ++at;
  const bool negated = at < pattern.size() && pattern[at] == '^';
  if (negated) ++at;
  bool found = false;
  while (at < pattern.size()) {
    const size_t left = pattern.size() - at;
    if (left >= 2 && pattern[at] == '\\') {
      found = found || pattern[at + 1] == c;
      at += 2;
    } else if (pattern[at] == ']') {
      return {found != negated, at + 1};
    } else if (left >= 3 && pattern[at + 1] == '-') {
      found = found || in_range(pattern[at], pattern[at + 2], c, ignore_case);
      at += 3;
    } else {
      found = found || same(pattern[at], c, ignore_case);
      ++at;
    }
  }
  return {found != negated, at};
}

// One element other than '*' against one byte.
ElementMatch match_element(std::string_view pattern, size_t at, char c, bool ignore_case) {
  switch (pattern[at]) {
    case '?':
      return {true, at + 1};
    case '[':
      return match_class(pattern, at, c, ignore_case);
    case '\\':
      if (at + 1 < pattern.size()) ++at;
      [[fallthrough]];
    default:
      return {same(pattern[at], c, ignore_case), at + 1};
  }
}

}  // namespace

// Every element but '*' takes exactly one byte, so it is enough to remember the last star: what an earlier one could
// take in addition, the last one can take as well.
bool glob_matches(std::string_view pattern, std::string_view text, bool ignore_case) {
  if (pattern == "*") return true;
  // Redis never enters its loop with an empty text: "**" does not match it. "*" does, for KEYS and SCAN ask before.
  if (text.empty()) return pattern.empty();

  constexpr size_t none = std::string_view::npos;
  size_t p = 0, t = 0;
  size_t after_star = none, star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      after_star = ++p;
      star_text = t;
      if (p == pattern.size()) return true;
      continue;
    }
    if (p < pattern.size()) {
      const ElementMatch element = match_element(pattern, p, text[t], ignore_case);
      if (element.matches) {
        p = element.next;
        ++t;
        continue;
      }
    }
    if (after_star == none) return false;
    p = after_star;
    t = ++star_text;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::string_view glob_literal_prefix(std::string_view pattern) {
  return pattern.substr(0, std::min(pattern.size(), pattern.find_first_of("*?[\\")));
}

}  // namespace sett::protocol
