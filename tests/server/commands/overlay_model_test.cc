#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/server/command_runner.h"

namespace sett::server::test {

namespace {

using Command = CommandRunner::Command;

// Random commands over few keys, so that they meet. Order-dependent replies (SCAN of many, RANDOMKEY) are left out or
// kept to one key.
class CommandSource {
 public:
  explicit CommandSource(uint64_t seed) : random_(seed) {}

  std::vector<Command> body() {
    std::vector<Command> commands(1 + random_.below(12));
    for (Command& command : commands) command = next();
    return commands;
  }
  uint64_t below(uint64_t n) { return random_.below(n); }

 private:
  std::string key() { return "k" + std::to_string(random_.below(6)); }
  std::string bucket() { return std::string(1, "01b"[random_.below(3)]); }
  std::string number() { return std::to_string(static_cast<int64_t>(random_.below(200)) - 50); }
  std::string small() { return std::to_string(random_.below(40)); }
  std::string value() {
    switch (random_.below(4)) {
      case 0:
        return number();
      case 1:
        return "";
      case 2:
        return std::string(random_.below(80), static_cast<char>('a' + random_.below(4)));
      default:
        return "1.5";
    }
  }
  std::string milliseconds() { return std::to_string(1 + random_.below(30)); }

  Command next() {
    switch (random_.below(5)) {
      case 0:
        return next_string();
      case 1:
        return next_part();
      case 2:
        return next_key();
      case 3:
        return next_keyspace();
      default:
        return next_native();
    }
  }

  Command next_string() {
    switch (random_.below(14)) {
      case 0:
        return {"SET", key(), value()};
      case 1:
        return {"SET", key(), value(), "PX", milliseconds()};
      case 2:
        return {"SET", key(), value(), "NX", "GET"};
      case 3:
        return {"SET", key(), value(), "XX", "KEEPTTL"};
      case 4:
        return {"GET", key()};
      case 5:
        return {"GETDEL", key()};
      case 6:
        return {"GETEX", key(), "PX", milliseconds()};
      case 7:
        return {"GETEX", key(), "PERSIST"};
      case 8:
        return {"GETSET", key(), value()};
      case 9:
        return {"MSET", key(), value(), key(), value()};
      case 10:
        return {"MSETNX", key(), value(), key(), value()};
      case 11:
        return {"MGET", key(), key(), key()};
      case 12:
        return {"INCRBY", key(), number()};
      default:
        return {"INCRBYFLOAT", key(), "0.5"};
    }
  }

  Command next_part() {
    switch (random_.below(10)) {
      case 0:
        return {"APPEND", key(), value()};
      case 1:
        return {"SETRANGE", key(), small(), value()};
      case 2:
        return {"SETRANGE", key(), "300", "x"};
      case 3:
        return {"GETRANGE", key(), number(), number()};
      case 4:
        return {"SETBIT", key(), small(), std::to_string(random_.below(2))};
      case 5:
        return {"BITCOUNT", key(), number(), number()};
      case 6:
        return {"BITFIELD", key(),   "SET",    "u7",  small(), number(), "INCRBY",
                "i9",       small(), number(), "GET", "i33",   "3"};
      case 7:
        return {"BITOP", "XOR", key(), key(), key()};
      case 8:
        return {"LCS", key(), key(), "IDX"};
      default:
        return {"STRLEN", key()};
    }
  }

  Command next_key() {
    switch (random_.below(12)) {
      case 0:
        return {"DEL", key(), key()};
      case 1:
        return {"EXISTS", key(), key()};
      case 2:
        return {"RENAME", key(), key()};
      case 3:
        return {"RENAMENX", key(), key()};
      case 4:
        return {"COPY", key(), key(), "DB", "1", "REPLACE"};
      case 5:
        return {"COPY", key(), key()};
      case 6:
        return {"MOVE", key(), "1"};
      case 7:
        return {"PEXPIRE", key(), milliseconds()};
      case 8:
        return {"PEXPIRE", key(), milliseconds(), "GT"};
      case 9:
        return {"PERSIST", key()};
      case 10:
        return {"PTTL", key()};
      default:
        return {"OBJECT", "ENCODING", key()};
    }
  }

  Command next_keyspace() {
    switch (random_.below(8)) {
      case 0:
        return {"DBSIZE"};
      case 1:
        return {"KEYS", key()};
      case 2:
        return {"SCAN", "0", "MATCH", key(), "COUNT", "1000"};
      case 3:
        return random_.one_in(3) ? Command{"FLUSHDB"} : Command{"DBSIZE"};
      case 4:
        return {"SWAPDB", "0", "1"};
      case 5:
        return random_.one_in(4) ? Command{"FLUSHALL"} : Command{"TYPE", key()};
      case 6:
        return {"BUCKET.LIST"};
      default:
        return random_.one_in(3) ? Command{"BUCKET.DROP", bucket()} : Command{"KV.COUNT", bucket(), ""};
    }
  }

  Command next_native() {
    switch (random_.below(12)) {
      case 0:
        return {"KV.SET", bucket(), key(), value(), "PX", small()};
      case 1:
        return {"KV.GET", bucket(), key()};
      case 2:
        return {"KV.SETCOMPRESSED", bucket(), key(), value()};
      case 3:
        return {"KV.GETCOMPRESSED", bucket(), key()};
      case 4:
        return {"KV.DEL", bucket(), key()};
      case 5:
        return {"KV.MSET", bucket(), key(), value(), "", "x", key(), value()};
      case 6:
        return {"KV.MGET", bucket(), key(), key()};
      case 7:
        return {"KV.MDEL", bucket(), key(), key()};
      case 8:
        return {"KV.COUNT", bucket(), "k"};
      case 9:
        return {"FILTER.CHECKADD", bucket(), key()};
      case 10:
        return {"FILTER.MADD", "other", key(), key()};
      default:
        return {"KV.TTL", bucket(), key()};
    }
  }

  storage::Random random_;
};

std::string one_by_one(CommandRunner& runner, const std::vector<Command>& body) {
  std::string replies;
  for (const Command& command : body) replies += runner.run(command);
  return replies;
}

std::string text_of(const std::vector<Command>& body) {
  std::string text;
  for (const Command& command : body) {
    for (const std::string& word : command) text += readable(word) + " ";
    text += "; ";
  }
  return text;
}

}  // namespace

TEST_CASE("overlay: a body of commands in one transaction does what the commands do one by one") {
  const bool is_long = std::getenv("SETT_LONG") != nullptr;
  const int bodies = is_long ? 20'000 : 400;
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    CommandSource source(seed);
    CommandRunner together(3), apart(3);
    for (int i = 0; i < bodies; ++i) {
      const std::vector<Command> body = source.body();
      INFO("seed " << seed << " body " << i << ": " << text_of(body));
      const std::string replies = together.run_body(body);
      const std::string expected = one_by_one(apart, body);
      REQUIRE(readable(replies) == readable(expected));
      REQUIRE(together.contents() == apart.contents());
      REQUIRE(together.hits == apart.hits);
      REQUIRE(together.misses == apart.misses);
      const auto pause = static_cast<int64_t>(source.below(20));
      together.clock.now_ms += pause;
      apart.clock.now_ms += pause;
    }
  }
}

}  // namespace sett::server::test
