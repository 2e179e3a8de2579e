#include <catch2/catch.hpp>

#include <string>

#include "server/event_loop.h"
#include "tests/server/commands/live_server.h"

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

}  // namespace

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
