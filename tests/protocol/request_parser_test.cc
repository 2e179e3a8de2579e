#include "protocol/request_parser.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/protocol/parser_harness.h"

namespace sett::protocol::test {
namespace {

using Requests = std::vector<std::vector<std::string>>;

std::string error_of(std::string_view input, const RequestLimits& limits = {}) {
  return parse_every_way(input, limits).error;
}

Requests requests_of(std::string_view input) {
  const Parsed parsed = parse_every_way(input);
  CHECK(parsed.error == "");
  CHECK(parsed.left == 0);
  return parsed.requests;
}

std::string bytes(std::initializer_list<int> values) {
  std::string out;
  for (const int value : values) out.push_back(static_cast<char>(value));
  return out;
}

}  // namespace

TEST_CASE("arrays of bulk strings are requests, pipelined or alone") {
  CHECK(requests_of("*1\r\n$4\r\nPING\r\n") == Requests{{"PING"}});
  CHECK(requests_of("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n") == Requests{{"SET", "k", ""}});
  CHECK(requests_of("*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1\r\n$4\r\nPING\r\nECHO x\r\n*1\r\n$4\r\nQUIT\r\n") ==
        Requests{{"GET", "a"}, {"PING"}, {"ECHO", "x"}, {"QUIT"}});
}

TEST_CASE("arguments keep every byte") {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) all.push_back(static_cast<char>(byte));
  const std::string tricky = "$5\r\n*1\r\n\r\n";
  CHECK(requests_of(encode({"SET", all, tricky}) + encode({tricky})) == Requests{{"SET", all, tricky}, {tricky}});
}

TEST_CASE("many and large arguments") {
  const std::string large(300000, 'v');
  std::vector<std::string> many;
  for (int i = 0; i < 10000; ++i) many.push_back("argument-" + std::to_string(i));
  CHECK(requests_of(encode({"SET", "k", large}) + encode(many) + encode({"GET", "k"})) ==
        Requests{{"SET", "k", large}, many, {"GET", "k"}});
}

TEST_CASE("what is no request is skipped without a reply") {
  CHECK(requests_of("\r\n") == Requests{});
  CHECK(requests_of("\n\r\n   \t \r\n") == Requests{});
  CHECK(requests_of("*0\r\n*-1\r\n*-5\r\n*1\r\n$4\r\nPING\r\n\r\n*0\r\n") == Requests{{"PING"}});
  CHECK(requests_of(" \x0b\x0c \r\nPING\r\n") == Requests{{"PING"}});
}

TEST_CASE("skipped bytes are reported, and come off the front of what follows") {
  RequestParser parser;
  CHECK(parser.parse("*0\r\n\r\n*1\r\n$4", {}) == RequestParser::Outcome::incomplete);
  CHECK(parser.skipped() == 6);
  CHECK(parser.parse("*1\r\n$4\r\nPING\r\nrest", {}) == RequestParser::Outcome::request);
  CHECK(parser.consumed() == 14);
  CHECK(parser.parse("\r\n*1\r\n$4\r\nPING\r\nrest", {}) == RequestParser::Outcome::request);
  CHECK(parser.consumed() == 16);
  CHECK(parser.skipped() == 0);
}

TEST_CASE("arguments are views into the caller's buffer") {
  const std::string input = encode({"SET", "key", "value"});
  RequestParser parser;
  REQUIRE(parser.parse(input, {}) == RequestParser::Outcome::request);
  for (const std::string_view argument : parser.arguments()) {
    CHECK(argument.data() > input.data());
    CHECK(argument.data() + argument.size() < input.data() + input.size());
  }
}

TEST_CASE("bytes_needed tells how much a begun argument takes") {
  RequestParser parser;
  CHECK(parser.parse("*2\r\n$3\r\nGET\r\n$1000", {}) == RequestParser::Outcome::incomplete);
  CHECK(parser.bytes_needed() == 0);
  CHECK(parser.parse("*2\r\n$3\r\nGET\r\n$1000\r\nabc", {}) == RequestParser::Outcome::incomplete);
  CHECK(parser.bytes_needed() == 20 + 1000 + 2);

  RequestParser second;
  CHECK(second.parse("\r\n\r\n*1\r\n$10\r\n", {}) == RequestParser::Outcome::incomplete);
  CHECK(second.skipped() == 4);
  CHECK(second.bytes_needed() == 4 + 9 + 10 + 2);
}

