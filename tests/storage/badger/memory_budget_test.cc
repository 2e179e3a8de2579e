#include "storage/badger/memory_budget.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/support/engine_harness.h"

using namespace sett::storage;

namespace {
constexpr uint64_t mb = 1 << 20;
}

TEST_CASE("memtables take at most half of the limit, and never less than a megabyte", "[badger][memory_budget]") {
  using MemTables = MemoryShares::MemTables;
  REQUIRE(MemoryShares::mem_tables(0, {64 * mb, 4}) == MemTables{64 * mb, 4});
  REQUIRE(MemoryShares::mem_tables(4096 * mb, {64 * mb, 4}) == MemTables{64 * mb, 4});
  REQUIRE(MemoryShares::mem_tables(1 * mb, {64 * mb, 64}) == MemTables{MemoryShares::mem_table_min, 3});
}

TEST_CASE("a small limit makes fewer memtables first, and then smaller ones", "[badger][memory_budget]") {
  using MemTables = MemoryShares::MemTables;
  REQUIRE(MemoryShares::mem_tables(512 * mb, {64 * mb, 4}) == MemTables{64 * mb, 3});
  REQUIRE(MemoryShares::mem_tables(256 * mb, {64 * mb, 4}) == MemTables{32 * mb, 3});
  REQUIRE(MemoryShares::mem_tables(256 * mb, {64 * mb, 1}) == MemTables{64 * mb, 1});
  REQUIRE(MemoryShares::mem_tables(128 * mb, {64 * mb, 1}) == MemTables{32 * mb, 1});
  for (uint64_t limit = 32 * mb; limit <= 2048 * mb; limit += 7 * mb)
    for (const uint64_t bytes : {1 * mb, 10 * mb, 64 * mb, 4096 * mb})
      for (const uint32_t sealed : {1u, 4u, 64u}) {
        INFO("limit " << limit << ", configured " << sealed << " of " << bytes);
        const MemTables fit = MemoryShares::mem_tables(limit, {bytes, sealed});
        const uint64_t all = fit.bytes * (fit.sealed + 1);
        REQUIRE(all <= std::max(limit / 2, MemoryShares::mem_table_min * (fit.sealed + 1)));
        REQUIRE((fit.sealed >= 1 && fit.sealed <= sealed && fit.bytes <= bytes));
      }
}

TEST_CASE("the cache gives way to what else is in memory", "[badger][memory_budget]") {
  const uint64_t limit = 1024 * mb;
  const uint64_t empty = MemoryShares::cache(limit, 0, 0, 1);
  REQUIRE(empty > limit / 2);
  REQUIRE(MemoryShares::cache(limit, 0, 300 * mb, 1) == empty - 300 * mb);
  REQUIRE(MemoryShares::cache(limit, 0, 300 * mb, 2) < empty - 300 * mb);
  REQUIRE(MemoryShares::cache(limit, 0, 5 * limit, 1) == limit / 16);
  REQUIRE(MemoryShares::cache(limit, 100 * mb, 0, 1) == 100 * mb);
  REQUIRE(MemoryShares::cache(0, 100 * mb, 5 * limit, 1) == 100 * mb);
  REQUIRE(MemoryShares::cache(0, 0, 0, 1) == MemoryShares::cache_without_limit);
}

TEST_CASE("badger: the cache is smaller while memtables are full", "[badger][memory_budget]") {
  EngineOptions options;
  options.engine = "badger";
  options.badger.memory_limit_bytes = 64 * mb;
  options.badger.cache_bytes = 0;
  options.badger.mem_table_bytes = 64 * mb;
  options.badger.mem_tables = 1;
  EngineHarness with(options);
  REQUIRE(with.open());
  const auto capacity = [&] {
    with.executor.run_for(200);
    return with.figure("badger_cache_capacity_bytes");
  };
  const uint64_t before = capacity();
  for (int i = 0; i < 100; ++i)
    REQUIRE(with.put("0", "key" + std::to_string(i), std::string(100'000, 'v')) == EngineHarness::Outcome::committed);
  const uint64_t during = capacity();
  REQUIRE(during <= before - 9 * mb);
  REQUIRE(with.snapshot());
  REQUIRE(capacity() > before - mb);
}
