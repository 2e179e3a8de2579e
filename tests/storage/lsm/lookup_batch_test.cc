#include "storage/lsm/lookup_batch.h"

#include <catch2/catch.hpp>
#include <set>

#include "storage/table/filter.h"
#include "tests/support/random_tree.h"

namespace sett::storage {
namespace {

struct Fixture {
  explicit Fixture(uint64_t seed)
      : random(seed),
        tree(make_random_tree(files, "/db", random)),
        value_logs(files, "/db"),
        reader(files, cache, value_logs) {}

  // In any order, some twice, some that are not there.
  std::vector<std::string> some_keys(size_t count) {
    std::vector<std::string> keys;
    for (size_t i = 0; i < count; ++i) {
      keys.push_back(random_tree_key(random.below(tree.keys_max)));
      if (random.one_in(4)) keys.back() += "no";
    }
    return keys;
  }
  void run(const std::vector<std::string>& keys) {
    for (const std::string& key : keys) batch.add(key, filter_hash(key));
    batch.run(reader.loader(), tree.version);
  }
  Result<TreeEntry> alone(const std::string& key, Access access) {
    Pins pins;
    return reader.get(*tree.version, key, access, pins);
  }

  SimulatedFileSystem files;
  Random random;
  RandomTree tree;
  BlockCache cache{1 << 20};
  VlogFiles value_logs;
  TreeReader reader;
  LookupBatch batch;
};

void check_same(const TreeEntry& found, const TreeEntry& expected) {
  REQUIRE(found.kind == expected.kind);
  REQUIRE(found.entry.sequence == expected.entry.sequence);
  REQUIRE(found.entry.value == expected.entry.value);
  REQUIRE(found.entry.expires_at_ms == expected.entry.expires_at_ms);
  REQUIRE(found.entry.log_offset == expected.entry.log_offset);
}

}  // namespace

TEST_CASE("many keys looked up side by side are found as they are one by one", "[lookup_batch]") {
  const auto seed = GENERATE(range(1u, 21u));
  INFO("seed " << seed);
  Fixture fixture(seed);
  const std::vector<std::string> keys = fixture.some_keys(64);
  for (const std::string& key : keys) REQUIRE(fixture.alone(key, Access::load).is_ok());
  fixture.run(keys);
  size_t found = 0;
  for (const std::string& key : keys) {
    INFO("key " << key);
    auto expected = fixture.alone(key, Access::load);
    REQUIRE(expected.is_ok());
    const LookupBatch::Found* ahead = fixture.batch.find(*fixture.tree.version, key);
    if (!ahead) continue;  // a filter was wrong
    check_same(ahead->entry, *expected);
    ++found;
  }
  REQUIRE(found >= keys.size() - 4);
}

TEST_CASE("what is not in memory is left open, and nothing is read for it", "[lookup_batch]") {
  const auto seed = GENERATE(range(1u, 21u));
  INFO("seed " << seed);
  Fixture fixture(seed);
  const std::vector<std::string> cold = fixture.some_keys(32);
  fixture.run(cold);
  for (const std::string& key : cold) {
    const LookupBatch::Found* ahead = fixture.batch.find(*fixture.tree.version, key);
    if (ahead) REQUIRE(ahead->entry.kind == TreeEntry::Kind::absent);  // no table has its range
  }
  REQUIRE(fixture.cache.stats().inserted == 0);
  REQUIRE(fixture.reader.stats().tables_opened == 0);
  fixture.batch.clear();
  // Some of it in memory.
  const std::vector<std::string> keys = fixture.some_keys(64);
  for (const std::string& key : keys)
    if (fixture.random.one_in(4)) REQUIRE(fixture.alone(key, Access::load).is_ok());
  const BlockCache::Stats before = fixture.cache.stats();
  const ReadStats reads = fixture.reader.stats();
  fixture.run(keys);
  REQUIRE(fixture.reader.stats().block_reads == reads.block_reads);
  REQUIRE(fixture.reader.stats().cached_reads == reads.cached_reads);
  REQUIRE(fixture.reader.stats().tables_opened == reads.tables_opened);
  REQUIRE(fixture.cache.stats().inserted == before.inserted);
  REQUIRE(fixture.cache.stats().misses == before.misses);
  for (const std::string& key : keys)
    if (const LookupBatch::Found* ahead = fixture.batch.find(*fixture.tree.version, key)) {
      auto expected = fixture.alone(key, Access::load);
      REQUIRE(expected.is_ok());
      check_same(ahead->entry, *expected);
    }
}

TEST_CASE("what was looked up in one version says nothing of another, and is let go of", "[lookup_batch]") {
  Fixture fixture(5);
  const std::vector<std::string> keys = fixture.some_keys(64);
  for (const std::string& key : keys) REQUIRE(fixture.alone(key, Access::load).is_ok());
  const auto other = fixture.tree.version->with({}, {});
  fixture.run(keys);
  const long held = fixture.tree.version.use_count();
  bool any = false;
  for (const std::string& key : keys) {
    REQUIRE(fixture.batch.find(*other, key) == nullptr);
    any = any || fixture.batch.find(*fixture.tree.version, key);
  }
  REQUIRE(any);
  fixture.batch.clear();
  REQUIRE(fixture.tree.version.use_count() == held - 1);
  for (const std::string& key : keys) REQUIRE(fixture.batch.find(*fixture.tree.version, key) == nullptr);
  fixture.cache.set_capacity(0);  // all that nobody holds goes
  REQUIRE(fixture.cache.stats().blocks == 0);
}

TEST_CASE("a key far larger than most is not looked ahead", "[lookup_batch]") {
  Fixture fixture(5);
  fixture.batch.add(std::string(LookupBatch::key_bytes_max + 1, 'k'), 1);
  REQUIRE(fixture.batch.empty());
}

}  // namespace sett::storage
