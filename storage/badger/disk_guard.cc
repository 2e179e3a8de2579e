#include "storage/badger/disk_guard.h"

#include <algorithm>

#include "storage/badger/flusher.h"
#include "storage/lsm/compaction_picker.h"

namespace sett::storage {

namespace {
constexpr int64_t tick_ms = 100;
constexpr uint64_t slack_bytes_max = 64ull << 20, slack_share = 32;
}  // namespace

uint64_t DiskGuard::needed(const DiskFacts& facts, const BadgerOptions& options) {
  // A merge below level 0 is of one table and what it lies over.
  const uint64_t deep = std::min(facts.tables, options.table_bytes * (overlapped_tables_max + 2));
  const uint64_t merge = std::max(std::min(facts.level0 + facts.base_level, facts.tables), deep);
  const uint64_t merges = std::min<uint64_t>(options.compaction_threads, 2);
  const uint64_t copies = std::min(facts.value_logs, options.value_log_file_bytes) / 2;
  return facts.memtables + std::min(merge * merges, facts.tables) + copies;
}

uint64_t DiskGuard::slack(const DiskFacts& facts) {
  return std::min(slack_bytes_max, (facts.free + facts.used) / slack_share);
}

// Once writes are refused, they are let in again only when there is room for some of them.
bool DiskGuard::decide(bool refuses_now, const DiskFacts& facts, const BadgerOptions& options) {
  const uint64_t wanted = needed(facts, options) + slack(facts);
  return facts.free < (refuses_now ? wanted + slack(facts) : wanted);
}

void DiskGuard::start() {
  tick();
}

Result<DiskFacts> DiskGuard::look() const {
  DiskFacts facts;
  const VersionPtr version = engine_.versions_->current();
  facts.memtables = engine_.memtables_bytes();
  facts.tables = version->bytes();
  facts.level0 = version->bytes(0);
  for (int level = 1; level < levels_max && facts.base_level == 0; ++level) facts.base_level = version->bytes(level);
  for (const VlogMeta& file : engine_.versions_->manifest().value_logs) facts.value_logs += file.file_bytes;
  facts.used = facts.tables + facts.value_logs + engine_.log_->stats().bytes;
  auto free = engine_.files_.free_bytes(engine_.options_.path);
  if (!free) return free.status();
  facts.free = *free;
  const uint64_t most = engine_.options_.max_disk_bytes;
  if (most > 0) facts.free = std::min(facts.free, most - std::min(most, facts.used));
  return facts;
}

void DiskGuard::tick() {
  // Where the file system does not tell, the log finds out when it is full.
  if (const auto facts = look(); facts.is_ok()) {
    const bool refuses = decide(refuses_.load(), facts.value(), engine_.options_);
    used_bytes_.store(facts.value().used, std::memory_order_relaxed);
    needed_bytes_.store(needed(facts.value(), engine_.options_), std::memory_order_relaxed);
    if (refuses_.exchange(refuses) && !refuses) engine_.log_->announce_progress();
  }
  engine_.post(
      Executor::Lane::background, [this] { tick(); }, tick_ms);
}

}  // namespace sett::storage
