#pragma once

#include <atomic>
#include <cstdint>

#include "storage/badger/engine.h"

namespace sett::storage {

// How one limit is shared out: memtables at most a half, buffers of flushes, merges and the log a fixed part, the rest
// is the cache's, which gives way to memtables as they grow. Pure functions; bytes everywhere.
struct MemoryShares {
  struct MemTables {
    uint64_t bytes = 0;   // of a full one
    uint32_t sealed = 0;  // that may wait for their flush
    friend bool operator==(const MemTables&, const MemTables&) = default;
  };
  // As configured, or what fits into half of the limit together with the active one: fewer, down to three, and only
  // then smaller ones, since a flush costs what it covers in the tables below, more than what is in it. `limit` 0:
  // none.
  static MemTables mem_tables(uint64_t limit, MemTables configured);
  // Of the cache. `configured`: its most, 0: as much as the limit leaves. `used`: by memtables, open tables and hot
  // entries.
  static uint64_t cache(uint64_t limit, uint64_t configured, uint64_t used, uint32_t merges);
  // Of the hot entries of all shards together.
  static uint64_t hot_entries(uint64_t limit, uint64_t configured_cache);
  static constexpr uint64_t mem_table_min = 1ull << 20, cache_min = 1ull << 20;
  static constexpr uint64_t cache_without_limit = 256ull << 20;
};

// Keeps the cache at what the memtables leave of the limit. On the background lane, every so often: what is written in
// between is small beside the part for buffers.
class MemoryBudget {
 public:
  explicit MemoryBudget(BadgerEngine& engine) : engine_(engine) {}

  void start();
  uint64_t hot_bytes() const;
  uint64_t hot_hits() const;
  uint64_t table_bytes() const { return table_bytes_.load(std::memory_order_relaxed); }  // of open tables, about

 private:
  void tick();

  BadgerEngine& engine_;
  std::atomic<uint64_t> table_bytes_{0};
};

}  // namespace sett::storage
