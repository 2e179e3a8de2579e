#include "storage/lsm/ordered_lookup.h"

#include <catch2/catch.hpp>
#include <set>

#include "tests/support/random_tree.h"

namespace sett::storage {
namespace {

using Call = SimulatedFileSystem::Call;

struct Fixture {
  explicit Fixture(uint64_t seed)
      : random(seed),
        tree(make_random_tree(files, "/db", random)),
        value_logs(files, "/db"),
        reader(files, cache, value_logs) {}
  // Some of the keys that are there, and some that are not, in order.
  std::set<std::string> some_keys() {
    std::set<std::string> keys;
    for (uint64_t i = 0; i < 2 * tree.keys_max; ++i) {
      std::string key = random_tree_key(random.below(tree.keys_max));
      if (random.one_in(4)) key += "no";
      keys.insert(std::move(key));
    }
    return keys;
  }

  SimulatedFileSystem files;
  Random random;
  RandomTree tree;
  BlockCache cache{1 << 20};
  VlogFiles value_logs;
  TreeReader reader;
};

}  // namespace

TEST_CASE("keys in order are found as they are one by one") {
  const auto seed = GENERATE(range(1u, 21u));
  INFO("seed " << seed);
  Fixture fixture(seed);
  OrderedLookup lookup(fixture.reader, fixture.tree.version);
  int found = 0;
  for (const std::string& key : fixture.some_keys()) {
    INFO("key " << key);
    Pins pins;
    const auto expected = fixture.reader.get(*fixture.tree.version, key, Access::load, pins);
    const auto got = lookup.get(key);
    REQUIRE(got.is_ok());
    REQUIRE(got.value().kind == expected.value().kind);
    REQUIRE(got.value().entry.sequence == expected.value().entry.sequence);
    REQUIRE(got.value().entry.value == expected.value().entry.value);
    REQUIRE(got.value().entry.expires_at_ms == expected.value().entry.expires_at_ms);
    // The same once more.
    REQUIRE(lookup.get(key).value().entry.sequence == got.value().entry.sequence);
    found += got.value().kind == TreeEntry::Kind::entry;
  }
  REQUIRE(found > 0);
}

TEST_CASE("what is looked up in order leaves no data in the cache, and reads no block twice") {
  Fixture fixture(3);
  OrderedLookup lookup(fixture.reader, fixture.tree.version);
  const std::set<std::string> keys = fixture.some_keys();
  for (const std::string& key : keys) REQUIRE(lookup.get(key).is_ok());
  const BlockCache::Stats cached = fixture.cache.stats();
  REQUIRE(cached.bytes == cached.high_bytes);
  const uint64_t reads = fixture.reader.stats().block_reads;
  OrderedLookup again(fixture.reader, fixture.tree.version);
  for (const std::string& key : keys) REQUIRE(again.get(key).is_ok());
  REQUIRE(fixture.reader.stats().block_reads - reads == reads - cached.inserted);
}

TEST_CASE("a lookup whose read fails says so, and goes on after it") {
  const auto seed = GENERATE(range(1u, 6u));
  INFO("seed " << seed);
  Fixture fixture(seed);
  OrderedLookup lookup(fixture.reader, fixture.tree.version);
  int failed = 0;
  for (const std::string& key : fixture.some_keys()) {
    fixture.files.inject({.call = Call::read, .nth = 1 + fixture.random.below(6)});
    if (const auto got = lookup.get(key); !got.is_ok()) {
      REQUIRE(got.status().kind() == ErrorKind::io);
      ++failed;
    }
    fixture.files.clear_faults();
    Pins pins;
    const auto expected = fixture.reader.get(*fixture.tree.version, key, Access::load, pins);
    const auto got = lookup.get(key);
    REQUIRE(got.is_ok());
    REQUIRE(got.value().entry.sequence == expected.value().entry.sequence);
  }
  REQUIRE(failed > 0);
}

}  // namespace sett::storage
