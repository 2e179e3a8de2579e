#include "protocol/reply_writer.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <functional>
#include <limits>
#include <string>

namespace sett::protocol {
namespace {

using Version = ReplyWriter::Version;

std::string written(Version version, const std::function<void(ReplyWriter&)>& write) {
  std::string out;
  ReplyWriter writer(out, version);
  write(writer);
  return out;
}

// What RESP2 and what RESP3 get to see of the same call.
void check(const std::function<void(ReplyWriter&)>& write, const std::string& resp2, const std::string& resp3) {
  CHECK(written(Version::resp2, write) == resp2);
  CHECK(written(Version::resp3, write) == resp3);
}

void check_both(const std::function<void(ReplyWriter&)>& write, const std::string& expected) {
  check(write, expected, expected);
}

}  // namespace

TEST_CASE("replies that are the same in both versions") {
  check_both([](ReplyWriter& w) { w.ok(); }, "+OK\r\n");
  check_both([](ReplyWriter& w) { w.simple("PONG"); }, "+PONG\r\n");
  check_both([](ReplyWriter& w) { w.bulk("hello"); }, "$5\r\nhello\r\n");
  check_both([](ReplyWriter& w) { w.bulk(""); }, "$0\r\n\r\n");
  check_both([](ReplyWriter& w) { w.bulk(std::string_view("\0\r\n", 3)); }, std::string("$3\r\n\0\r\n\r\n", 9));
  check_both([](ReplyWriter& w) { w.bulk(std::string(12, 'x')); }, "$12\r\nxxxxxxxxxxxx\r\n");
  check_both([](ReplyWriter& w) { w.array(0); }, "*0\r\n");
  check_both([](ReplyWriter& w) { w.array(1234567); }, "*1234567\r\n");
  check_both([](ReplyWriter& w) { w.raw("anything"); }, "anything");
}

TEST_CASE("integers") {
  check_both([](ReplyWriter& w) { w.integer(0); }, ":0\r\n");
  check_both([](ReplyWriter& w) { w.integer(9); }, ":9\r\n");
  check_both([](ReplyWriter& w) { w.integer(10); }, ":10\r\n");
  check_both([](ReplyWriter& w) { w.integer(-1); }, ":-1\r\n");
  check_both([](ReplyWriter& w) { w.integer(std::numeric_limits<int64_t>::max()); }, ":9223372036854775807\r\n");
  check_both([](ReplyWriter& w) { w.integer(std::numeric_limits<int64_t>::min()); }, ":-9223372036854775808\r\n");
}

TEST_CASE("an error stays on one line") {
  check_both([](ReplyWriter& w) { w.error("ERR no such key"); }, "-ERR no such key\r\n");
  check_both([](ReplyWriter& w) { w.error("ERR a\r\nb\nc"); }, "-ERR a  b c\r\n");
  check_both([](ReplyWriter& w) { w.error("\nERR a\r\n"); }, "-ERR a\r\n");
  check_both([](ReplyWriter& w) { w.error("\r\n"); }, "-\r\n");
}

TEST_CASE("types that RESP2 lacks") {
  check([](ReplyWriter& w) { w.null(); }, "$-1\r\n", "_\r\n");
  check([](ReplyWriter& w) { w.null_array(); }, "*-1\r\n", "_\r\n");
  check([](ReplyWriter& w) { w.map(7); }, "*14\r\n", "%7\r\n");
  check([](ReplyWriter& w) { w.set(3); }, "*3\r\n", "~3\r\n");
  check([](ReplyWriter& w) { w.push(3); }, "*3\r\n", ">3\r\n");
  check([](ReplyWriter& w) { w.boolean(true); }, ":1\r\n", "#t\r\n");
  check([](ReplyWriter& w) { w.boolean(false); }, ":0\r\n", "#f\r\n");
  check([](ReplyWriter& w) { w.big_number("-12345678901234567890"); }, "$21\r\n-12345678901234567890\r\n",
        "(-12345678901234567890\r\n");
  check([](ReplyWriter& w) { w.verbatim("txt", "a\r\nb"); }, "$4\r\na\r\nb\r\n", "=8\r\ntxt:a\r\nb\r\n");
}

TEST_CASE("doubles have seventeen digits") {
  check([](ReplyWriter& w) { w.number(0.1); }, "$19\r\n0.10000000000000001\r\n", ",0.10000000000000001\r\n");
  check([](ReplyWriter& w) { w.number(3); }, "$1\r\n3\r\n", ",3\r\n");
  check([](ReplyWriter& w) { w.number(-2.5e300); }, "$24\r\n-2.5000000000000001e+300\r\n",
        ",-2.5000000000000001e+300\r\n");
  const double infinity = std::numeric_limits<double>::infinity();
  check([&](ReplyWriter& w) { w.number(infinity); }, "$3\r\ninf\r\n", ",inf\r\n");
  check([&](ReplyWriter& w) { w.number(-infinity); }, "$4\r\n-inf\r\n", ",-inf\r\n");
  check([&](ReplyWriter& w) { w.number(std::numeric_limits<double>::quiet_NaN()); }, "$3\r\nnan\r\n", ",nan\r\n");
}

TEST_CASE("a header goes in front of what was written since its mark") {
  const auto with_array = [](ReplyWriter& w) {
    w.ok();
    const size_t mark = w.mark();
    for (int i = 0; i < 11; ++i) w.integer(i);
    w.insert_array(mark, 11);
    w.null();
  };
  const std::string numbers = ":0\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r\n:7\r\n:8\r\n:9\r\n:10\r\n";
  check(with_array, "+OK\r\n*11\r\n" + numbers + "$-1\r\n", "+OK\r\n*11\r\n" + numbers + "_\r\n");

  const auto with_map = [](ReplyWriter& w) {
    const size_t mark = w.mark();
    w.bulk("a");
    w.integer(1);
    w.insert_map(mark, 1);
  };
  check(with_map, "*2\r\n$1\r\na\r\n:1\r\n", "%1\r\n$1\r\na\r\n:1\r\n");
}

TEST_CASE("the version may change between replies") {
  std::string out;
  ReplyWriter writer(out);
  CHECK(writer.version() == Version::resp2);
  writer.null();
  writer.set_version(Version::resp3);
  writer.null();
  CHECK(out == "$-1\r\n_\r\n");
}

}  // namespace sett::protocol
