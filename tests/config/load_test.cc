#include "config/load.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/config/temporary_file.h"

namespace sett::config::test {
namespace {

using Environment = std::map<std::string, std::string>;
using Lines = std::vector<std::string>;

Loaded load_text(std::string_view yaml, const Environment& environment = {}, const std::vector<Override>& flags = {}) {
  const TemporaryFile file(yaml);
  Loaded loaded = load(file.path(), environment, flags);
  for (std::string& error : loaded.errors) {
    if (error.starts_with(file.path())) error.replace(0, file.path().size(), "F");
  }
  return loaded;
}

Lines errors_of(std::string_view yaml) {
  return load_text(yaml).errors;
}

Options options_of(std::string_view yaml) {
  const Loaded loaded = load_text(yaml);
  CHECK(loaded.errors == Lines{});
  return loaded.options;
}

}  // namespace

TEST_CASE("nothing given means the defaults") {
  for (const char* yaml :
       {"", "\n\n", "# only a comment\n", "---\n", "server:\nbadger:\nbuckets:\n", "{}", "server: {}"}) {
    INFO(yaml);
    const Loaded loaded = load_text(yaml);
    CHECK(loaded.errors == Lines{});
    CHECK(restart_needed({}, loaded.options).empty());
    CHECK(loaded.options.server.maxclients == 10000);
  }
  CHECK(load("", {}, {}).errors == Lines{});
}

TEST_CASE("a file sets what it names") {
  const Options options = options_of(
      "server:\n"
      "  bind: [10.0.0.1, \"::1\"]\n"
      "  port: 7000\n"
      "  unixsocketperm: 0755\n"
      "  requirepass: 1234\n"
      "  protected_mode: no\n"
      "  timeout: 90\n"
      "  tcp_keepalive: 1h30m\n"
      "  proto_max_bulk_len: 64mb\n"
      "store: {backend: memory, shards: 64, hash: crc16}\n"
      "badger: {value_log_gc_discard_ratio: 0.25, value_log_gc_interval_in_seconds: 60}\n"
      "memory:\n"
      "  cleanup_interval: 250ms\n"
      "log: {level: debug, file: \"\"}\n");
  CHECK(options.server.bind == Lines{"10.0.0.1", "::1"});
  CHECK(options.server.port == 7000);
  CHECK(options.server.unixsocketperm == 0755);
  CHECK(options.server.requirepass == "1234");
  CHECK_FALSE(options.server.protected_mode);
  CHECK(options.server.timeout_ms == 90000);
  CHECK(options.server.tcp_keepalive_ms == 5400000);
  CHECK(options.server.proto_max_bulk_len == 64 << 20);
  CHECK(options.store.backend == "memory");
  CHECK(options.store.shards == 64);
  CHECK(options.store.hash == "crc16");
  CHECK(options.badger.value_log_gc_discard_ratio == 0.25);
  CHECK(options.badger.value_log_gc_interval_in_seconds == 60);
  CHECK(options.memory.cleanup_interval_ms == 250);
  CHECK(options.log.level == "debug");
}

TEST_CASE("bind is a text or a list") {
  CHECK(options_of("server: {bind: 127.0.0.1}").server.bind == Lines{"127.0.0.1"});
  CHECK(options_of("server: {bind: \"127.0.0.1 -::1\"}").server.bind == Lines{"127.0.0.1", "-::1"});
  CHECK(errors_of("server:\n  bind: [[a]]\n") ==
        Lines{"F:2: server.bind: holds an item that is not a text; allowed: a list, or a text with commas or spaces"});
  CHECK(errors_of("server:\n  bind: [\"a b\"]\n") ==
        Lines{"F:2: server.bind: 'a b' is not one item; allowed: a list, or a text with commas or spaces"});
}

TEST_CASE("bucket rules keep their order") {
  const Options options = options_of(
      "buckets:\n"
      "  zoo: {backend: memory}\n"
      "  \"*\": {backend: simple_kv}\n"
      "  a:\n"
      "    backend: memory\n");
  REQUIRE(options.buckets.size() == 3);
  CHECK(options.buckets[0].pattern == "zoo");
  CHECK(options.buckets[0].backend == "memory");
  CHECK(options.buckets[1].pattern == "*");
  CHECK(options.buckets[1].backend == "simple_kv");
  CHECK(options.buckets[2].pattern == "a");
}

TEST_CASE("errors in bucket rules") {
  CHECK(errors_of("buckets:\n  a: {backend: memory, size: 3}\n") ==
        Lines{"F:2: buckets.a.size: unknown setting; allowed: backend"});
  CHECK(errors_of("buckets:\n  a: memory\n") ==
        Lines{"F:2: buckets.a: is not a map; allowed: name or glob: {backend: one of the served}"});
  CHECK(errors_of("buckets:\n  a: {}\n") ==
        Lines{"F:2: buckets.a: names no backend; allowed: name or glob: {backend: one of the served}"});
  CHECK(errors_of("buckets:\n\n  a: {backend: redis}\n") ==
        Lines{"F:3: buckets.a.backend: unknown backend 'redis'; allowed: badger, simple_kv, memory"});
  CHECK(errors_of("buckets:\n  a: {backend: rocksdb}\n") ==
        Lines{"F:2: buckets.a.backend: unknown backend 'rocksdb'; allowed: badger, simple_kv, memory"});
  CHECK(errors_of("buckets:\n  a: {backend: [memory]}\n") ==
        Lines{"F:2: buckets.a.backend: is not a name; allowed: badger, simple_kv, memory"});
  CHECK(errors_of("buckets:\n  a: {backend: memory}\n  a: {backend: memory}\n") ==
        Lines{"F:3: buckets.a: given twice; allowed: once"});
  CHECK(errors_of("buckets:\n  \"\": {backend: memory}\n") ==
        Lines{"F:2: buckets.: not a bucket name; allowed: 1..255 bytes"});
  CHECK(errors_of("buckets: [a]\n") ==
        Lines{"F:1: buckets: is not a map; allowed: name or glob: {backend: one of the served}"});
  CHECK(errors_of("memory: {enabled: false}\nbuckets:\n  a: {backend: memory}\n") ==
        Lines{"F:3: buckets.a: memory is not enabled; set memory.enabled: true, or choose another backend"});
}

TEST_CASE("unknown keys are named, with what may have been meant") {
  CHECK(errors_of("server:\n  prot: 1\n") == Lines{"F:2: server.prot: unknown setting; did you mean server.port?"});
  CHECK(errors_of("\n\nsrever: {port: 1}\n") == Lines{"F:3: srever: unknown section; did you mean server?"});
  CHECK(errors_of("port: 1\n") == Lines{"F:1: port: unknown section; did you mean server.port?"});
  CHECK(errors_of("store:\n  colour: red\n") ==
        Lines{"F:2: store.colour: unknown setting; allowed: backend, shards, hash, max_buckets"});
}

TEST_CASE("wrong kinds of values") {
  CHECK(errors_of("server:\n  port: abc\n") ==
        Lines{"F:2: server.port: 'abc' is not a whole number; allowed: 0..65535"});
  CHECK(errors_of("server:\n  port: 6379.5\n") ==
        Lines{"F:2: server.port: '6379.5' is not a whole number; allowed: 0..65535"});
  CHECK(errors_of("server:\n  port: [1, 2]\n") == Lines{"F:2: server.port: is a list, not a value; allowed: 0..65535"});
  CHECK(errors_of("server:\n  port: {a: 1}\n") == Lines{"F:2: server.port: is a map, not a value; allowed: 0..65535"});
  CHECK(errors_of("server:\n  port:\n") == Lines{"F:2: server.port: has no value; allowed: 0..65535"});
  CHECK(errors_of("server:\n  requirepass: ~\n") ==
        Lines{"F:2: server.requirepass: has no value (write \"\" for none); allowed: a text"});
  CHECK(errors_of("server:\n  protected_mode: 1\n") ==
        Lines{"F:2: server.protected_mode: '1' is not a truth value; allowed: true or false"});
  CHECK(errors_of("memory:\n  max_memory: lots\n") ==
        Lines{"F:2: memory.max_memory: 'lots' is not a size; allowed: 0..65536gb"});
  CHECK(errors_of("server:\n  timeout: 5 minutes\n") ==
        Lines{"F:2: server.timeout: '5 minutes' is not a duration; allowed: 0..365d"});
  CHECK(errors_of("server:\n  unixsocketperm: 0o8\n") ==
        Lines{"F:2: server.unixsocketperm: '0o8' is not an octal number; allowed: 0..777, octal"});
  CHECK(errors_of("badger:\n  value_log_gc_discard_ratio: half\n") ==
        Lines{"F:2: badger.value_log_gc_discard_ratio: 'half' is not a decimal number; allowed: 0.01..0.99"});
  CHECK(errors_of("badger:\n  value_log_gc_interval_in_seconds: 2m\n") ==
        Lines{"F:2: badger.value_log_gc_interval_in_seconds: '2m' is not a whole number; allowed: 1..86400"});
  const Lines not_a_map = errors_of("log: 7\nmemory: []\n");
  CHECK(not_a_map ==
        Lines{"F:1: log: not a map of settings; allowed: level, file",
              "F:2: memory: not a map of settings; allowed: enabled, max_memory, eviction, cleanup_interval"});
}

TEST_CASE("values out of range") {
  CHECK(errors_of("server:\n\n\n  port: 70000\n") ==
        Lines{"F:4: server.port: '70000' is out of range; allowed: 0..65535"});
  CHECK(errors_of("server: {port: -1}\n") == Lines{"F:1: server.port: '-1' is out of range; allowed: 0..65535"});
  CHECK(errors_of("store: {shards: 1000000}\n") ==
        Lines{"F:1: store.shards: '1000000' is out of range; allowed: 0..1024"});
  CHECK(errors_of("badger: {mem_table_size: 1k}\n") ==
        Lines{"F:1: badger.mem_table_size: '1k' is out of range; allowed: 1mb..4gb"});
  CHECK(errors_of("simple_kv: {sync_interval: 2h}\n") ==
        Lines{"F:1: simple_kv.sync_interval: '2h' is out of range; allowed: 10ms..1m"});
  CHECK(errors_of("badger: {value_log_gc_discard_ratio: 1.0}\n") ==
        Lines{"F:1: badger.value_log_gc_discard_ratio: '1.0' is out of range; allowed: 0.01..0.99"});
}

TEST_CASE("unknown choices list the known ones") {
  CHECK(errors_of("store:\n  backend: rocks\n") ==
        Lines{"F:2: store.backend: unknown backend 'rocks'; allowed: badger, simple_kv, memory"});
  CHECK(errors_of("store:\n  backend: rocksdb\n") ==
        Lines{"F:2: store.backend: unknown backend 'rocksdb'; allowed: badger, simple_kv, memory"});
  CHECK(errors_of("store:\n  hash: md5\n") ==
        Lines{"F:2: store.hash: unknown hash 'md5'; allowed: xxh3, fnv1a, crc16"});
  CHECK(errors_of("log: {level: loud}\n") ==
        Lines{"F:1: log.level: unknown level 'loud'; allowed: trace, debug, info, warn, error, off"});
  CHECK(errors_of("memory: {eviction: allkeys-lru}\n") ==
        Lines{"F:1: memory.eviction: unknown eviction 'allkeys-lru'; allowed: noeviction"});
}

TEST_CASE("duplicate keys") {
  CHECK(errors_of("server:\n  port: 1\n  port: 2\n") ==
        Lines{"F:3: server.port: given twice, first in line 2; allowed: once"});
  CHECK(errors_of("server: {port: 1}\nstore: {shards: 1}\nserver: {port: 2}\n") ==
        Lines{"F:3: server: given twice, first in line 1; allowed: once"});
}

TEST_CASE("all errors are reported, in the order of the file") {
  const Lines errors = errors_of("server:\n  port: x\n  threads: -1\nstore:\n  hash: md5\nfoo: 1\n");
  REQUIRE(errors.size() == 4);
  CHECK(errors[0].starts_with("F:2: server.port: "));
  CHECK(errors[1].starts_with("F:3: server.threads: "));
  CHECK(errors[2].starts_with("F:5: store.hash: "));
  CHECK(errors[3].starts_with("F:6: foo: "));
}

TEST_CASE("documents that are no map of sections") {
  const std::string sections = "allowed: server, store, simple_kv, badger, memory, buckets, log";
  CHECK(errors_of("just text\n") == Lines{"F:1: not a map of sections; " + sections});
  CHECK(errors_of("\n- a\n- b\n") == Lines{"F:2: not a map of sections; " + sections});
  CHECK(errors_of("? [a, b]\n: c\n") == Lines{"F:1: a key that is not a plain name"});
  CHECK(errors_of("server: {}\n---\nserver: {}\n") == Lines{"F:3: more than one document"});
}

TEST_CASE("what is not YAML is one line with its place") {
  for (const char* yaml : {"server:\n  port: [1\n", "server:\n  bind: \"abc\n", "server:\n\tport: 1\n", "a: b: c\n",
                           "server: *nobody\n", "}", "\"\\q\"", "%YAML 9.9\n%YAML 9.9\n---\n", "!<\n"}) {
    INFO(yaml);
    const Lines errors = errors_of(yaml);
    REQUIRE(errors.size() == 1);
    CHECK(errors[0].starts_with("F:"));
    CHECK(errors[0].find("not YAML: ") != std::string::npos);
    CHECK(errors[0].find('\n') == std::string::npos);
  }
  CHECK(errors_of("server:\n  port: 1\n  x: *nobody\n").front().starts_with("F:3: not YAML: "));
}

TEST_CASE("a quote that is not closed does not swallow the rest of the file") {
  CHECK(errors_of("server:\n  port: 1\n  requirepass: \"abc\n  maxclients: 5\n") ==
        Lines{"F:3: not YAML: a quoted text without its end"});
  CHECK(errors_of("server: {}\nlog:\n  file: 'abc\n\n\n") == Lines{"F:3: not YAML: a quoted text without its end"});
  CHECK(errors_of("log: {file: \"a\n  b\"}\n...\n").empty());
}

TEST_CASE("control bytes are errors, for yaml-cpp takes one for the end of the file") {
  CHECK(errors_of("server:\n  port: 1\n\x04  port: 2\n") == Lines{"F:3: not YAML: a control byte"});
  CHECK(errors_of(std::string("server: {}\n\0", 12)) == Lines{"F:2: not YAML: a control byte"});
}

TEST_CASE("hostile documents end quickly") {
  CHECK(errors_of(std::string(100000, '[')).size() == 1);
  CHECK(errors_of("server: {port: [[[[[[[[[[1]]]]]]]]]]}\n") == Lines{"F:1: nested too deep"});
  std::string aliases = "a: &a [1,1,1,1,1,1,1,1,1,1]\n";
  for (char name = 'b'; name <= 'f'; ++name) {
    const std::string before(1, static_cast<char>(name - 1));
    aliases += std::string(1, name) + ": &" + name + " [";
    for (int i = 0; i < 40; ++i) aliases += (i == 0 ? "*" : ",*") + before;
    aliases += "]\n";
  }
  const Lines errors = errors_of(aliases);
  REQUIRE(errors.size() == 1);
  CHECK(errors[0].find(": too many values") != std::string::npos);
  CHECK(errors_of("#" + std::string(2 << 20, 'x')) ==
        Lines{"F: is larger than 1048576 bytes; allowed: a readable YAML file"});
}

TEST_CASE("files that cannot be read") {
  CHECK(load("/nowhere/sett.yaml", {}, {}).errors ==
        Lines{"/nowhere/sett.yaml: cannot be read: No such file or directory; allowed: a readable YAML file"});
  CHECK(load("/", {}, {}).errors == Lines{"/: cannot be read: Is a directory; allowed: a readable YAML file"});
}

TEST_CASE("settings that cannot work together") {
  CHECK(errors_of("server:\n  port: 0\n") ==
        Lines{"F:2: server.port: 0 leaves no way to connect; set server.unixsocket, or a port"});
  CHECK(errors_of("server: {port: 0, unixsocket: /tmp/s}\n").empty());
  CHECK(errors_of("server:\n  bind: []\n") ==
        Lines{"F:2: server.bind: names no address; name one, or set server.port: 0"});
  CHECK(errors_of("server:\n  data_dir: \"\"\n") == Lines{"F:2: server.data_dir: is empty; allowed: a folder"});
  CHECK(errors_of("badger: {enabled: false}\n") ==
        Lines{"store.backend: badger is not enabled; set badger.enabled: true, or choose another backend"});
  CHECK(errors_of("badger:\n  memory_limit: 1mb\n") ==
        Lines{"F:2: badger.memory_limit: is too little for the engine to run; allowed: 0, or 32mb or more"});
  CHECK(
      errors_of("badger:\n  background_io_limit: 64kb\n") ==
      Lines{"F:2: badger.background_io_limit: is too little for merges to come to an end; allowed: 0, or 1mb or more"});
  CHECK(errors_of("badger:\n  max_disk_size: 1mb\n") ==
        Lines{"F:2: badger.max_disk_size: is too little for the engine to run; allowed: 0, or 64mb or more"});
  CHECK(errors_of("badger:\n  num_level0_tables: 5\n  num_level0_tables_stall: 5\n") ==
        Lines{"F:3: badger.num_level0_tables_stall: is not above badger.num_level0_tables; allowed: 6 or more"});
}

TEST_CASE("only what cannot change at run time needs a restart") {
  Options running, wanted;
  CHECK(restart_needed(running, wanted).empty());
  wanted.server.maxclients = 5;
  wanted.server.requirepass = "new";
  wanted.server.timeout_ms = 1;
  wanted.log.level = "debug";
  CHECK(restart_needed(running, wanted).empty());
  wanted.server.port = 7000;
  wanted.server.bind = {"10.0.0.1"};
  wanted.simple_kv.sync_interval_ms = 999;
  wanted.badger.value_log_gc_discard_ratio = 0.75;
  wanted.buckets.push_back({"a", "memory"});
  CHECK(restart_needed(running, wanted) ==
        Lines{"server.bind", "server.port", "simple_kv.sync_interval", "badger.value_log_gc_discard_ratio", "buckets"});
  running = wanted;
  CHECK(restart_needed(running, wanted).empty());
}

TEST_CASE("a reload takes over what the file says anew, and leaves alone what was set while running") {
  Options before, running, now;
  running.server.requirepass = "set while running";
  running.server.timeout_ms = 77;
  now.server.maxclients = 5;   // new in the file
  now.server.port = 7000;      // new, but a restart's
  now.server.timeout_ms = 99;  // new in the file, and newer than what was set
  const Options result = reloaded(running, before, now);
  CHECK(result.server.requirepass == "set while running");
  CHECK(result.server.maxclients == 5);
  CHECK(result.server.timeout_ms == 99);
  CHECK(result.server.port == before.server.port);
}

}  // namespace sett::config::test
