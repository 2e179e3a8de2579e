#include "storage/badger/flusher.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "storage/badger/compactor.h"
#include "storage/badger/value_log_gc.h"
#include "storage/keys/tree_key.h"

namespace sett::storage {

namespace {
constexpr int64_t lock_retry_ms = 1;
constexpr int64_t retry_after_failure_ms = 1000;
constexpr int64_t tick_ms = 1000;
constexpr int64_t quiet_ms = 5000;
}  // namespace

void Flusher::start() {
  started_ = true;
  {
    MutexLock lock(mutex_);
    const TreeManifest manifest = engine_.versions_->manifest();
    last_snapshot_ms_ = manifest.last_snapshot_ms;
    flushed_through_ = manifest.flushed_through;
    seeds_ = Random(engine_.seed_ + 2);
  }
  update_stall();
  run_next();
  quiet_since_ms_ = engine_.clock_.steady_ms();
  tick();
}

// When nothing has been written for a while the memtable is flushed too: what was deleted or overwritten in it takes
// space until then, and a start has less to replay.
void Flusher::tick() {
  const uint64_t changes = engine_.changes_.load(std::memory_order_relaxed);
  const int64_t now_ms = engine_.clock_.steady_ms();
  if (changes != changes_seen_) quiet_since_ms_ = now_ms;
  changes_seen_ = changes;
  if (now_ms - quiet_since_ms_ >= quiet_ms && engine_.memtable_bytes_.load(std::memory_order_relaxed) > 0) {
    quiet_since_ms_ = now_ms;  // what a collection moves on and on is no reason for a flush at each tick
    memtable_is_full();
  }
  engine_.post(
      Executor::Lane::background, [this] { tick(); }, tick_ms);
}

size_t Flusher::sealed() const {
  MutexLock lock(mutex_);
  return seals_.size();
}

uint64_t Flusher::sealed_unknown() const {
  MutexLock lock(mutex_);
  uint64_t unknown = 0;
  for (const SealPtr& sealed : seals_) unknown += sealed->unknown;
  return unknown;
}

Flusher::Stats Flusher::stats() const {
  MutexLock lock(mutex_);
  return stats_;
}

Status Flusher::held_up_by() const {
  MutexLock lock(mutex_);
  if (seals_.empty() || !last_status_) return seals_.empty() ? Status() : last_status_;
  return running_ ? Status() : engine_.compactor_->failure();
}

// --- Sealing

void Flusher::memtable_is_full() {
  if (seal_posted_.load(std::memory_order_relaxed) || seal_posted_.exchange(true)) return;
  post_seal();
}

void Flusher::post_seal(int64_t delay_ms) {
  engine_.post(
      Executor::Lane::foreground, [this] { seal(); }, delay_ms);
}

// Memtables take no more than their room, however many there are: some are sealed before they are full. Then the active
// one stays, and writes wait. Their number is bounded too, since each is looked into by each read: who asks for flushes
// again and again (SAVE, DBSIZE) would have a small one sealed each time.
bool Flusher::may_seal() const {
  const size_t seals_max = 2 + size_t{2} * engine_.options_.mem_tables;
  return seals_.empty() || (seals_.size() < seals_max && !engine_.memtables_are_full());
}

void Flusher::seal() {
  if (!started_ || engine_.closing_) {
    seal_posted_ = false;
    return;
  }
  bool has_room = false;
  {
    MutexLock lock(mutex_);
    has_room = may_seal();
  }
  if (!has_room) {
    seal_posted_ = false;
    return update_stall();
  }
  if (!engine_.try_lock_all()) return post_seal(lock_retry_ms);
  const SealPtr sealed = seal_parts(engine_.log_->last());
  engine_.unlock_all();
  seal_posted_ = false;
  update_stall();
  if (sealed)
    run_next();
  else if (is_idle())
    finish_waiting(true);
}

// Under all locks; nullptr: there is nothing to flush.
Flusher::SealPtr Flusher::seal_parts(Sequence through) NO_THREAD_SAFETY_ANALYSIS {
  auto sealed = std::make_shared<Seal>();
  sealed->through = through;
  sealed->buckets = engine_.catalogue_.names();
  sealed->bucket_generation = engine_.catalogue_.generation();
  sealed->passed_ms = INT64_MAX;
  bool is_empty = true;
  for (const auto& at : engine_.shards_) is_empty = is_empty && at->active->size() == 0;
  // Of an empty memtable only what it says of buckets counts.
  if (is_empty && (!is_idle() || engine_.versions_->manifest().buckets == sealed->buckets)) return nullptr;
  MutexLock lock(mutex_);
  sealed->number = next_seal_++;
  for (auto& at : engine_.shards_) {
    sealed->passed_ms = std::min(sealed->passed_ms, at->passed_ms);
    sealed->judged_ms = std::max({sealed->judged_ms, at->judged_ms, engine_.reaper_->judged_ms()});
    sealed->parts.push_back(at->active);
    sealed->unknown += at->active->unknown_entries();
    at->sealed.push_back({sealed->number, at->active});
    at->active = std::make_shared<Memtable>();
    at->active_bytes.store(0, std::memory_order_relaxed);
    at->active_unknown.store(0, std::memory_order_relaxed);
  }
  sealed->bytes = engine_.memtable_bytes_.exchange(0, std::memory_order_relaxed);
  sealed_bytes_.fetch_add(sealed->bytes, std::memory_order_relaxed);
  seals_.push_back(sealed);
  return sealed;
}

void Flusher::seal_replayed(Sequence through) {
  seal_parts(through);
}

// Writes wait while there is no room, or the memtable is full and may not be sealed.
void Flusher::update_stall() {
  bool may_go_on = false;
  {
    MutexLock lock(mutex_);
    const bool stalls = !may_seal() && (engine_.memtables_are_full() || engine_.memtable_is_full());
    may_go_on = engine_.stalled_.exchange(stalls) && !stalls;
    engine_.pacer_.note_used(engine_.memtables_bytes(), engine_.clock_.steady_us());
  }
  if (may_go_on) engine_.log_->announce_progress();
}

// --- Flushing

void Flusher::tables_changed() {
  run_next();
}

// What waits is flushed together: of what their entries replaced each block is then read and searched once for all of
// them, and level 0 gets one table. Half of the room at most, so that writers have the other half meanwhile.
Flusher::Seals Flusher::next_group() const {
  // A full one is a little larger than it should be.
  const uint64_t bytes_max = engine_.options_.memtables_room() / 2 + engine_.options_.mem_table_bytes / 4;
  Seals group;
  uint64_t bytes = 0;
  for (const SealPtr& sealed : seals_) {
    bytes += sealed->bytes;
    if (!group.empty() && bytes > bytes_max) break;
    group.push_back(sealed);
  }
  return group;
}

void Flusher::run_next() {
  if (!started_ || engine_.closing_) return;
  Seals group;
  {
    MutexLock lock(mutex_);
    if (running_ || seals_.empty()) return;
    group = next_group();
    uint64_t bytes = 0;
    for (const SealPtr& sealed : group) bytes += sealed->bytes;
    engine_.pacer_.note_flush_due(bytes, engine_.clock_.steady_us());
    // Level 0 is full: the end of a merge calls again.
    waits_for_level0_ = engine_.versions_->current()->largest_level0_group() >= engine_.options_.level0_tables_stall;
    if (waits_for_level0_) return;
    running_ = true;
  }
  engine_.post(Executor::Lane::background, [this, group = std::move(group)] { flush(group); });
}

void Flusher::flush(const Seals& group) {
  uint64_t seed = 0;
  {
    MutexLock lock(mutex_);
    seed = seeds_.next();
  }
  const FlushTools tools{engine_.files_,
                         engine_.reader_,
                         *engine_.versions_,
                         {engine_.options_.block_bytes, engine_.options_.filter_bits_per_key,
                          engine_.options_.compress ? table_format::Compression::lz4 : table_format::Compression::none},
                         engine_.options_.value_threshold,
                         seed};
  FlushInput input;
  for (auto sealed = group.rbegin(); sealed != group.rend(); ++sealed) {
    PartMerger::Parts& parts = input.memtables.emplace_back();
    for (const auto& part : (*sealed)->parts) parts.push_back(part.get());
  }
  input.version = engine_.versions_->current();
  input.passed_ms = engine_.versions_->manifest().passed_ms;
  input.is_dead = engine_.dead_buckets();
  input.is_given_up = [this] { return engine_.closing_.load(); };
  // After the look at what is dead: that a bucket was dropped has to be on disk before its data goes.
  const Sequence last = engine_.log_->last();
  auto result = run_flush(tools, input);
  if (!result) return failed(result.status());
  for (const TableMeta& meta : result->tables) engine_.io_limiter_.take(meta.file_bytes);
  auto shared = std::make_shared<FlushResult>(std::move(*result));
  engine_.when_synced(last, [this, group, shared, is_dead = std::move(input.is_dead)](const Status& status) {
    if (!status) return failed(status);
    publish(group, shared, is_dead);
  });
}

// What is dead is so as of the flush: a later drop may not be on disk yet.
std::vector<ValueWriter::File> Flusher::note_in_manifest(const Seal& sealed, const FlushResult& result,
                                                         const IsDead& is_dead, TreeManifest& manifest) {
  manifest.flushed_through = sealed.through;
  manifest.log_reaches = std::max(manifest.log_reaches, sealed.through);
  manifest.buckets = sealed.buckets;
  manifest.bucket_generation = std::max(manifest.bucket_generation, sealed.bucket_generation);
  manifest.passed_ms = std::max(manifest.passed_ms, sealed.passed_ms);
  manifest.judged_ms = std::max(manifest.judged_ms, sealed.judged_ms);
  for (const auto& [bucket, delta] : result.deltas) {
    BucketTotals& totals = manifest.totals[bucket];
    totals.keys += static_cast<uint64_t>(delta.keys);
    totals.bytes += static_cast<uint64_t>(delta.bytes);
    totals.expiring += static_cast<uint64_t>(delta.expiring);
  }
  std::erase_if(manifest.totals, [&](const auto& of_bucket) { return is_dead(of_bucket.first); });
  const auto note_file = [&manifest](uint64_t number, uint64_t bytes) {
    for (VlogMeta& file : manifest.value_logs)
      if (file.number == number) {
        file.file_bytes = bytes;
        return;
      }
    manifest.value_logs.push_back({number, bytes});
  };
  std::vector<ValueWriter::File> files = engine_.value_writer_->files();
  for (const ValueWriter::File& file : files) note_file(file.number, file.bytes);
  if (result.value_log) note_file(result.value_log->number, result.value_log->file_bytes);
  return files;
}

// What a seal says is so as of its moment: of several the last one counts.
void Flusher::publish(const Seals& group, const std::shared_ptr<FlushResult>& result, const IsDead& is_dead) {
  const Seal& last = *group.back();
  VersionEdit edit;
  for (const TableMeta& meta : result->tables)
    edit.added_tables.push_back(
        {0, std::make_shared<TableFile>(engine_.versions_->table_path(meta.number, meta.smallest), meta)});
  if (result->value_log) edit.added_value_logs.push_back(result->value_log->number);
  std::vector<ValueWriter::File> noted;
  edit.change = [&](TreeManifest& manifest) { noted = note_in_manifest(last, *result, is_dead, manifest); };
  if (const Status status = engine_.versions_->apply(edit); !status) return failed(status);
  // Not one that was sealed since: where it ends the manifest does not say yet.
  for (const ValueWriter::File& file : noted)
    if (file.sealed) engine_.value_writer_->forget(file.number);
  flushed_through_ = last.through;
  engine_.post(Executor::Lane::foreground, [this, group, result] { show(group, result); });
}

// On the foreground lane: from one instant to the next the sealed parts are tables, for all shards.
void Flusher::show(const Seals& group, const std::shared_ptr<FlushResult>& result) {
  if (!engine_.try_lock_all()) {
    engine_.post(
        Executor::Lane::foreground, [this, group, result] { show(group, result); }, lock_retry_ms);
    return;
  }
  std::vector<std::shared_ptr<const Memtable>> freed;
  show_to_shards(*result, group.size(), freed);
  // Who writes faster than flushes drain fills what there is: the next flush takes all of it.
  const bool is_worth_it =
      engine_.memtable_bytes_.load(std::memory_order_relaxed) > engine_.options_.mem_table_bytes / 2;
  if (engine_.pacer_.is_slowing() && is_worth_it) seal_parts(engine_.log_->last());
  engine_.unlock_all();
  // The last ones who have the memtables: not this thread, which may be an event loop.
  for (const SealPtr& sealed : group) {
    std::move(sealed->parts.begin(), sealed->parts.end(), std::back_inserter(freed));
    sealed->parts.clear();
  }
  engine_.post(Executor::Lane::background, [freed = std::move(freed)]() mutable { freed.clear(); });
  // A backup may still read the records; the next flush's release takes these too.
  if (!engine_.versions_->is_held()) engine_.log_->release(group.back()->through);
  {
    MutexLock lock(mutex_);
    for (const SealPtr& sealed : group) {
      sealed_bytes_.fetch_sub(sealed->bytes, std::memory_order_relaxed);
      seals_.pop_front();
    }
    ++stats_.flushes;
    stats_.memtables += group.size();
    for (const TableMeta& meta : result->tables) stats_.bytes_written += meta.file_bytes;
    if (result->value_log) stats_.bytes_written += result->value_log->file_bytes;
    engine_.pacer_.note_flushed(engine_.clock_.steady_us());  // before the next one can begin
    running_ = false;
    last_status_ = {};
  }
  engine_.seal_if_full();
  update_stall();
  engine_.post(Executor::Lane::background, [this] { engine_.compactor_->check(); });
  engine_.gc_->check();
  finish_waiting(false);
  run_next();
}

void Flusher::show_to_shards(const FlushResult& result, size_t flushed,
                             std::vector<std::shared_ptr<const Memtable>>& freed)
    NO_THREAD_SAFETY_ANALYSIS {  // under all locks
  const VersionPtr version = engine_.versions_->current();
  for (auto& at : engine_.shards_) {
    at->version = version;
    const auto end = at->sealed.begin() + static_cast<ptrdiff_t>(flushed);
    for (auto sealed = at->sealed.begin(); sealed != end; ++sealed) freed.push_back(std::move(sealed->part));
    at->sealed.erase(at->sealed.begin(), end);
  }
  int64_t covered_ms = INT64_MIN;
  for (const auto& at : engine_.shards_) covered_ms = std::max(covered_ms, at->due.end_ms());
  for (const DueChange& change : result.due_changes) {
    if (change.due_ms > covered_ms) break;  // in order of time: of the rest nobody knows yet
    BadgerShard& at = engine_.shard(engine_.shard_of(user_key(change.tree_key)));
    if (!at.due.covers(change.due_ms, change.tree_key)) continue;
    at.due.remove(change.due_ms, change.tree_key);
    if (change.is_due && change.due_ms > at.passed_ms) at.due.add({change.due_ms, change.tree_key, change.value_bytes});
  }
  for (const auto& [bucket, delta] : result.deltas) {
    if (!engine_.catalogue_.is_bound(bucket)) continue;
    BucketTotals& totals = engine_.totals_[bucket];
    totals.keys += static_cast<uint64_t>(delta.keys);
    totals.bytes += static_cast<uint64_t>(delta.bytes);
    totals.expiring += static_cast<uint64_t>(delta.expiring);
  }
  MutexLock lock(engine_.live_mutex_);
  engine_.visible_ = version;
}

void Flusher::failed(const Status& status) {
  std::vector<Waiting> waiting;
  {
    MutexLock lock(mutex_);
    running_ = false;
    last_status_ = status;
    snapshot_failed_ = snapshot_failed_ || !waiting_.empty();
    waiting.swap(waiting_);
  }
  for (const Waiting& one : waiting) one.done(status);
  engine_.log_->announce_progress();  // who waits for the flush is told
  engine_.post(
      Executor::Lane::background, [this] { run_next(); }, retry_after_failure_ms);
}

// --- Snapshots

void Flusher::flush_all(std::function<void(Status)> done) {
  if (!started_ || engine_.closing_) return done(Status::error(ErrorKind::closed, "the store is being closed"));
  {
    MutexLock lock(mutex_);
    waiting_.push_back({engine_.log_->last(), std::move(done)});
  }
  if (!seal_posted_.exchange(true)) post_seal();
}

// Whoever waited for what is flushed now, or for anything when nothing is left to flush.
void Flusher::finish_waiting(bool nothing_is_left) {
  std::vector<Waiting> ready;
  bool seals_again = false;
  {
    MutexLock lock(mutex_);
    const auto is_ready = [&](const Waiting& one) { return nothing_is_left || one.through <= flushed_through_; };
    for (Waiting& one : waiting_)
      if (is_ready(one)) ready.push_back(std::move(one));
    std::erase_if(waiting_, [](const Waiting& one) { return !one.done; });
    seals_again = !waiting_.empty();
  }
  if (seals_again && !seal_posted_.exchange(true)) post_seal();
  if (ready.empty()) return;
  auto shared = std::make_shared<std::vector<Waiting>>(std::move(ready));
  const Sequence last = engine_.log_->last();
  // Not here: this may be an event loop, and the manifest is written.
  engine_.post(Executor::Lane::background, [this, shared, last] { note_snapshot(shared, last); });
}

void Flusher::note_snapshot(const std::shared_ptr<std::vector<Waiting>>& shared, Sequence last) {
  engine_.when_synced(last, [this, shared](Status status) {
    const int64_t now_ms = engine_.clock_.wall_ms();
    if (status) {
      VersionEdit edit;
      edit.change = [now_ms](TreeManifest& manifest) { manifest.last_snapshot_ms = now_ms; };
      status = engine_.versions_->apply(edit);
    }
    {
      MutexLock lock(mutex_);
      snapshot_failed_ = !status;
      if (status) {
        last_snapshot_ms_ = now_ms;
        changes_at_snapshot_ = engine_.changes_.load(std::memory_order_relaxed);
      }
    }
    for (const Waiting& one : *shared) one.done(status);
  });
}

void Flusher::add_stats(StoreStats& stats) const {
  MutexLock lock(mutex_);
  stats.snapshot_running = !waiting_.empty();
  stats.snapshot_failed = snapshot_failed_;
  stats.last_snapshot_ms = last_snapshot_ms_;
  stats.changes_since_snapshot -= std::min(stats.changes_since_snapshot, changes_at_snapshot_);
  if (last_status_.kind() == ErrorKind::no_space) {
    stats.disk_full = true;
    stats.full_folder = engine_.options_.path;
  }
  if (!last_status_ && !stats.disk_full && stats.failure.empty())
    stats.failure = "the last flush failed, and is tried again; with no room left in memory writes are refused: " +
                    last_status_.to_string();
}

// Files that are missing at the end of the log are noticed then. Where the disk has no room for another manifest the
// old one says what it said.
Status Flusher::note_end() {
  VersionEdit edit;
  edit.change = [this](TreeManifest& manifest) {
    const Sequence last = engine_.log_->last();
    const Sequence reached = last > engine_.last_when_opened_ ? last : engine_.last_replayed_;
    manifest.log_reaches = std::max(manifest.log_reaches, reached);
    for (const ValueWriter::File& file : engine_.value_writer_->files()) {
      const bool is_known = std::any_of(manifest.value_logs.begin(), manifest.value_logs.end(),
                                        [&](const VlogMeta& known) { return known.number == file.number; });
      if (!is_known) manifest.value_logs.push_back({file.number, file.bytes});
    }
  };
  const Status status = engine_.versions_->apply(edit);
  return status.kind() == ErrorKind::no_space ? Status() : status;
}

}  // namespace sett::storage