TEST_CASE("line ends are taken unseen, as Redis does") {
  CHECK(requests_of("*1\rX$4\rXPINGxy") == Requests{{"PING"}});
}

TEST_CASE("inline commands") {
  CHECK(requests_of("PING\r\n") == Requests{{"PING"}});
  CHECK(requests_of("PING\n") == Requests{{"PING"}});
  CHECK(requests_of("  SET   key\tvalue  \r\n") == Requests{{"SET", "key", "value"}});
  CHECK(requests_of("SET a\rb c\r\n") == Requests{{"SET", "a", "b", "c"}});
  CHECK(requests_of("a\x0b"
                    "b\r\n") == Requests{{"a\x0b"
                                          "b"}});
  CHECK(requests_of("GET " + bytes({0xff, 0x00, 0x80}) + "\r\n") == Requests{{"GET", bytes({0xff, 0x00, 0x80})}});
}

TEST_CASE("double quotes in inline commands") {
  CHECK(requests_of("SET \"a b\" \"\"\r\n") == Requests{{"SET", "a b", ""}});
  CHECK(requests_of("\"\\n\\r\\t\\b\\a\\\\\\\"\\q\"\r\n") == Requests{{"\n\r\t\b\a\\\"q"}});
  CHECK(requests_of("\"\\x00\\xfF\\x4\\xzz\"\r\n") == Requests{{bytes({0, 0xff}) + "x4xzz"}});
  CHECK(requests_of("\"it's\"\r\n") == Requests{{"it's"}});
  CHECK(requests_of("foo\"bar baz\" x\r\n") == Requests{{"foobar baz", "x"}});
  CHECK(requests_of("\"a\"\x0b\"b\"\r\n") == Requests{{"a", "b"}});
}

TEST_CASE("single quotes in inline commands") {
  CHECK(requests_of("SET 'a \"b\"' ''\r\n") == Requests{{"SET", "a \"b\"", ""}});
  CHECK(requests_of("'it\\'s' '\\n\\\\ '\r\n") == Requests{{"it's", "\\n\\\\ "}});
}

TEST_CASE("unbalanced quotes") {
  const std::string expected = "ERR Protocol error: unbalanced quotes in request";
  for (const char* line :
       {"\"abc", "'abc", "\"a\"b", "'a'b", "\"abc\\\"", "'abc\\'", "\"abc\\", "\"", "'", "x \"a\"'b'", "SET \"\\x4"}) {
    INFO(line);
    CHECK(error_of(std::string(line) + "\r\n") == expected);
  }
}

TEST_CASE("lengths that are none") {
  for (const char* length : {"abc", "", "+1", "01", "-0", " 1", "1 ", "1x", "--1", "2147483648", "9223372036854775808",
                             "99999999999999999999999", "1048577", "00"}) {
    INFO(length);
    CHECK(error_of("*" + std::string(length) + "\r\n") == "ERR Protocol error: invalid multibulk length");
  }
  for (const char* length : {"abc", "", "-1", "+1", "01", "-0", "1 ", "536870913", "9223372036854775808", "00"}) {
    INFO(length);
    CHECK(error_of("*1\r\n$" + std::string(length) + "\r\n") == "ERR Protocol error: invalid bulk length");
  }
}

TEST_CASE("an error comes after the requests before it") {
  const Parsed parsed = parse_every_way("*1\r\n$4\r\nPING\r\n*1\r\nPING\r\n");
  CHECK(parsed.requests == Requests{{"PING"}});
  CHECK(parsed.error == "ERR Protocol error: expected '$', got 'P'");
}

TEST_CASE("a bulk without its dollar") {
  CHECK(error_of("*1\r\n:3\r\n") == "ERR Protocol error: expected '$', got ':'");
  CHECK(error_of("*2\r\n$1\r\na\r\n\r\n") == "ERR Protocol error: expected '$', got '\r'");
  CHECK(error_of(std::string("*1\r\n\0\r\n", 7)) == "ERR Protocol error: expected '$', got '" + bytes({0}) + "'");
  // Not before its line is there.
  CHECK(error_of("*1\r\n:3") == "");
}

