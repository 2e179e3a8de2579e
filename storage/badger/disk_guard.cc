#include "storage/badger/disk_guard.h"

#include <algorithm>
#include <map>

#include "storage/badger/flusher.h"
#include "storage/lsm/compaction_picker.h"

namespace sett::storage {

namespace {
constexpr int64_t tick_ms = 100, look_again_ms = 2;
constexpr uint64_t slack_bytes_max = 64ull << 20, slack_share = 32;
// With less than this to spare, what is written is counted between two looks.
constexpr uint64_t tight_bytes = 2ull << 30;
// What a byte written takes until it is in a table: its place in the log, and what is kept free for it.
constexpr uint64_t cost_of_byte = 3;
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
  return std::min(slack_bytes_max, (facts.free() + facts.used) / slack_share);
}

// Once writes are refused, they are let in again only when there is room for some of them.
bool DiskGuard::decide(bool refuses_now, uint64_t free, uint64_t needed, uint64_t slack) {
  return free < needed + (refuses_now ? 2 * slack : slack);
}

void DiskGuard::start() {
  tick();
}

Result<DiskFacts> DiskGuard::gather() const {
  DiskFacts facts;
  const VersionPtr version = engine_.versions_->current();
  facts.memtables = engine_.memtables_bytes();
  facts.tables = version->bytes();
  facts.level0 = version->bytes(0);
  for (int level = 1; level < levels_max && facts.base_level == 0; ++level) facts.base_level = version->bytes(level);
  // The manifest knows them as of the last flush, the writer those that it has written to since the start.
  std::map<uint64_t, uint64_t> value_logs;
  for (const VlogMeta& file : engine_.versions_->manifest().value_logs) value_logs[file.number] = file.file_bytes;
  for (const ValueWriter::File& file : engine_.value_writer_->files()) {
    uint64_t& bytes = value_logs[file.number];
    bytes = std::max(bytes, file.bytes);
  }
  for (const auto& [number, bytes] : value_logs) facts.value_logs += bytes;
  // The segment that is written to and those made ahead have their whole size.
  constexpr uint64_t segments_ahead = 2;
  const LogStats log = engine_.log_->stats();
  facts.used = facts.tables + facts.value_logs + engine_.value_writer_->bytes_ahead() + log.bytes +
               segments_ahead * engine_.options_.wal_segment_bytes;
  facts.needless = engine_.versions_->needless_bytes();
  auto free = engine_.files_.free_bytes(engine_.options_.path);
  if (!free) return free.status();
  facts.disk_free = *free;
  const uint64_t most = engine_.options_.max_disk_bytes;
  if (most > 0) facts.limit_free = most - std::min(most, facts.used);
  return facts;
}

uint64_t DiskGuard::room_for_merges(const DiskFacts& facts) {
  if (facts.needless == 0) return UINT64_MAX;
  // To the disk these files are used room already, to max_disk_size they are not.
  const uint64_t room = std::min(facts.disk_free, facts.limit_free - std::min(facts.limit_free, facts.needless));
  return room - std::min(room, facts.memtables);
}

uint64_t DiskGuard::room_for_merges() const {
  if (!is_tight() || engine_.versions_->needless_bytes() == 0) return UINT64_MAX;
  const auto facts = gather();
  return facts.is_ok() ? room_for_merges(facts.value()) : UINT64_MAX;
}

uint64_t DiskGuard::room_for_collection() const {
  if (!is_tight()) return UINT64_MAX;
  const auto facts = gather();
  if (!facts.is_ok()) return UINT64_MAX;
  return facts.value().free() - std::min(facts.value().free(), facts.value().memtables);
}

DiskGuard::Answer DiskGuard::admit() {
  if (refuses()) return Answer::no;
  if (!is_tight() || left_.load(std::memory_order_relaxed) >= 0) return Answer::yes;
  if (!look_posted_.exchange(true))
    engine_.post(
        Executor::Lane::background,
        [this] {
          look_posted_ = false;
          look();
          engine_.log_->announce_progress();
        },
        look_again_ms);
  return Answer::later;
}

void DiskGuard::note_written(uint64_t bytes) {
  if (!is_tight()) return;
  left_.fetch_sub(static_cast<int64_t>(bytes * cost_of_byte), std::memory_order_relaxed);
}

void DiskGuard::look() {
  const auto facts = gather();
  if (!facts.is_ok()) {
    is_tight_ = refuses_ = false;  // where the file system does not tell, the log finds out when it is full
    return;
  }
  const uint64_t free = facts.value().free(), gap = slack(facts.value());
  const uint64_t wanted = needed(facts.value(), engine_.options_);
  const uint64_t spare = free - std::min(free, wanted + gap);
  left_.store(static_cast<int64_t>(std::min<uint64_t>(spare, INT64_MAX)), std::memory_order_relaxed);
  is_tight_.store(spare < tight_bytes, std::memory_order_relaxed);
  used_bytes_.store(facts.value().used, std::memory_order_relaxed);
  needed_bytes_.store(wanted, std::memory_order_relaxed);
  const bool refuses = decide(refuses_.load(), free, wanted, gap);
  if (refuses_.exchange(refuses) && !refuses) engine_.log_->announce_progress();
}

void DiskGuard::tick() {
  look();
  engine_.post(
      Executor::Lane::background, [this] { tick(); }, tick_ms);
}

}  // namespace sett::storage
