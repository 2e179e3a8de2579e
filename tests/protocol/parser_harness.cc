#include "tests/protocol/parser_harness.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "storage/base/random.h"

namespace sett::protocol::test {

void Connection::receive(std::string_view bytes) {
  if (!parsed_.error.empty()) return;
  std::string moved;
  moved.reserve(unread_.size() + bytes.size());
  moved.append(unread_).append(bytes);
  std::fill(unread_.begin(), unread_.end(), '#');
  unread_ = std::move(moved);

  for (;;) {
    const RequestParser::Outcome outcome = parser_.parse(unread_, limits_);
    if (outcome == RequestParser::Outcome::error) {
      parsed_.error = parser_.error();
      parsed_.left = 0;
      return;
    }
    if (outcome == RequestParser::Outcome::incomplete) {
      REQUIRE(parser_.skipped() <= unread_.size());
      if (parser_.bytes_needed() != 0) REQUIRE(parser_.bytes_needed() > unread_.size());
      unread_.erase(0, parser_.skipped());
      parsed_.left = unread_.size();
      return;
    }
    REQUIRE(!parser_.arguments().empty());
    REQUIRE(parser_.consumed() > 0);
    REQUIRE(parser_.consumed() <= unread_.size());
    std::vector<std::string> request;
    for (const std::string_view argument : parser_.arguments()) request.emplace_back(argument);
    parsed_.requests.push_back(std::move(request));
    unread_.erase(0, parser_.consumed());
  }
}

Parsed parse_in_pieces(std::string_view input, const std::vector<size_t>& cuts, const RequestLimits& limits) {
  Connection connection(limits);
  size_t from = 0;
  for (const size_t cut : cuts) {
    connection.receive(input.substr(from, cut - from));
    from = cut;
  }
  connection.receive(input.substr(from));
  return connection.parsed();
}

Parsed parse_whole(std::string_view input, const RequestLimits& limits) {
  return parse_in_pieces(input, {}, limits);
}

Parsed parse_byte_by_byte(std::string_view input, const RequestLimits& limits) {
  Connection connection(limits);
  for (const char byte : input) connection.receive(std::string_view(&byte, 1));
  return connection.parsed();
}

Parsed parse_every_way(std::string_view input, const RequestLimits& limits) {
  const Parsed whole = parse_whole(input, limits);
  // Byte by byte costs the square of the input, because the buffer moves each time.
  if (input.size() <= 4096) CHECK(parse_byte_by_byte(input, limits) == whole);
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    INFO("seed " << seed);
    storage::Random random(seed);
    std::vector<size_t> cuts;
    for (size_t at = 0; at < input.size(); at += 1 + random.below(input.size() / 3 + 2)) cuts.push_back(at);
    CHECK(parse_in_pieces(input, cuts, limits) == whole);
  }
  return whole;
}

std::string encode(const std::vector<std::string>& arguments) {
  std::string out = "*" + std::to_string(arguments.size()) + "\r\n";
  for (const std::string& argument : arguments) {
    out += "$" + std::to_string(argument.size()) + "\r\n" + argument + "\r\n";
  }
  return out;
}

}  // namespace sett::protocol::test
