#include "config/overrides.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "config/settings_table.h"
#include "tests/config/temporary_file.h"

namespace sett::config::test {
namespace {

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("a flag wins over the environment, the environment over the file, the file over the default") {
  const TemporaryFile file("server: {port: 1001, databases: 101, maxclients: 51}\n");
  const Loaded loaded = load(file.path(), {{"SETT_SERVER_PORT", "1002"}, {"SETT_SERVER_DATABASES", "102"}},
                             {{"server.port", "1003"}, {"server.tcp_backlog", "8"}, {"server.tcp_backlog", "9"}});
  CHECK(loaded.errors == Lines{});
  CHECK(loaded.options.server.port == 1003);
  CHECK(loaded.options.server.databases == 102);
  CHECK(loaded.options.server.maxclients == 51);
  CHECK(loaded.options.server.tcp_backlog == 9);
  CHECK(loaded.options.server.threads == 0);
}

TEST_CASE("every setting can be overridden by its variable and its flag") {
  for (const Setting& setting : describe({})) {
    INFO(setting.name);
    const std::string variable = environment_name(setting.name);
    CHECK(load("", {{variable, setting.value}}, {}).errors == Lines{});
    CHECK(load("", {}, {{setting.name, setting.value}}).errors == Lines{});
  }
  // No two settings share a variable.
  for (const SettingRow& a : settings_table()) {
    for (const SettingRow& b : settings_table()) {
      if (&a != &b) CHECK(environment_name(a.name) != environment_name(b.name));
    }
  }
}

TEST_CASE("overrides read the same values as the file") {
  const Loaded loaded = load("", {{"SETT_SERVER_BIND", "10.0.0.1,10.0.0.2"}, {"SETT_MEMORY_MAX_MEMORY", "64mb"}},
                             {{"simple_kv.sync_interval", "250ms"},
                              {"simple_kv.sync_writes", "yes"},
                              {"server.requirepass", "a b: [c]"},
                              {"buckets", "{\"s*\": {backend: memory}, t: {backend: simple_kv}}"}});
  CHECK(loaded.errors == Lines{});
  CHECK(loaded.options.server.bind == Lines{"10.0.0.1", "10.0.0.2"});
  CHECK(loaded.options.memory.max_memory == 64 << 20);
  CHECK(loaded.options.simple_kv.sync_interval_ms == 250);
  CHECK(loaded.options.simple_kv.sync_writes);
  CHECK(loaded.options.server.requirepass == "a b: [c]");
  REQUIRE(loaded.options.buckets.size() == 2);
  CHECK(loaded.options.buckets[0].pattern == "s*");
  CHECK(loaded.options.buckets[1].backend == "simple_kv");
}

TEST_CASE("rules given from outside replace the file's") {
  const TemporaryFile file("buckets: {a: {backend: memory}, b: {backend: memory}}\n");
  const Loaded loaded = load(file.path(), {{"SETT_BUCKETS", "{c: {backend: memory}}"}}, {});
  CHECK(loaded.errors == Lines{});
  REQUIRE(loaded.options.buckets.size() == 1);
  CHECK(loaded.options.buckets[0].pattern == "c");
  CHECK(load(file.path(), {}, {{"buckets", "{}"}}).options.buckets.empty());
}

TEST_CASE("bucket rules are described so that they read back the same") {
  Options options;
  options.buckets = {{"plain", "memory"}, {"with \"quotes\" and \\", "memory"}, {"*", "simple_kv"}};
  const Loaded loaded = load("", {}, {{"buckets", describe(options).back().value}});
  CHECK(loaded.errors == Lines{});
  CHECK(restart_needed(options, loaded.options).empty());
}

TEST_CASE("errors of overrides name the override") {
  CHECK(load("", {{"SETT_SERVER_PORT", "x"}}, {}).errors ==
        Lines{"environment: SETT_SERVER_PORT: 'x' is not a whole number; allowed: 0..65535"});
  CHECK(load("", {{"SETT_SERVER_PORT", ""}}, {}).errors ==
        Lines{"environment: SETT_SERVER_PORT: '' is not a whole number; allowed: 0..65535"});
  CHECK(load("", {}, {{"server.port", "99999"}}).errors ==
        Lines{"flag: --server.port: '99999' is out of range; allowed: 0..65535"});
  CHECK(load("", {}, {{"server.prot", "1"}}).errors ==
        Lines{"flag: --server.prot: unknown setting; did you mean server.port?"});
  CHECK(load("", {}, {{"store.backend", "rocksdb"}}).errors ==
        Lines{"flag: --store.backend: unknown backend 'rocksdb'; allowed: badger, simple_kv, memory"});
  CHECK(load("", {{"SETT_BUCKETS", "{a: {backend: x}}"}}, {}).errors ==
        Lines{"environment: SETT_BUCKETS: buckets.a.backend: unknown backend 'x'; allowed: badger, simple_kv, memory"});
  CHECK(load("", {{"SETT_BUCKETS", "text"}}, {}).errors ==
        Lines{"environment: SETT_BUCKETS: is not a map; allowed: name or glob: {backend: one of the served}"});
  CHECK(load("", {{"SETT_BUCKETS", "{"}}, {}).errors.front().starts_with("environment: SETT_BUCKETS: not YAML: "));
  CHECK(
      load("", {{"SETT_SIMPLE_KV_ENABLED", "no"}}, {{"store.backend", "simple_kv"}}).errors ==
      Lines{"flag: --store.backend: simple_kv is not enabled; set simple_kv.enabled: true, or choose another backend"});
}

TEST_CASE("variables of our sections must be settings, others are not ours") {
  CHECK(load("", {{"SETT_SERVER_PROT", "1"}}, {}).errors ==
        Lines{"environment: SETT_SERVER_PROT: unknown setting; did you mean server.port?"});
  CHECK(load("", {{"SETT_SIMPLE_KV_COLOUR", "1"}}, {}).errors.size() == 1);
  CHECK(load("", {{"SETT_BUCKETS_A", "1"}}, {}).errors.size() == 1);
  CHECK(load("",
             {{"SETT_LONG", "1"},
              {"SETT_VERSION", "9"},
              {"SETT_", "x"},
              {"SETT", "x"},
              {"SETTINGS", "x"},
              {"PATH", "/bin"},
              {"sett_server_port", "1"},
              {"SETT_LOGS", "x"},
              {"MY_SETT_SERVER_PORT", "1"}},
             {})
            .errors == Lines{});
}

TEST_CASE("the password comes from a file when one is named") {
  const TemporaryFile secret("s3cret with space \n");
  const Loaded loaded = load("", {{"SETT_SERVER_REQUIREPASS_FILE", secret.path()}}, {{"server.requirepass", "other"}});
  CHECK(loaded.errors == Lines{});
  CHECK(loaded.options.server.requirepass == "s3cret with space ");

  const TemporaryFile windows("abc\r\n");
  CHECK(load("", {}, {{"server.requirepass_file", windows.path()}}).options.server.requirepass == "abc");
  const TemporaryFile empty("\n");
  CHECK(load("", {}, {{"server.requirepass_file", empty.path()}}).errors ==
        Lines{"flag: --server.requirepass_file: " + empty.path() + " is empty; allowed: a file with a password"});
  CHECK(load("", {{"SETT_SERVER_REQUIREPASS_FILE", "/nowhere/pw"}}, {}).errors ==
        Lines{"environment: SETT_SERVER_REQUIREPASS_FILE: /nowhere/pw cannot be read: No such file or directory; "
              "allowed: a file "
              "with a password"});
}

}  // namespace sett::config::test