TEST_CASE("lines have a limit") {
  const RequestLimits limits{.inline_bytes_max = 20};
  CHECK(parse_every_way(std::string(20, 'a') + "\n", limits).requests == Requests{{std::string(20, 'a')}});
  CHECK(error_of(std::string(21, 'a') + "\n", limits) == "ERR Protocol error: too big inline request");
  CHECK(error_of(std::string(20, 'a'), limits) == "");
  CHECK(error_of(std::string(21, 'a'), limits) == "ERR Protocol error: too big inline request");
  CHECK(error_of("*" + std::string(19, '1') + "\r\n", limits) == "ERR Protocol error: invalid multibulk length");
  CHECK(error_of("*" + std::string(20, '1') + "\r\n", limits) == "ERR Protocol error: too big mbulk count string");
  CHECK(error_of("*1\r\n$" + std::string(19, '1') + "\r\n", limits) == "ERR Protocol error: invalid bulk length");
  CHECK(error_of("*1\r\n$" + std::string(20, '1') + "\r\n", limits) == "ERR Protocol error: too big bulk count string");
  CHECK(error_of(std::string(65536, 'a'), {}) == "");
  CHECK(error_of(std::string(65537, 'a'), {}) == "ERR Protocol error: too big inline request");
}

TEST_CASE("arguments have limits") {
  const RequestLimits limits{.bulk_bytes_max = 8, .arguments_max = 3, .request_bytes_max = 20};
  CHECK(parse_every_way(encode({"12345678", "12345678", "1234"}), limits).requests.size() == 1);
  CHECK(error_of(encode({"123456789"}), limits) == "ERR Protocol error: invalid bulk length");
  CHECK(error_of(encode({"1", "2", "3", "4"}), limits) == "ERR Protocol error: invalid multibulk length");
  CHECK(error_of(encode({"12345678", "12345678", "12345"}), limits) == "ERR Protocol error: too big request");
  // The sum is of one request, not of the connection.
  CHECK(parse_every_way(encode({"12345678", "12345678"}) + encode({"12345678", "12345678"}), limits).requests.size() ==
        2);
}

TEST_CASE("before AUTH the limits are tight and say so") {
  const RequestLimits& limits = unauthenticated_limits;
  const std::string largest(16384, 'x');
  CHECK(parse_every_way(encode(std::vector<std::string>(10, largest)), limits).requests.size() == 1);
  CHECK(error_of("*11\r\n", limits) == "ERR Protocol error: unauthenticated multibulk length");
  CHECK(error_of("*2147483647\r\n", limits) == "ERR Protocol error: unauthenticated multibulk length");
  CHECK(error_of("*2147483648\r\n", limits) == "ERR Protocol error: invalid multibulk length");
  CHECK(error_of("*1\r\n$16385\r\n", limits) == "ERR Protocol error: unauthenticated bulk length");
  CHECK(error_of("*1\r\n$536870913\r\n", limits) == "ERR Protocol error: invalid bulk length");
  CHECK(parse_every_way("a b c d e f g h i j k l\r\n", limits).requests.front().size() == 12);
}

TEST_CASE("limits may change between two calls") {
  RequestParser parser;
  CHECK(parser.parse("*1\r\n$20000", unauthenticated_limits) == RequestParser::Outcome::incomplete);
  CHECK(parser.parse("*1\r\n$20000\r\n", {}) == RequestParser::Outcome::incomplete);
  CHECK(parser.bytes_needed() == 4 + 8 + 20000 + 2);
}

TEST_CASE("a parser can be used again after an error") {
  RequestParser parser;
  CHECK(parser.parse("*1\r\n$3\r\nabc\r\n*2\r\n$1\r\na\r\nx\r\n", {}) == RequestParser::Outcome::request);
  CHECK(parser.parse("*2\r\n$1\r\na\r\nx\r\n", {}) == RequestParser::Outcome::error);
  CHECK(parser.parse("*1\r\n$4\r\nPING\r\n", {}) == RequestParser::Outcome::request);
  REQUIRE(parser.arguments().size() == 1);
  CHECK(parser.arguments()[0] == "PING");
}

}  // namespace sett::protocol::test
