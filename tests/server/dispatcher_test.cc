#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <vector>

#include "server/event_loop.h"
#include "storage/chaos/chaos_store.h"
#include "tests/server/commands/live_server.h"
#include "tests/support/temporary_directory.h"

namespace sett::server {
namespace {

void lock_all(storage::Store& store) {
  for (storage::ShardIndex shard = 0; shard < store.shard_count(); ++shard)
    while (!store.try_lock(shard)) {
    }
}

void unlock_all(storage::Store& store) {
  for (storage::ShardIndex shard = 0; shard < store.shard_count(); ++shard) store.unlock(shard);
}

// The text of CLIENT LIST once it has `wanted`, or what it was at last.
std::string clients_with(LiveServer::Client& observer, const std::string& wanted) {
  constexpr int looks_max = 2000;
  std::string list;
  for (int look = 0; look < looks_max && list.find(wanted) == std::string::npos; ++look)
    list = observer.call({"CLIENT", "LIST"});
  return list;
}

using Command = std::vector<std::string>;

// Chaos as it comes, and a full disk as often as `no_space_one_in` says, over the backends of that name.
StoreWrapper full_at_times(std::string backend, uint32_t no_space_one_in, uint64_t seed) {
  return [=](std::unique_ptr<storage::Store> inner, storage::Executor& executor) -> std::unique_ptr<storage::Store> {
    if (inner->backend() != backend) return inner;
    const storage::ChaosOptions options{.seed = seed, .no_space_one_in = no_space_one_in};
    return std::make_unique<storage::ChaosStore>(std::move(inner), executor, options);
  };
}

Command random_command(storage::Random& random) {
  const auto key = [&] { return "k" + std::to_string(random.below(6)); };
  const auto bucket = [&] { return std::to_string(random.below(3)); };
  const auto value = [&] { return std::to_string(random.below(1000)); };
  switch (random.below(16)) {
    case 0:
      return {"SET", key(), value()};
    case 1:
      return {"MSET", key(), value(), key(), value()};
    case 2:
      return {"MSETNX", key(), value(), key(), value()};
    case 3:
      return {"INCR", key()};
    case 4:
      return {"APPEND", key(), value()};
    case 5:
      return {"DEL", key(), key()};
    case 6:
      return {"RENAME", key(), key()};
    case 7:
      return {"COPY", key(), key(), "DB", bucket(), "REPLACE"};
    case 8:
      return {"MOVE", key(), bucket()};
    case 9:
      return {"SWAPDB", bucket(), bucket()};
    case 10:
      return random.one_in(4) ? Command{"FLUSHALL"} : Command{"FLUSHDB"};
    case 11:
      return {"KV.MSET", bucket(), key(), value(), key(), value()};
    case 12:
      return {"EXPIRE", key(), "100"};
    case 13:
      return {"SELECT", bucket()};
    case 14:
      return {"GETDEL", key()};
    default:
      return {"SETRANGE", key(), "3", value()};
  }
}

}  // namespace

TEST_CASE("a walk that has to fetch in between replies each key once, and the right number of them") {
  const auto seed = GENERATE(range(1u, 6u));
  INFO("seed " << seed);
  constexpr size_t keys = 3000;
  LiveServer server({}, 1, true, full_at_times("memory", 0, seed));
  auto client = server.connect();
  for (size_t i = 0; i < keys; ++i) REQUIRE(client->call({"SET", "key:" + std::to_string(i), "v"}) == "+OK\r\n");
  for (const Command& command : {Command{"KEYS", "*"}, Command{"SCAN", "0", "COUNT", "5000"},
                                 Command{"KV.LIST", "0", "key:", "COUNT", "5000"}}) {
    INFO(command[0]);
    std::string reply = client->call(command);
    const std::string head = command[0] == "KEYS" ? "*3000\r\n" : "*2\r\n$1\r\n0\r\n*3000\r\n";
    REQUIRE(reply.starts_with(head));
    std::set<std::string> found;
    for (size_t at = head.size(); at < reply.size();) {
      const size_t line_end = reply.find("\r\n", at);
      REQUIRE(reply[at] == '$');
      const size_t bytes = std::stoul(reply.substr(at + 1, line_end - at - 1));
      found.insert(reply.substr(line_end + 2, bytes));
      at = line_end + 2 + bytes + 2;
    }
    CHECK(found.size() == keys);
  }
}

// Of a void step in the middle the reply's head was put in front nevertheless.
TEST_CASE("a KV.RANGE that has to fetch in between has one head, and all values in order") {
  const auto seed = GENERATE(range(1u, 9u));
  INFO("seed " << seed);
  constexpr size_t keys = 4000;
  config::Options options;
  options.store.backend = "badger";
  options.badger.memory_mode = true;
  LiveServer server(options, 1, true, full_at_times("badger", 0, seed));
  auto client = server.connect();
  std::string expected = "*" + std::to_string(2 * keys) + "\r\n";
  for (size_t i = 0; i < keys; ++i) {
    const std::string number = std::to_string(10000 + i);
    REQUIRE(client->call({"SET", "key:" + number, "value:" + number}) == "+OK\r\n");
    expected += "$9\r\nkey:" + number + "\r\n$11\r\nvalue:" + number + "\r\n";
  }
  const bool is_same = client->call({"KV.RANGE", "0", "-", "+", "WITHVALUES"}) == expected;
  REQUIRE(is_same);
}

TEST_CASE("a command that a full disk refuses has changed nothing, and can be sent again") {
  const auto seed = GENERATE(range(1u, 6u));
  INFO("seed " << seed);
  LiveServer plain;
  LiveServer full({}, 1, true, full_at_times("memory", 3, seed));
  auto expected = plain.connect(), client = full.connect();
  storage::Random random(seed);
  int refused = 0;
  for (int i = 0; i < 400; ++i) {
    const Command command = random_command(random);
    INFO("command " << i << ": " << command[0]);
    std::string reply = client->call(command);
    for (int again = 0; again < 1000 && reply.starts_with("-MISCONF"); ++again, ++refused)
      reply = client->call(command);
    REQUIRE(reply == expected->call(command));
    for (const Command& look : {Command{"DBSIZE"}, Command{"MGET", "k0", "k1", "k2", "k3", "k4", "k5"}})
      REQUIRE(client->call(look) == expected->call(look));
  }
  CHECK(refused > 50);
}

TEST_CASE("a FLUSHALL that one backend refuses has one reply") {
  const storage::TemporaryDirectory directory;
  config::Options options;
  options.server.data_dir = directory.path();
  options.store.backend = "memory";
  options.buckets = {{"kept", "simple_kv"}};
  REQUIRE(LiveServer(options).connect()->call({"KV.SET", "kept", "k", "v"}) == "+OK\r\n");
  LiveServer server(options, 1, true, full_at_times("simple_kv", 1, 1));
  auto client = server.connect();
  REQUIRE(client->call({"SET", "k", "v"}) == "+OK\r\n");
  CHECK(client->call({"FLUSHALL"}).starts_with("-MISCONF"));
  CHECK(client->call({"PING"}) == "+PONG\r\n");
  CHECK(client->call({"DBSIZE"}) == ":0\r\n");  // that backend came first
  CHECK(client->call({"KV.GET", "kept", "k"}) == "$1\r\nv\r\n");
}

TEST_CASE("a client that is killed while its command waits for a lock leaves no lock behind") {
  LiveServer server({}, 2);
  storage::Store& store = server.services().stores.default_store();
  auto observer = server.connect(0);
  REQUIRE(observer->call({"SET", "k", "before"}) == "+OK\r\n");
  for (int round = 0; round < 20; ++round) {
    auto victim = server.connect(1);
    const std::string id = victim->call({"CLIENT", "ID"}).substr(1);
    lock_all(store);
    victim->send({"MSET", "k", "1", "l", "2", "m", "3"});
    REQUIRE(clients_with(*observer, "cmd=mset").find("cmd=mset") != std::string::npos);
    // Some rounds let it miss a few times first, so that it queues to keep what it gets.
    for (int miss = 0; miss < round % 6; ++miss) {
      unlock_all(store);
      lock_all(store);
    }
    observer->call({"CLIENT", "KILL", "ID", id.substr(0, id.find('\r'))});
    unlock_all(store);
    CHECK(observer->call({"SET", "k", "after"}) == "+OK\r\n");
    CHECK(observer->call({"MSET", "k", "after", "l", "after", "m", "after"}) == "+OK\r\n");
    CHECK(observer->call({"DBSIZE"}) == ":3\r\n");
  }
}

TEST_CASE("what was looked ahead is let go of when nothing of it is run for now, whatever keeps it from running") {
  storage::ChaosStore* chaos = nullptr;
  const StoreWrapper wrap = [&](std::unique_ptr<storage::Store> inner, storage::Executor& executor) {
    auto wrapped = std::make_unique<storage::ChaosStore>(std::move(inner), executor, storage::ChaosOptions{.seed = 7});
    if (!chaos) chaos = wrapped.get();
    return wrapped;
  };
  LiveServer server({}, 2, true, wrap);
  REQUIRE(chaos != nullptr);
  const auto request = [](const Command& words) {
    std::string bytes = "*" + std::to_string(words.size()) + "\r\n";
    for (const std::string& word : words) bytes += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
    return bytes;
  };
  auto observer = server.connect(0);
  storage::Random random(7);
  for (int round = 0; round < 30; ++round) {
    auto client = server.connect(1);
    std::string pipeline;
    const int commands = 2 + static_cast<int>(random.below(80));
    for (int i = 0; i < commands; ++i)
      pipeline +=
          request(random.one_in(2) ? Command{"GET", "k" + std::to_string(random.below(6))} : Command{"INCR", "n"});
    const bool ends = round % 3 == 0;
    if (ends) pipeline += round % 2 ? request({"QUIT"}) : "*x\r\n";
    // In some rounds a lock is not to be had for a while.
    const bool waits = round % 5 == 1;
    if (waits) lock_all(*chaos);
    client->send_bytes(pipeline);
    if (waits) {
      REQUIRE(clients_with(*observer, "cmd=get").find("cmd=") != std::string::npos);
      for (int looks = 0; looks < 1000 && chaos->looking_ahead() != 0; ++looks) observer->call({"PING"});
      CHECK(chaos->looking_ahead() == 0);
      unlock_all(*chaos);
    }
    for (int i = 0; i < commands + (ends ? 1 : 0); ++i) REQUIRE(client->read_reply() != "closed");
    if (ends) CHECK(client->read_reply() == "closed");
    CHECK(chaos->looking_ahead() == 0);
  }
}

TEST_CASE("a command that misses its lock again and again gets it in its turn") {
  LiveServer server({}, 2);
  storage::Store& store = server.services().stores.default_store();
  auto observer = server.connect(0);
  auto waiting = server.connect(1);
  REQUIRE(observer->call({"SET", "k", "before"}) == "+OK\r\n");
  lock_all(store);
  waiting->send({"MSET", "k", "1", "l", "2", "m", "3"});
  REQUIRE(clients_with(*observer, "cmd=mset").find("cmd=mset") != std::string::npos);
  for (int miss = 0; miss < 10; ++miss) {
    unlock_all(store);
    lock_all(store);
  }
  unlock_all(store);
  CHECK(waiting->read_reply() == "+OK\r\n");
  CHECK(observer->call({"MGET", "k", "l", "m"}) == "*3\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n3\r\n");
}

}  // namespace sett::server
