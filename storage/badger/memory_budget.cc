#include "storage/badger/memory_budget.h"

#include <algorithm>

#include "storage/badger/flusher.h"

namespace sett::storage {

namespace {
constexpr int64_t tick_ms = 50;
// What a merge and a flush hold of their inputs and outputs, and the log of records; what else there is, the
// allocator's own share included, is a part of the limit.
constexpr uint64_t merge_bytes = 8ull << 20, log_bytes = 8ull << 20;
constexpr uint64_t other_share = 8, cache_share_min = 16;
}  // namespace

MemoryShares::MemTables MemoryShares::mem_tables(uint64_t limit, MemTables configured) {
  if (limit == 0) return configured;
  // With these and the active one, writers are slowed (write_pacer.h) only once two memtables are full.
  constexpr uint64_t sealed_min = 3;
  const uint64_t room = limit / 2;
  const uint64_t fitting = std::max(room / std::max<uint64_t>(configured.bytes, 1), 1 + sealed_min) - 1;
  const uint64_t sealed = std::min<uint64_t>(configured.sealed, fitting);
  return {std::max(mem_table_min, std::min(configured.bytes, room / (sealed + 1))), static_cast<uint32_t>(sealed)};
}

uint64_t MemoryShares::cache(uint64_t limit, uint64_t configured, uint64_t used, uint32_t merges) {
  if (limit == 0) return configured == 0 ? cache_without_limit : configured;
  const uint64_t taken = used + log_bytes + merge_bytes * (uint64_t{merges} + 1) + limit / other_share;
  const uint64_t left = std::max({limit - std::min(limit, taken), limit / cache_share_min, cache_min});
  return configured == 0 ? left : std::min(left, configured);
}

uint64_t MemoryShares::hot_entries(uint64_t limit, uint64_t configured_cache) {
  constexpr uint64_t hot_share = 16, hot_share_of_cache = 8;
  return limit > 0 ? limit / hot_share : configured_cache / hot_share_of_cache;
}

uint64_t MemoryBudget::hot_bytes() const NO_THREAD_SAFETY_ANALYSIS {  // atomics of what belongs to the shards' locks
  uint64_t bytes = 0;
  for (const auto& at : engine_.shards_) bytes += at->hot.bytes();
  return bytes;
}

uint64_t MemoryBudget::hot_hits() const NO_THREAD_SAFETY_ANALYSIS {  // likewise
  uint64_t hits = 0;
  for (const auto& at : engine_.shards_) hits += at->hot.hits();
  return hits;
}

void MemoryBudget::start() {
  if (engine_.options_.memory_limit_bytes > 0) tick();
}

void MemoryBudget::tick() {
  uint64_t tables = 0;
  const VersionPtr version = engine_.versions_->current();
  for (int level = 0; level < levels_max; ++level)
    for (const TableFilePtr& table : version->level(level)) tables += table->memory_bytes();
  table_bytes_.store(tables, std::memory_order_relaxed);
  const uint64_t used = engine_.memtables_bytes() + tables + hot_bytes();
  const BadgerOptions& options = engine_.options_;
  engine_.cache_.set_capacity(
      MemoryShares::cache(options.memory_limit_bytes, options.cache_bytes, used, options.compaction_threads));
  engine_.post(
      Executor::Lane::background, [this] { tick(); }, tick_ms);
}

}  // namespace sett::storage
