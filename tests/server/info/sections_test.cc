#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "server/event_loop.h"
#include "server/info/sections.h"
#include "server/info/vitals.h"
#include "server/process_memory.h"
#include "tests/server/commands/live_server.h"
#include "tests/support/temporary_directory.h"

namespace sett::server {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using Words = std::vector<std::string_view>;

std::string field(const std::string& info, const std::string& name) {
  const size_t at = info.find("\n" + name + ":");
  if (at == std::string::npos) return "absent";
  const size_t begin = at + name.size() + 2;
  return info.substr(begin, info.find('\r', begin) - begin);
}

TEST_CASE("sizes for humans", "[info]") {
  InfoText text;
  text.section("A");
  text.bytes_for_humans("a", 1023);
  text.bytes_for_humans("b", 1536);
  text.bytes_for_humans("c", 5ull << 30);
  CHECK(text.text() == "# A\r\na:1023B\r\nb:1.50K\r\nc:5.00G\r\n");
}

TEST_CASE("sections come once and in their own order", "[info]") {
  CHECK(wanted_sections(Words{}).size() == info_sections().size());
  CHECK(wanted_sections(Words{"everything", "cpu"}).size() == info_sections().size());
  CHECK(wanted_sections(Words{"bogus"}).empty());
  const auto two = wanted_sections(Words{"CPU", "server", "cpu"});
  REQUIRE(two.size() == 2);
  CHECK(two[0]->name == "server");
  CHECK(two[1]->name == "cpu");
}

TEST_CASE("the least limit of the control groups on the way up counts", "[info]") {
  const storage::TemporaryDirectory root;
  const auto write = [&](const std::string& group, const std::string& file, const std::string& text) {
    std::filesystem::create_directories(root.path() + group);
    std::ofstream(root.path() + group + "/" + file) << text;
  };
  write("/a", "memory.max", "4096\n");
  write("/a/b", "memory.max", "max\n");
  write("/a/c", "memory.max", "1024\n");
  CHECK(cgroup_memory_limit(root.path(), "0::/a/b\n") == 4096);
  CHECK(cgroup_memory_limit(root.path(), "1:name=x:/\n0::/a/c\n") == 1024);
  CHECK(cgroup_memory_limit(root.path(), "0::/\n") == UINT64_MAX);
  CHECK(cgroup_memory_limit(root.path(), "0::/a/../a\n") == UINT64_MAX);
  CHECK(cgroup_memory_limit(root.path(), "") == UINT64_MAX);
  // Version 1; in a container the group may be mounted as the root.
  write("/memory", "memory.limit_in_bytes", "2048\n");
  write("/memory/d", "memory.limit_in_bytes", "9223372036854771712\n");
  CHECK(cgroup_memory_limit(root.path(), "5:cpu:/d\n4:memory:/d\n") == 2048);
  CHECK(cgroup_memory_limit(root.path(), "4:memory:/not/there\n") == 2048);
  CHECK(usable_memory_bytes() <= system_memory_bytes());
}

TEST_CASE("the kernel's figures are read from their lines", "[info]") {
  const ProcessMemory memory =
      parse_process_status("Name:\tVmRSS: 5 kB\nVmRSS:\t   300 kB\nRssAnon:\t 200 kB\nVmSwap:\t 10 kB\n");
  CHECK(memory.anonymous == 210 * 1024);
  CHECK(memory.resident == 300 * 1024);
  CHECK(parse_process_status("").anonymous == 0);
  CHECK(read_process_memory().anonymous > 0);
}

TEST_CASE("INFO counts the keys of all buckets and shards", "[info]") {
  config::Options options;
  options.store.shards = 32;
  LiveServer server(options, 2);
  const auto client = server.connect(0), other = server.connect(1);
  CHECK(client->call({"INFO", "keyspace"}) == "$12\r\n# Keyspace\r\n\r\n");
  for (int i = 0; i < 100; ++i) client->call({"SET", "key" + std::to_string(i), "v"});
  client->call({"SELECT", "9"});
  client->call({"SET", "k", "v", "PX", "5000"});
  other->call({"SELECT", "a,b"});
  other->call({"SET", "k", "v"});
  const std::string info = client->call({"INFO", "keyspace"});
  CHECK(field(info, "db0") == "keys=100,expires=0,avg_ttl=0");
  CHECK(field(info, "db9") == "keys=1,expires=1,avg_ttl=5000");
  CHECK(field(info, "db16") == "keys=1,expires=0,avg_ttl=0,name=a\\x2cb");
  other->call({"DEL", "k"});
  CHECK(field(client->call({"INFO", "keyspace"}), "db16") == "absent");
}

TEST_CASE("INFO has what tools look for", "[info]") {
  LiveServer server;
  const auto client = server.connect();
  const std::string info = client->call({"INFO"});
  CHECK_THAT(info.substr(info.find('\n') + 1), StartsWith("# Server\r\nredis_version:7."));
  for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{{"redis_mode", "standalone"},
                                                                                    {"loading", "0"},
                                                                                    {"role", "master"},
                                                                                    {"maxmemory_policy", "noeviction"},
                                                                                    {"cluster_enabled", "0"},
                                                                                    {"connected_clients", "1"},
                                                                                    {"blocked_clients", "0"},
                                                                                    {"aof_enabled", "0"},
                                                                                    {"latest_fork_usec", "0"}})
    CHECK(field(info, name) == value);
  CHECK(info.find("used_memory:") < info.find("used_memory_human:"));
  CHECK(client->call({"INFO", "bogus"}) == "$0\r\n\r\n");
  client->call({"HELLO", "3"});
  CHECK(client->call({"INFO", "cluster"}) == "=34\r\ntxt:# Cluster\r\ncluster_enabled:0\r\n\r\n");
}

TEST_CASE("while the stores load INFO answers, and says how long", "[info]") {
  LiveServer server({}, 1, false);
  const auto client = server.connect();
  CHECK_THAT(client->call({"GET", "k"}), StartsWith("-LOADING"));
  const std::string info = client->call({"INFO"});
  CHECK(field(info, "loading") == "1");
  CHECK(field(info, "loading_eta_seconds") == "1");
  CHECK(client->call({"LASTSAVE"}) == ":1700000000\r\n");
}

TEST_CASE("rates are those of the last samples, and of none when those are old", "[info]") {
  LiveServer server;
  Vitals vitals;
  CHECK(vitals.rates(0).commands_per_s == 0);
  const auto client = server.connect();
  vitals.sample(server.services(), 1000);
  for (int i = 0; i < 50; ++i) client->call({"PING"});
  vitals.sample(server.services(), 1050);  // too soon
  CHECK(vitals.rates(1050).commands_per_s == 0);
  vitals.sample(server.services(), 1500);
  CHECK(vitals.rates(1500).commands_per_s == Approx(100));
  CHECK(vitals.rates(1500).input_bytes_per_s == Approx(1400));
  CHECK(vitals.rates(4000).commands_per_s == 0);
  CHECK(vitals.note_memory(1ull << 60) == 1ull << 60);
  CHECK(vitals.note_memory(1) == 1ull << 60);
}

}  // namespace
}  // namespace sett::server
