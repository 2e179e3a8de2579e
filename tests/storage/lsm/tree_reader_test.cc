#include "storage/lsm/tree_reader.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <thread>

#include "tests/support/random_tree.h"

namespace sett::storage {
namespace {

using Kind = TreeEntry::Kind;
using Call = SimulatedFileSystem::Call;

struct Fixture {
  explicit Fixture(uint64_t seed, uint64_t cache_bytes)
      : random(seed),
        tree(make_random_tree(files, "/db", random)),
        cache(cache_bytes),
        value_logs(files, "/db"),
        reader(files, cache, value_logs) {}

  Result<TreeEntry> get(const std::string& key, Access access, Pins& pins) const {
    return reader.get(*tree.version, key, access, pins);
  }
  // Against what the tree should show, value logs included. False: something is not in memory.
  bool check(const std::string& key, Access access, Pins& pins) const {
    const auto got = get(key, access, pins);
    REQUIRE(got.is_ok());
    const TreeEntry& found = got.value();
    const auto expected = tree.newest.find(key);
    if (found.kind == Kind::missing) {
      REQUIRE(access == Access::memory_only);
      return false;
    }
    const bool is_there = expected != tree.newest.end();
    REQUIRE((found.kind == Kind::entry) == (is_there && expected->second.kind != TableEntry::Kind::tombstone));
    if (!is_there) {
      REQUIRE(found.entry.sequence == 0);
      return true;
    }
    REQUIRE(is_same(found.entry, expected->second));
    if (found.entry.kind != TableEntry::Kind::pointer) return true;
    const auto value = reader.value(pointer_of(found.entry), key, access, pins);
    REQUIRE(value.is_ok());
    REQUIRE((value.value() || access == Access::memory_only));
    if (!value.value()) return false;
    REQUIRE(*value.value() == expected->second.value);
    return true;
  }

