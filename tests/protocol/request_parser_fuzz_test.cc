#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>
#include <vector>

#include "storage/base/random.h"
#include "tests/protocol/parser_harness.h"

namespace sett::protocol::test {
namespace {

using storage::Random;

// Small limits, so that random bytes reach them.
constexpr RequestLimits tight{
    .bulk_bytes_max = 64, .arguments_max = 8, .inline_bytes_max = 40, .request_bytes_max = 150};

uint64_t rounds() {
  return std::getenv("SETT_LONG") != nullptr ? 200000 : 2000;
}

std::string random_argument(Random& random) {
  static const std::vector<std::string> words{"GET", "SET", "", "\r\n", "*1\r\n$1\r\na\r\n", "\"quoted\"", "$-1"};
  if (random.one_in(2)) return words[random.below(words.size())];
  std::string out;
  for (uint64_t left = random.below(20); left > 0; --left) out.push_back(static_cast<char>(random.below(256)));
  return out;
}

std::vector<std::string> random_request(Random& random) {
  std::vector<std::string> out;
  for (uint64_t left = 1 + random.below(6); left > 0; --left) out.push_back(random_argument(random));
  return out;
}

// Bytes that mean something to the parser, more often than others.
std::string random_soup(Random& random) {
  static constexpr std::string_view spice = "*$\r\n\"'\\x0123456789- ";
  std::string out;
  for (uint64_t left = random.below(120); left > 0; --left) {
    out.push_back(random.one_in(8) ? static_cast<char>(random.below(256)) : spice[random.below(spice.size())]);
  }
  return out;
}

void mutate(Random& random, std::string& input) {
  for (uint64_t left = 1 + random.below(4); left > 0 && !input.empty(); --left) {
    const size_t at = random.below(input.size());
    switch (random.below(4)) {
      case 0:
        input[at] = static_cast<char>(random.below(256));
        break;
      case 1:
        input.erase(at, 1 + random.below(4));
        break;
      case 2:
        input.insert(at, random_soup(random).substr(0, 3));
        break;
      default:
        input[at] = static_cast<char>('0' + random.below(10));
        break;
    }
  }
}

std::vector<size_t> random_cuts(Random& random, size_t size) {
  std::vector<size_t> cuts;
  for (size_t at = random.below(10); at < size; at += 1 + random.below(12)) cuts.push_back(at);
  return cuts;
}

}  // namespace

TEST_CASE("random requests come out as they went in, however they are cut") {
  for (uint64_t seed = 1; seed <= rounds() / 4; ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    Parsed expected;
    std::string input;
    for (uint64_t left = 1 + random.below(5); left > 0; --left) {
      expected.requests.push_back(random_request(random));
      input += encode(expected.requests.back());
      if (random.one_in(4)) input += random.one_in(2) ? "\r\n" : "*0\r\n";
    }
    REQUIRE(parse_whole(input) == expected);
    REQUIRE(parse_byte_by_byte(input) == expected);
    REQUIRE(parse_in_pieces(input, random_cuts(random, input.size())) == expected);
  }
}

TEST_CASE("random and damaged bytes give the same outcome however they are cut") {
  uint64_t errors = 0;
  for (uint64_t seed = 1; seed <= rounds(); ++seed) {
    INFO("seed " << seed);
    Random random(seed);
    std::string input;
    if (random.one_in(2)) {
      for (uint64_t left = 1 + random.below(3); left > 0; --left) input += encode(random_request(random));
      mutate(random, input);
    } else {
      input = random_soup(random);
    }
    const RequestLimits limits = random.one_in(2) ? tight : RequestLimits{};
    const Parsed whole = parse_whole(input, limits);
    REQUIRE(parse_byte_by_byte(input, limits) == whole);
    REQUIRE(parse_in_pieces(input, random_cuts(random, input.size()), limits) == whole);
    if (!whole.error.empty()) {
      ++errors;
      REQUIRE(whole.error.starts_with("ERR Protocol error: "));
    }
  }
  // The inputs are neither all good nor all bad.
  CHECK(errors > rounds() / 20);
  CHECK(errors < rounds() * 19 / 20);
}

}  // namespace sett::protocol::test
