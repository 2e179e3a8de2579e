#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/server/commands/live_server.h"

namespace sett::server {
namespace {

using Catch::Matchers::StartsWith;

// Buckets whose names begin with "m" are in memory, others in badger.
config::Options two_backends() {
  config::Options options;
  options.store.backend = "badger";
  options.badger.memory_mode = true;
  options.badger.value_threshold = 100;
  options.simple_kv.enabled = false;
  options.buckets = {{"m*", "memory"}};
  options.server.data_dir = "/nonexistent";
  return options;
}

int64_t number_of(const std::string& reply) {
  REQUIRE_THAT(reply, StartsWith(":"));
  return std::atoll(reply.c_str() + 1);
}

TEST_CASE("upkeep is refused where there is nothing to keep up", "[server]") {
  LiveServer server;
  const auto client = server.connect();
  CHECK_THAT(client->call({"BADGER.GC"}), StartsWith("-ERR BADGER.GC is not supported by the backend memory: "));
  CHECK_THAT(client->call({"BADGER.COMPACT"}), StartsWith("-ERR BADGER.COMPACT is not supported by the backend mem"));
  CHECK_THAT(client->call({"BADGER.COMPACT", "0"}), StartsWith("-ERR BADGER.COMPACT is not supported by the backend"));
  CHECK(client->call({"BADGER.COMPACT", ""}) == "-ERR invalid bucket name: it must have 1 to 255 bytes\r\n");
  CHECK(client->call({"BADGER.COMPACT", "a", "b"}) == "-ERR syntax error\r\n");
  CHECK_THAT(client->call({"BADGER.GC", "0"}), StartsWith("-ERR wrong number of arguments"));
}

TEST_CASE("upkeep gives bytes back, and says which bucket it does not know", "[server]") {
  LiveServer server(two_backends());
  const auto client = server.connect();
  for (int i = 0; i < 100; ++i)
    CHECK(client->call({"SET", "k" + std::to_string(i), std::string(1000, 'v')}) == "+OK\r\n");
  for (int i = 0; i < 100; i += 2) CHECK(client->call({"DEL", "k" + std::to_string(i)}) == ":1\r\n");
  CHECK(client->call({"BADGER.COMPACT", "nobody"}) == "-ERR no such bucket\r\n");
  CHECK_THAT(client->call({"BADGER.COMPACT", "mine"}), StartsWith("-ERR BADGER.COMPACT is not supported by the back"));
  CHECK(number_of(client->call({"BADGER.GC"})) > 40'000);
  CHECK(number_of(client->call({"BADGER.COMPACT", "0"})) >= 0);
  CHECK(client->call({"STRLEN", "k1"}) == ":1000\r\n");
  CHECK(client->call({"FLUSHDB"}) == "+OK\r\n");
  CHECK(number_of(client->call({"BADGER.COMPACT"})) > 40'000);
  CHECK(number_of(client->call({"BADGER.COMPACT"})) == 0);
}

}  // namespace
}  // namespace sett::server
