#include <catch2/catch.hpp>

#include "tests/server/command_runner.h"

namespace sett::server::test {

namespace {

// What one command adds to the log.
uint64_t cost(CommandRunner& runner, std::string_view line) {
  const uint64_t before = runner.log_bytes();
  const std::string reply = runner.run(split_line(line));
  INFO(line << " => " << readable(reply));
  CHECK(reply.front() != '-');
  return runner.log_bytes() - before;
}

constexpr uint64_t small_change_max = 100;

}  // namespace

TEST_CASE("log: a small change of a big value costs little") {
  CommandRunner runner;
  runner.run({"SET", "big", std::string(1'000'000, 'x')});
  for (const char* line : {"APPEND big abc", "SETBIT big 7000000 1", "SETBIT big 7000001 0",
                           "SETRANGE big 500000 hello", "BITFIELD big SET u8 80 1 INCRBY i64 4096 1", "EXPIRE big 100",
                           "PERSIST big", "SETRANGE big 1000100 end", "GETEX big EX 100"}) {
    INFO(line);
    const uint64_t bytes = cost(runner, line);
    CHECK(bytes > 0);
    CHECK(bytes <= small_change_max);
  }
}

TEST_CASE("log: a far offset in an absent key does not log the zeroes before it") {
  CommandRunner runner;
  runner.value_bytes_max = 512 << 20;
  runner.run({"SET", "other key", "so that the bucket is there"});
  CHECK(cost(runner, "SETBIT far 8000000 1") <= small_change_max);
  CHECK(cost(runner, "SETRANGE farther 1000000 abc") <= small_change_max);
  CHECK(cost(runner, "BITFIELD farthest SET u8 8000000 255") <= small_change_max);
  CHECK(runner.contents().at({"0", "far"}).first == std::string(1'000'000, '\0') + '\x80');
  CHECK(runner.contents().at({"0", "farther"}).first == std::string(1'000'000, '\0') + "abc");
  CHECK(runner.contents().at({"0", "farthest"}).first == std::string(1'000'000, '\0') + '\xff');
}

TEST_CASE("log: what changes nothing is not logged") {
  CommandRunner runner;
  runner.run({"SET", "a", "value"});
  for (const char* line :
       {"SETBIT a 0 0", "SETRANGE a 3 \"\"", "PERSIST a", "SETNX a x", "GET a", "SET b 1 XX", "DEL none",
        "GETEX a PERSIST", "BITFIELD a GET u8 0", "EXPIRE a 10 XX", "MSETNX a 1 b 2", "COPY a a2 DB 0"}) {
    INFO(line);
    if (std::string_view(line).starts_with("COPY"))
      CHECK(cost(runner, line) > 0);
    else
      CHECK(cost(runner, line) == 0);
  }
}

}  // namespace sett::server::test
