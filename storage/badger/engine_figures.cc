// What BadgerEngine tells of itself.
#include <string>

#include "storage/badger/compactor.h"
#include "storage/badger/disk_guard.h"
#include "storage/badger/engine.h"
#include "storage/badger/flusher.h"
#include "storage/badger/memory_budget.h"
#include "storage/badger/value_log_gc.h"

namespace sett::storage {

StoreStats BadgerEngine::stats() const {
  StoreStats stats;
  stats.expired_keys = reaper_->expired_keys();
  stats.expiry_lag_ms = reaper_->lag_ms();
  stats.log = log_->stats();
  stats.recovery = recovery_;
  stats.disk_full = stats.log.disk_full || disk_guard_->refuses();
  if (stats.disk_full) stats.full_folder = options_.path;
  if (log_->failed()) stats.failure = failed_log_text;
  stats.changes_since_snapshot = changes_.load(std::memory_order_relaxed);
  flusher_->add_stats(stats);
  return stats;
}

void BadgerEngine::figures(const FigureVisitor& visit) const {
  const VersionPtr version = versions_->current();
  for (int level = 0; level < levels_max; ++level) {
    if (version->level(level).empty()) continue;
    const std::string name = "badger_level" + std::to_string(level);
    visit(name + "_tables", version->level(level).size());
    visit(name + "_bytes", version->bytes(level));
  }
  uint64_t value_log_bytes = 0, value_log_live_bytes = 0;
  const TreeManifest manifest = versions_->manifest();
  for (const VlogMeta& file : manifest.value_logs) value_log_bytes += file.file_bytes;
  for (const auto& [file, bytes] : version->value_bytes_in()) value_log_live_bytes += bytes;
  visit("badger_table_entries", version->entries());
  visit("badger_table_tombstones", version->tombstones());
  visit("badger_value_logs", manifest.value_logs.size());
  visit("badger_value_log_bytes", value_log_bytes);
  visit("badger_value_log_live_bytes", value_log_live_bytes);
  visit("badger_memtable_bytes", memtable_bytes_.load(std::memory_order_relaxed));
  visit("badger_sealed_memtables", flusher_->sealed());
  visit("badger_sealed_memtable_bytes", flusher_->sealed_bytes());
  visit("badger_open_table_bytes", memory_budget_->table_bytes());
  visit("badger_memory_limit_bytes", options_.memory_limit_bytes);
  visit("badger_disk_used_bytes", disk_guard_->used_bytes());
  visit("badger_disk_kept_free_bytes", disk_guard_->needed_bytes());
  visit("badger_disk_refuses", disk_guard_->refuses() ? 1 : 0);
  visit("badger_writers_wait", stalled_.load(std::memory_order_relaxed) ? 1 : 0);
  visit("badger_writers_slowed", pacer_.is_slowing() ? 1 : 0);
  visit("badger_slowed_writes", pacer_.slowed_writes());
  const BlockCache::Stats cache = cache_.stats();
  visit("badger_cache_bytes", cache.bytes);
  visit("badger_cache_capacity_bytes", cache_.capacity());
  visit("badger_hot_bytes", memory_budget_->hot_bytes());
  visit("badger_hot_hits", memory_budget_->hot_hits());
  visit("badger_cache_hits", cache.hits);
  visit("badger_cache_misses", cache.misses);
  const ReadStats reads = reader_.stats();
  visit("badger_filter_checks", reads.filter_checks);
  visit("badger_filter_negatives", reads.filter_negatives);
  visit("badger_filter_false_positives", reads.filter_false_positives);
  visit("badger_block_reads", reads.block_reads);
  visit("badger_block_read_bytes", reads.block_read_bytes);
  visit("badger_value_reads", reads.value_reads);
  visit("badger_value_read_bytes", reads.value_read_bytes);
  visit("badger_cached_reads", reads.cached_reads);
  const Compactor::Stats merges = compactor_->stats();
  visit("badger_merges", merges.merges);
  visit("badger_merges_failed", merges.failed);
  visit("badger_merged_bytes", merges.bytes_written);
  const ValueLogGc::Stats gc = gc_->stats();
  visit("badger_gc_runs", gc.runs);
  visit("badger_gc_moved_values", gc.moved_values);
  visit("badger_gc_moved_bytes", gc.moved_bytes);
  visit("badger_gc_removed_files", gc.removed_files);
  visit("badger_gc_removed_bytes", gc.removed_bytes);
}

}  // namespace sett::storage