  SimulatedFileSystem files;
  Random random;
  RandomTree tree;
  BlockCache cache;
  VlogFiles value_logs;
  TreeReader reader;
};

}  // namespace

TEST_CASE("a key's newest entry is found, first from the disk, then from memory") {
  const auto seed = GENERATE(range(1u, 21u));
  INFO("seed " << seed);
  Fixture fixture(seed, 64 << 20);
  fixture.files.inject({.call = Call::read, .persistent = true});
  // Nothing is in memory: that something is missing is known without a read.
  for (const auto& [key, newest] : fixture.tree.newest) {
    Pins pins;
    REQUIRE_FALSE(fixture.check(key, Access::memory_only, pins));
  }
  fixture.files.clear_faults();
  for (uint64_t at = 0; at < fixture.tree.keys_max + 5; ++at) {
    Pins pins;
    REQUIRE(fixture.check(random_tree_key(at), Access::load, pins));
    REQUIRE(fixture.check(random_tree_key(at) + "no", Access::load, pins));
  }
  fixture.files.inject({.call = Call::read, .persistent = true});
  for (uint64_t at = 0; at < fixture.tree.keys_max + 5; ++at) {
    Pins pins;
    REQUIRE(fixture.check(random_tree_key(at), Access::memory_only, pins));
    REQUIRE(fixture.check(random_tree_key(at), Access::load, pins));
  }
}

TEST_CASE("what was loaded and is kept is found again from memory, however small the cache") {
  const auto seed = GENERATE(range(1u, 21u));
  INFO("seed " << seed);
  Fixture fixture(seed, seed % 2 ? 0 : 2000);
  for (int i = 0; i < 300; ++i) {
    const std::string key = random_tree_key(fixture.random.below(fixture.tree.keys_max));
    const std::string other = random_tree_key(fixture.random.below(fixture.tree.keys_max));
    Pins pins, other_pins;
    REQUIRE(fixture.check(key, Access::load, pins));
    REQUIRE(fixture.check(other, Access::load, other_pins));  // drives out what nobody keeps
    other_pins.clear();
    fixture.cache.set_capacity(0);
    const auto got = fixture.get(key, Access::memory_only, other_pins);
    REQUIRE(got.is_ok());
    // The views live on the pins of this call alone.
    pins.clear();
    fixture.cache.set_capacity(0);
    fixture.cache.set_capacity(2000);
    if (got.value().kind == Kind::entry) REQUIRE(is_same(got.value().entry, fixture.tree.newest.at(key)));
    REQUIRE(got.value().kind != Kind::missing);
  }
}

TEST_CASE("a value is read once, and then found as long as it is kept") {
  Fixture fixture(3, 0);
  uint64_t values = 0;
  for (const auto& [key, newest] : fixture.tree.newest) {
    if (newest.kind != TableEntry::Kind::pointer) continue;
    ++values;
    Pins pins, again;
    REQUIRE(fixture.reader.value(newest.pointer, key, Access::memory_only, pins).value() == nullptr);
    REQUIRE(pins.empty());
    REQUIRE(*fixture.reader.value(newest.pointer, key, Access::load, pins).value() == newest.value);
    const auto found = fixture.reader.value(newest.pointer, key, Access::memory_only, again);
    REQUIRE(found.value() == pins.at(0));
    REQUIRE(again.size() == 1);
    ValuePointer wrong = newest.pointer;
    ++wrong.offset;
    REQUIRE(fixture.reader.value(wrong, key, Access::load, again).status().kind() == ErrorKind::corruption);
    wrong.file = 1000;
    REQUIRE(fixture.reader.value(wrong, key, Access::load, again).status().kind() == ErrorKind::not_found);
  }
  REQUIRE(values > 0);
  CHECK(fixture.reader.stats().value_reads == values);
}

TEST_CASE("a key that no table has costs next to no data block once the filters are in memory") {
  Fixture fixture(5, 64 << 20);
  Pins pins;
  for (uint64_t at = 0; at < fixture.tree.keys_max; ++at)
    REQUIRE(fixture.check(random_tree_key(at), Access::load, pins));
  const ReadStats before = fixture.reader.stats();
  CHECK(before.tables_opened > 0);
  CHECK(before.tables_opened <= fixture.tree.version->table_count());  // some are wholly hidden
  CHECK(before.block_reads > 0);
  CHECK(before.block_read_bytes > before.block_reads * table_format::trailer_bytes);
  for (uint64_t at = 0; at < fixture.tree.keys_max; ++at)
    for (const char* end : {"a", "b", "c", "d"})
      REQUIRE(fixture.get(random_tree_key(at) + end, Access::load, pins).value().kind == Kind::absent);
  const ReadStats after = fixture.reader.stats();
  const uint64_t checks = after.filter_checks - before.filter_checks;
  const uint64_t false_positives = after.filter_false_positives - before.filter_false_positives;
  REQUIRE(checks > 500);
  CHECK(after.filter_negatives - before.filter_negatives + false_positives == checks);
  CHECK(false_positives < checks / 50);
}

TEST_CASE("reads that fail say so, and may be repeated") {
  const auto seed = GENERATE(range(1u, 6u));
  INFO("seed " << seed);
  Fixture fixture(seed, 0);
  int failed = 0;
  for (const auto& [key, newest] : fixture.tree.newest) {
    fixture.files.inject({.call = Call::read, .nth = 1 + fixture.random.below(6)});
    Pins pins;
    const auto got = fixture.get(key, Access::load, pins);
    if (!got.is_ok()) {
      REQUIRE(got.status().kind() == ErrorKind::io);
      ++failed;
    }
    fixture.files.clear_faults();
    REQUIRE(fixture.check(key, Access::load, pins));
  }
  CHECK(failed > 0);
}

TEST_CASE("what the system has in memory is read without a load, damage included") {
  const auto seed = GENERATE(range(1u, 6u));
  INFO("seed " << seed);
  Fixture fixture(seed, 0);
  // Opening a table or a value log is a load; from then on nothing is.
  for (const auto& [key, newest] : fixture.tree.newest) {
    Pins pins;
    REQUIRE(fixture.check(key, Access::load, pins));
  }
  const uint64_t loads = fixture.reader.stats().block_reads;
  Pins none;
  REQUIRE(fixture.get(fixture.tree.newest.begin()->first, Access::memory_only, none).value().kind == Kind::missing);
  fixture.files.set_caches_reads(true);
  for (const auto& [key, newest] : fixture.tree.newest) {
    Pins pins;
    REQUIRE(fixture.check(key, Access::memory_only, pins));
  }
  REQUIRE(fixture.reader.stats().block_reads == loads);
  REQUIRE(fixture.reader.stats().cached_reads > 0);
  // A read that fails is no answer: it is not in memory.
  fixture.files.inject({.call = Call::read, .persistent = true});
  REQUIRE(fixture.get(fixture.tree.newest.begin()->first, Access::memory_only, none).value().kind == Kind::missing);
}

TEST_CASE("threads read one version through one cache") {
  Fixture fixture(11, 5000);
  std::atomic<int> wrong = 0, found = 0;
  const auto read_some = [&](uint64_t seed) {
    Random random(seed);
    for (int i = 0; i < 1000; ++i) {
      const std::string key = random_tree_key(random.below(fixture.tree.keys_max));
      const auto expected = fixture.tree.newest.find(key);
      Pins pins;
      const auto got = fixture.get(key, random.one_in(2) ? Access::memory_only : Access::load, pins);
      if (!got.is_ok()) {
        ++wrong;
      } else if (got.value().kind == Kind::entry) {
        ++found;
        if (expected == fixture.tree.newest.end() || !is_same(got.value().entry, expected->second)) {
          ++wrong;
        } else if (got.value().entry.kind == TableEntry::Kind::pointer) {
          const auto value = fixture.reader.value(pointer_of(got.value().entry), key, Access::load, pins);
          if (!value.is_ok() || *value.value() != expected->second.value) ++wrong;
        }
      }
      if (random.one_in(100)) fixture.value_logs.forget(fixture.tree.value_log);
    }
  };
  std::vector<std::thread> threads;
  for (uint64_t seed = 1; seed <= 4; ++seed) threads.emplace_back(read_some, seed);
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  CHECK(found > 500);
}

TEST_CASE("damage in a table is never taken for an entry or an absence") {
  const auto seed = GENERATE(range(1u, 31u));
  INFO("seed " << seed);
  Fixture fixture(seed, 0);
  const std::string path = fixture.tree.table_paths[fixture.random.below(fixture.tree.table_paths.size())];
  std::string bytes = fixture.files.content(path);
  const size_t at = fixture.random.below(bytes.size());
  INFO("byte " << at << " of " << path << ", " << bytes.size());
  bytes[at] ^= static_cast<char>(1 << fixture.random.below(8));
  fixture.files.set_content(path, bytes);
  int damaged = 0;
  for (uint64_t i = 0; i < fixture.tree.keys_max; ++i) {
    Pins pins;
    const std::string key = random_tree_key(i);
    if (const auto got = fixture.get(key, Access::load, pins); got.is_ok()) {
      REQUIRE(fixture.check(key, Access::load, pins));
      continue;
    } else {
      const bool is_told = got.status().kind() == ErrorKind::corruption ||
                           got.status().kind() == ErrorKind::unsupported;  // a newer version, by its number
      REQUIRE(is_told);
      REQUIRE(got.status().to_string().find(path) != std::string::npos);
    }
    ++damaged;
  }
  // Nobody looks where all keys are hidden by newer tables.
  const auto& tables = fixture.tree.version->level(0);
  if (!tables.empty() && tables[0]->path() == path) CHECK(damaged > 0);
}

}  // namespace sett::storage
