#include "config/nearest_name.h"

#include <catch2/catch.hpp>
#include <vector>

namespace sett::config {

TEST_CASE("edit distance") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("port", "port") == 0);
  CHECK(edit_distance("prot", "port") == 1);
  CHECK(edit_distance("prt", "port") == 1);
  CHECK(edit_distance("poort", "port") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
}

TEST_CASE("the nearest name is offered if it is near") {
  const std::vector<std::string> names{"server.port", "server.bind", "memory.enabled"};
  CHECK(nearest_name("server.prot", names) == "server.port");
  CHECK(nearest_name("sever.bnid", names) == "server.bind");
  CHECK(nearest_name("replication", names) == "");
  CHECK(nearest_name(std::string(100000, 'x'), names) == "");
}

TEST_CASE("hints for settings that do not exist") {
  CHECK(unknown_setting_hint("server.maxclient") == "did you mean server.maxclients?");
  CHECK(unknown_setting_hint("max_memory") == "did you mean memory.max_memory?");
  CHECK(unknown_setting_hint("server.max_memory") == "did you mean memory.max_memory?");
  CHECK(unknown_setting_hint("sever") == "did you mean server?");
  CHECK(unknown_setting_hint("store.colour") == "allowed: backend, shards, hash, max_buckets");
  CHECK(unknown_setting_hint("replication") == "allowed: server, store, simple_kv, badger, memory, buckets, log");
}

}  // namespace sett::config
