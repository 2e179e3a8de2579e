#include <catch2/catch.hpp>
#include <set>

#include "protocol/number_text.h"
#include "tests/server/command_runner.h"

namespace sett::server::test {

namespace {

// The cursor and the keys of a reply of SCAN or KV.LIST.
struct Page {
  std::string cursor;
  std::vector<std::string> keys;
};

std::string take_bulk(std::string_view& reply) {
  const size_t line = reply.find("\r\n");
  REQUIRE(reply.front() == '$');
  const auto bytes = static_cast<size_t>(*protocol::parse_int64(reply.substr(1, line - 1)));
  std::string text(reply.substr(line + 2, bytes));
  reply.remove_prefix(line + 2 + bytes + 2);
  return text;
}

Page read_page(const std::string& text) {
  std::string_view reply = text;
  REQUIRE(reply.starts_with("*2\r\n"));
  reply.remove_prefix(4);
  Page page{take_bulk(reply), {}};
  const size_t line = reply.find("\r\n");
  const auto count = *protocol::parse_int64(reply.substr(1, line - 1));
  reply.remove_prefix(line + 2);
  for (int64_t i = 0; i < count; ++i) page.keys.push_back(take_bulk(reply));
  CHECK(reply.empty());
  return page;
}

}  // namespace

TEST_CASE("scan: every key that stays is returned, while others come and go") {
  for (const uint64_t seed : {1, 2, 3, 4}) {
    INFO("seed " << seed);
    storage::Random random(seed);
    CommandRunner runner(static_cast<storage::ShardIndex>(1 + random.below(7)));
    std::set<std::string> staying;
    for (int i = 0; i < 2000; ++i) {
      staying.insert("stay:" + std::to_string(i));
      runner.run({"SET", "stay:" + std::to_string(i), "v"});
    }
    std::set<std::string> seen;
    std::string cursor = "0";
    int calls = 0;
    do {
      const std::string count = std::to_string(1 + random.below(60));
      const Page page = read_page(runner.run({"SCAN", cursor, "COUNT", count}));
      seen.insert(page.keys.begin(), page.keys.end());
      cursor = page.cursor;
      for (int i = 0; i < 30; ++i) {
        const std::string key = "pass:" + std::to_string(random.below(20'000));
        if (random.one_in(3))
          runner.run({"DEL", key});
        else
          runner.run({"SET", key, "v", "PX", std::to_string(1 + random.below(50))});
      }
      runner.clock.now_ms += 1;
      REQUIRE(++calls < 20'000);
    } while (cursor != "0");
    for (const std::string& key : staying) {
      INFO(key);
      CHECK(seen.count(key) == 1);
    }
  }
}

TEST_CASE("scan: COUNT bounds a call, filters do not lengthen it, and the sum is the bucket") {
  CommandRunner runner;
  for (int i = 0; i < 5000; ++i) runner.run({"KV.SET", "b", "key:" + std::to_string(i), "v"});
  runner.selected = "b";
  for (const std::vector<std::string>& words :
       {CommandRunner::Command{"SCAN", "0", "COUNT", "100"}, {"KV.LIST", "b", "", "COUNT", "100", "CURSOR", "0"}}) {
    const size_t at = words[0] == "SCAN" ? 1 : 6;
    CommandRunner::Command command = words;
    size_t total = 0;
    do {
      const Page page = read_page(runner.run(command));
      CHECK(page.keys.size() <= 200);
      total += page.keys.size();
      command[at] = page.cursor;
    } while (command[at] != "0");
    CHECK(total == 5000);
  }
  const Page none = read_page(runner.run({"SCAN", "0", "COUNT", "100", "MATCH", "nothing*"}));
  CHECK(none.keys.empty());
  CHECK(none.cursor != "0");
  CHECK(read_page(runner.run({"SCAN", "0", "COUNT", "100000"})).cursor == "0");
  CHECK(readable(runner.run({"DBSIZE"})) == ":5000");
}

TEST_CASE("scan: KEYS, RANDOMKEY and DBSIZE over many shards") {
  CommandRunner runner(64);
  std::set<std::string> keys;
  for (int i = 0; i < 10; ++i) keys.insert("k" + std::to_string(i));
  for (const std::string& key : keys) runner.run({"SET", key, "v"});
  std::string reply = runner.run({"KEYS", "k*"});
  REQUIRE(reply.starts_with("*10\r\n"));
  std::string_view rest = std::string_view(reply).substr(5);
  std::set<std::string> listed, drawn;
  for (int i = 0; i < 10; ++i) listed.insert(take_bulk(rest));
  CHECK(listed == keys);
  for (int i = 0; i < 500; ++i) {
    reply = runner.run({"RANDOMKEY"});
    rest = reply;
    drawn.insert(take_bulk(rest));
  }
  CHECK(drawn == keys);
}

TEST_CASE("replies: MGET, KV.MGET and KEYS stop soon after the limit") {
  CommandRunner runner;
  runner.reply_bytes_max = 10'000;
  const std::string value(5000, 'v');
  CommandRunner::Command mget{"MGET"}, kv_mget{"KV.MGET", "0"};
  for (int i = 0; i < 200; ++i) {
    const std::string key = "key" + std::to_string(i) + std::string(200, 'k');
    runner.run({"SET", key, value});
    mget.push_back(key);
    kv_mget.push_back(key);
  }
  for (const auto& command : {mget, kv_mget, {"KEYS", "*"}}) {
    const size_t bytes = runner.run(command).size();
    CHECK(bytes > runner.reply_bytes_max);
    CHECK(bytes < 5 * runner.reply_bytes_max);
  }
}

}  // namespace sett::server::test
