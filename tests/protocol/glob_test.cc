#include "protocol/glob.h"

#include <bitset>
#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "storage/base/random.h"

namespace sett::protocol {
namespace {

// The reference: the pattern as a list of "any run" and sets of bytes, matched by plain recursion.
struct Element {
  bool any_run = false;
  std::bitset<256> bytes;
};

unsigned index_of(char c) {
  return static_cast<unsigned char>(c);
}

void add_range(std::bitset<256>& bytes, char first, char last) {
  int low = static_cast<signed char>(first), high = static_cast<signed char>(last);
  if (low > high) std::swap(low, high);
  for (int c = low; c <= high; ++c) bytes.set(index_of(static_cast<char>(c)));
}

std::vector<Element> elements_of(const std::string& pattern) {
  std::vector<Element> out;
  size_t i = 0;
  while (i < pattern.size()) {
    Element element;
    const char c = pattern[i++];
    if (c == '*') {
      element.any_run = true;
    } else if (c == '?') {
      element.bytes.set();
    } else if (c == '[') {
      const bool negated = i < pattern.size() && pattern[i] == '^';
      if (negated) ++i;
      for (bool open = true; open && i < pattern.size();) {
        if (pattern[i] == '\\' && i + 1 < pattern.size()) {
          element.bytes.set(index_of(pattern[i + 1]));
          i += 2;
        } else if (pattern[i] == ']') {
          open = false;
          ++i;
        } else if (i + 2 < pattern.size() && pattern[i + 1] == '-') {
          add_range(element.bytes, pattern[i], pattern[i + 2]);
          i += 3;
        } else {
          element.bytes.set(index_of(pattern[i++]));
        }
      }
      if (negated) element.bytes.flip();
    } else if (c == '\\' && i < pattern.size()) {
      element.bytes.set(index_of(pattern[i++]));
    } else {
      element.bytes.set(index_of(c));
    }
    out.push_back(element);
  }
  return out;
}

bool reference(const std::vector<Element>& pattern, size_t p, const std::string& text, size_t t) {
  if (p == pattern.size()) return t == text.size();
  if (pattern[p].any_run) {
    for (size_t skip = t; skip <= text.size(); ++skip) {
      if (reference(pattern, p + 1, text, skip)) return true;
    }
    return false;
  }
  return t < text.size() && pattern[p].bytes.test(index_of(text[t])) && reference(pattern, p + 1, text, t + 1);
}

}  // namespace

TEST_CASE("glob: the plain cases") {
  CHECK(glob_matches("hello", "hello"));
  CHECK_FALSE(glob_matches("hello", "hell"));
  CHECK_FALSE(glob_matches("hell", "hello"));
  CHECK(glob_matches("h?llo", "hxllo"));
  CHECK(glob_matches("h*llo", "hllo"));
  CHECK(glob_matches("h*llo", "heeeello"));
  CHECK(glob_matches("h[ae]llo", "hallo"));
  CHECK_FALSE(glob_matches("h[^e]llo", "hello"));
  CHECK(glob_matches("h[a-b]llo", "hbllo"));
  CHECK(glob_matches("h\\*llo", "h*llo"));
  CHECK_FALSE(glob_matches("h\\*llo", "hxllo"));
  CHECK(glob_matches("*a*b*c*", "xxaxxbxxcxx"));
  CHECK_FALSE(glob_matches("*a*b*c*", "xxcxxbxxaxx"));
}

TEST_CASE("glob: the odd cases are Redis's") {
  CHECK(glob_matches("", ""));
  CHECK_FALSE(glob_matches("", "a"));
  CHECK(glob_matches("*", ""));
  CHECK_FALSE(glob_matches("**", ""));
  CHECK_FALSE(glob_matches("?", ""));
  CHECK(glob_matches("a**", "a"));
  CHECK(glob_matches("[a", "a"));  // no ']': the class reaches to the end
  CHECK_FALSE(glob_matches("[a", "b"));
  CHECK_FALSE(glob_matches("[", "["));
  CHECK(glob_matches("[^", "x"));
  CHECK_FALSE(glob_matches("[]", "]"));
  CHECK(glob_matches("[^]", "]"));
  CHECK(glob_matches("[z-a]", "m"));  // a reversed range is turned round
  CHECK(glob_matches("[a-]", "^"));   // ']' to 'a', and no end
  CHECK(glob_matches("[\\]]", "]"));
  CHECK(glob_matches("[\\", "\\"));
  CHECK(glob_matches("a\\", "a\\"));     // a backslash at the end is itself
  CHECK(glob_matches("[a-\xff]", "A"));  // signed: 0xff is below 'a'
  CHECK_FALSE(glob_matches("[a-\xff]", "b"));
  CHECK(glob_matches(std::string_view("a\0*", 3), std::string_view("a\0b", 3)));
}

TEST_CASE("glob: ignoring case") {
  CHECK(glob_matches("MAXmemory*", "maxMEMORY-policy", true));
  CHECK_FALSE(glob_matches("MAXmemory*", "maxMEMORY-policy"));
  CHECK(glob_matches("[A-C]x", "bX", true));
  CHECK(glob_matches("[Q]", "q", true));
  CHECK_FALSE(glob_matches("[\\Q]", "q", true));  // an escaped byte of a class is compared exactly
  CHECK(glob_matches("\\Q", "q", true));
  CHECK_FALSE(glob_matches("[A-_]", "b", true));  // folded ends: 'a' to '_' is empty
  CHECK_FALSE(glob_matches("\xc4", "\xe4", true));
}

TEST_CASE("glob: the same as a plain recursion on random patterns") {
  static constexpr std::string_view pattern_bytes = "ab*?[]^-\\c\xff";
  static constexpr std::string_view text_bytes = "abc]-^\\\xff";
  uint64_t matches = 0;
  for (uint64_t seed = 1; seed <= 200000; ++seed) {
    storage::Random random(seed);
    std::string pattern, text;
    for (uint64_t left = random.below(9); left > 0; --left)
      pattern.push_back(pattern_bytes[random.below(pattern_bytes.size())]);
    for (uint64_t left = 1 + random.below(7); left > 0; --left)
      text.push_back(text_bytes[random.below(text_bytes.size())]);
    const bool expected = reference(elements_of(pattern), 0, text, 0);
    if (glob_matches(pattern, text) != expected) {
      INFO("seed " << seed << " pattern '" << pattern << "' text '" << text << "' expected " << expected);
      FAIL();
    }
    matches += expected ? 1 : 0;
  }
  CHECK(matches > 3000);
}

TEST_CASE("glob: many stars stay cheap") {
  std::string pattern;
  for (int i = 0; i < 2000; ++i) pattern += "*a";
  CHECK_FALSE(glob_matches(pattern + "*b", std::string(4000, 'a')));
  CHECK(glob_matches(pattern + "*", std::string(4000, 'a')));
  CHECK_FALSE(glob_matches(std::string(30, '*') + std::string(30, '?') + "b", std::string(5000, 'a')));
}

TEST_CASE("glob: the literal prefix") {
  CHECK(glob_literal_prefix("user:*") == "user:");
  CHECK(glob_literal_prefix("user:42") == "user:42");
  CHECK(glob_literal_prefix("a?b") == "a");
  CHECK(glob_literal_prefix("a[b]") == "a");
  CHECK(glob_literal_prefix("a\\*b") == "a");
  CHECK(glob_literal_prefix("*") == "");
  CHECK(glob_literal_prefix("") == "");
}

}  // namespace sett::protocol
