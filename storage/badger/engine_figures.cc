// What BadgerEngine tells of itself.
#include <string>

#include "storage/badger/compactor.h"
#include "storage/badger/disk_guard.h"
#include "storage/badger/engine.h"
#include "storage/badger/flusher.h"
#include "storage/badger/memory_budget.h"
#include "storage/badger/value_log_gc.h"

namespace sett::storage {

namespace {
uint64_t percent(uint64_t part, uint64_t of) {
  constexpr uint64_t whole = 100;
  return of == 0 ? 0 : static_cast<uint64_t>(static_cast<double>(part) / static_cast<double>(of) * whole);
}
}  // namespace

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
  show_space(visit, *version);
  show_memory(visit);
  show_work(visit);
}

void BadgerEngine::show_space(const FigureVisitor& visit, const Version& version) const {
  for (int level = 0; level < levels_max; ++level) {
    if (version.level(level).empty()) continue;
    const std::string name = "badger_level" + std::to_string(level);
    visit(name + "_tables", version.level(level).size());
    visit(name + "_bytes", version.bytes(level));
  }
  uint64_t value_log_bytes = 0, value_log_live_bytes = 0, live_bytes = 0;
  const TreeManifest manifest = versions_->manifest();
  for (const VlogMeta& file : manifest.value_logs) value_log_bytes += file.file_bytes;
  for (const auto& [file, bytes] : version.value_bytes_in()) value_log_live_bytes += bytes;
  for (const auto& [bucket, totals] : manifest.totals) live_bytes += totals.bytes;
  visit("badger_live_bytes", live_bytes);
  visit("badger_space_amplification_percent", percent(version.bytes() + value_log_bytes, live_bytes));
  visit("badger_table_entries", version.entries());
  visit("badger_table_tombstones", version.tombstones());
  visit("badger_value_logs", manifest.value_logs.size());
  visit("badger_value_log_bytes", value_log_bytes);
  visit("badger_value_log_live_bytes", value_log_live_bytes);
  visit("badger_disk_used_bytes", disk_guard_->used_bytes());
  visit("badger_disk_kept_free_bytes", disk_guard_->needed_bytes());
  visit("badger_disk_refuses", disk_guard_->refuses() ? 1 : 0);
}

void BadgerEngine::show_memory(const FigureVisitor& visit) const {
  uint64_t unsettled = flusher_->sealed_unknown();
  for (const auto& at : shards_) unsettled += at->active_unknown.load(std::memory_order_relaxed);
  visit("badger_memtable_bytes", memtable_bytes_.load(std::memory_order_relaxed));
  visit("badger_sealed_memtables", flusher_->sealed());
  visit("badger_sealed_memtable_bytes", flusher_->sealed_bytes());
  visit("badger_pending_settles", unsettled);
  visit("badger_open_table_bytes", memory_budget_->table_bytes());
  visit("badger_memory_limit_bytes", options_.memory_limit_bytes);
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
}

void BadgerEngine::show_work(const FigureVisitor& visit) const {
  visit("badger_writers_wait", stalled_.load(std::memory_order_relaxed) ? 1 : 0);
  visit("badger_writers_slowed", pacer_.is_slowing() ? 1 : 0);
  visit("badger_slowed_writes", pacer_.slowed_writes());
  visit("badger_held_for_memtables", holds_.for_memtables.load(std::memory_order_relaxed));
  visit("badger_held_for_level0", holds_.for_level0.load(std::memory_order_relaxed));
  visit("badger_held_for_count", holds_.for_count.load(std::memory_order_relaxed));
  visit("badger_held_for_disk", holds_.for_disk.load(std::memory_order_relaxed));
  visit("badger_held_for_log", holds_.for_log.load(std::memory_order_relaxed));
  const Flusher::Stats flushes = flusher_->stats();
  const Compactor::Stats merges = compactor_->stats();
  const ValueLogGc::Stats gc = gc_->stats();
  const uint64_t user_bytes = user_bytes_.load(std::memory_order_relaxed);
  const uint64_t written = log_->stats().appended_bytes + value_log_bytes_.load(std::memory_order_relaxed) +
                           flushes.bytes_written + merges.bytes_written;
  visit("badger_user_bytes", user_bytes);
  visit("badger_write_amplification_percent", percent(written, user_bytes));
  visit("badger_flushes", flushes.flushes);
  visit("badger_flushed_memtables", flushes.memtables);
  visit("badger_flushed_bytes", flushes.bytes_written);
  visit("badger_merges", merges.merges);
  visit("badger_merges_failed", merges.failed);
  visit("badger_merged_bytes", merges.bytes_written);
  visit("badger_gc_runs", gc.runs);
  visit("badger_gc_moved_values", gc.moved_values);
  visit("badger_gc_moved_bytes", gc.moved_bytes);
  visit("badger_gc_removed_files", gc.removed_files);
  visit("badger_gc_removed_bytes", gc.removed_bytes);
}

}  // namespace sett::storage
