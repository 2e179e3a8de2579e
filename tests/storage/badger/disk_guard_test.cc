#include "storage/badger/disk_guard.h"

#include <catch2/catch.hpp>

#include "tests/support/engine_harness.h"

using namespace sett::storage;
using Outcome = EngineHarness::Outcome;

namespace {
constexpr uint64_t mb = 1 << 20;

DiskFacts some_facts() {
  return {.disk_free = 600 * mb,
          .limit_free = 500 * mb,
          .memtables = 50 * mb,
          .level0 = 40 * mb,
          .base_level = 100 * mb,
          .tables = 140 * mb,
          .value_logs = 20 * mb,
          .used = 200 * mb};
}

EngineOptions small_disk() {
  EngineOptions options;
  options.engine = "badger";
  options.badger.mem_table_bytes = 64 << 10;
  options.badger.table_bytes = 32 << 10;
  options.badger.max_disk_bytes = 2 * mb;
  return options;
}

// Until one is refused; at most so many.
int fill(EngineHarness& with, int from, int most) {
  for (int i = from; i < from + most; ++i) {
    const Outcome outcome = with.put("0", "key" + std::to_string(i), std::string(50, static_cast<char>('a' + i % 26)));
    if (outcome == Outcome::no_space) return i - from;
    REQUIRE(outcome == Outcome::committed);
    if (i % 100 == 0) with.executor.run_for(20);
  }
  return most;
}
}  // namespace

TEST_CASE("what is kept free covers a flush, the next merge and a collection's copies", "[badger][disk_guard]") {
  BadgerOptions options;
  DiskFacts facts = some_facts();
  REQUIRE(DiskGuard::needed(facts, options) == (50 + 140 + 10) * mb);
  facts.level0 = 0;
  facts.tables = facts.base_level = 4000 * mb;
  REQUIRE(DiskGuard::needed(facts, options) == (50 + 4000 + 10) * mb);
  facts.base_level = 100 * mb;  // a deep tree: merges are of some tables only
  REQUIRE(DiskGuard::needed(facts, options) == (50 + 12 * 64 + 10) * mb);
  options.compaction_threads = 8;
  REQUIRE(DiskGuard::needed(facts, options) == (50 + 2 * 12 * 64 + 10) * mb);
}

TEST_CASE("merges have to do with the room beside files that have yet to go", "[badger][disk_guard]") {
  DiskFacts facts = some_facts();
  REQUIRE(DiskGuard::room_for_merges(facts) == UINT64_MAX);
  facts.needless = 140 * mb;
  REQUIRE(DiskGuard::room_for_merges(facts) == (500 - 140 - 50) * mb);
  facts.disk_free = 300 * mb;
  REQUIRE(DiskGuard::room_for_merges(facts) == (300 - 50) * mb);
  facts.needless = 470 * mb;
  REQUIRE(DiskGuard::room_for_merges(facts) == 0);
  facts.limit_free = UINT64_MAX;
  REQUIRE(DiskGuard::room_for_merges(facts) == (300 - 50) * mb);
}

TEST_CASE("writes are refused before that room is touched, and come back when there is more", "[badger][disk_guard]") {
  constexpr uint64_t needed = 200 * mb, slack = 10 * mb;
  REQUIRE_FALSE(DiskGuard::decide(false, 500 * mb, needed, slack));
  REQUIRE_FALSE(DiskGuard::decide(false, 210 * mb, needed, slack));
  REQUIRE(DiskGuard::decide(false, 209 * mb, needed, slack));
  REQUIRE(DiskGuard::decide(true, 210 * mb, needed, slack));
  REQUIRE_FALSE(DiskGuard::decide(true, 220 * mb, needed, slack));
  REQUIRE(DiskGuard::slack(some_facts()) <= some_facts().free() / 16);
}

TEST_CASE("badger: at max_disk_size writes are refused, deletes go on, and writing resumes", "[badger][disk_guard]") {
  EngineHarness with(small_disk());
  REQUIRE(with.open());
  const int keys = fill(with, 0, 60000);
  INFO("keys " << keys);
  REQUIRE(keys > 1000);
  REQUIRE(keys < 60000);
  REQUIRE(with.store().stats().disk_full);
  with.executor.run_for(5000);
  REQUIRE(with.count("0") == static_cast<uint64_t>(keys));
  REQUIRE(with.get("0", "key7") == std::string(50, 'h'));
  for (int i = 0; i < keys; ++i) {
    REQUIRE(with.remove("0", "key" + std::to_string(i)) == Outcome::committed);
    if (i % 100 == 0) with.executor.run_for(20);
  }
  REQUIRE(with.snapshot());
  with.executor.run_for(20000);
  REQUIRE_FALSE(with.store().stats().disk_full);
  REQUIRE(with.files->used_bytes() < 2 * mb);
  REQUIRE(fill(with, keys, 500) == 500);
  REQUIRE(with.count("0") == 500);
}
