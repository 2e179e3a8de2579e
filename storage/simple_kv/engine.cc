#include "storage/simple_kv/engine.h"

#include <algorithm>
#include <utility>

#include "storage/simple_kv/snapshot_format.h"
#include "storage/simple_kv/snapshot_job.h"

namespace sett::storage {

namespace {
constexpr int64_t check_interval_ms = 200;
constexpr int64_t retry_after_failure_ms = 5000;
constexpr uint64_t gain_share = 4;  // for the disk's sake a snapshot gains at least this part of the emergency reserve
}  // namespace

SimpleKvEngine::SimpleKvEngine(FileSystem& files, Executor& executor, Clock& clock, const SimpleKvOptions& options,
                               MemoryStoreOptions memory_options)
    : MemoryStore(std::move(memory_options), nullptr, executor, clock),
      files_(files),
      kv_options_(options),
      reserve_(files, state_directory(), options.reserve_bytes) {}

SimpleKvEngine::~SimpleKvEngine() = default;

void SimpleKvEngine::start() {
  {
    MutexLock guard(snapshot_mutex_);
    last_attempt_ms_ = clock_->steady_ms();
    recovered_log_bytes_ = log_->stats().bytes;
  }
  MemoryStore::start();
  started_ = true;
  const LogStats log = log_->stats();
  log_->hold_when_full(true, log.appended_bytes);
  keep_free_for_snapshot(log, live_bytes());  // before it the log makes no segment
  schedule_check();
}

// --- Snapshots

void SimpleKvEngine::schedule_check() {
  executor_->post_after(Executor::Lane::background, check_interval_ms, [this, alive = alive_] {
    if (!alive->load()) return;
    {
      MutexLock guard(snapshot_mutex_);
      if (closing_) return;
    }
    check();
    make_reserve();
    schedule_check();
  });
}

void SimpleKvEngine::post_check() {
  if (check_posted_.exchange(true)) return;
  executor_->post(Executor::Lane::background, [this, alive = alive_] {
    if (!alive->load()) return;
    check_posted_ = false;
    check();
  });
}

// What lives is looked at after what was appended: rather too much of it is counted twice than any not at all.
void SimpleKvEngine::check() {
  if (!started_) return;
  const LogStats log = log_->stats();
  const uint64_t live = live_bytes();
  keep_free_for_snapshot(log, live);
  if (log.settling) return;  // the log asks again when it knows whether it is still full
  if (snapshot_is_due(log, live)) snapshot([](const Status&) {});
  bool holds = !log.disk_full;
  {
    MutexLock guard(snapshot_mutex_);
    if (closing_) return;
    holds = holds || (job_ && job_gains_);
  }
  log_->hold_when_full(holds, log.appended_bytes);
}

void SimpleKvEngine::keep_free_for_snapshot(const LogStats& log, uint64_t live_bytes) {
  log_->keep_free(live_bytes - std::min(live_bytes, reserve_.bytes()), log.appended_bytes);
}

bool SimpleKvEngine::snapshot_is_due(const LogStats& log, uint64_t live_bytes) {
  const Need need = disk_need(log, live_bytes);
  const bool room = need != Need::none && fits(live_bytes);
  MutexLock guard(snapshot_mutex_);
  if (job_) return false;
  const int64_t since_ms = clock_->steady_ms() - last_attempt_ms_;
  // For what did not fit a moment ago there is room now only if there is much less of it.
  const bool much_less = live_bytes < live_bytes_when_full_ / 2;
  if (last_failed_ && since_ms < retry_after_failure_ms && !much_less) return false;
  const uint64_t gained = gain(log, live_bytes);
  if (room && need == Need::now && gained >= emergency_bytes() / gain_share) return true;
  if (room && need == Need::soon && gained >= std::max(emergency_bytes(), live_bytes)) return true;
  const bool changed = changes_.load(std::memory_order_relaxed) != changes_at_snapshot_;
  if (kv_options_.snapshot_interval_ms > 0 && changed && since_ms >= kv_options_.snapshot_interval_ms) return true;
  const uint64_t behind = recovered_log_bytes_ + log.appended_bytes - appended_at_snapshot_;
  return kv_options_.snapshot_log_bytes > 0 && behind > kv_options_.snapshot_log_bytes;
}

// Now: the log is full. Soon: it is about to be.
SimpleKvEngine::Need SimpleKvEngine::disk_need(const LogStats& log, uint64_t live_bytes) const {
  constexpr uint64_t segments_near =
      6;  // two that the log leaves to deletes, the room it has, and what may be new there
  if (log.disk_full) return Need::now;
  const auto free = files_.free_bytes(state_directory());
  if (!free.is_ok()) return Need::none;
  return free.value() < live_bytes + segments_near * emergency_bytes() ? Need::soon : Need::none;
}

bool SimpleKvEngine::fits(uint64_t live_bytes) const {
  const auto free = files_.free_bytes(state_directory());
  return !free.is_ok() || live_bytes <= free.value() || live_bytes - free.value() <= reserve_.bytes();
}

uint64_t SimpleKvEngine::gain(const LogStats& log, uint64_t live_bytes) const {
  const uint64_t before = log.releasable_bytes + snapshot_bytes_;
  return before > live_bytes ? before - live_bytes : 0;
}

uint64_t SimpleKvEngine::live_bytes() const {
  int64_t bytes = 0;
  for (const auto& at : shards_) bytes += at->file_bytes.load(std::memory_order_relaxed);
  return static_cast<uint64_t>(std::max<int64_t>(0, bytes));
}

// Of small segments one, not as many as make up the usual reserve.
uint64_t SimpleKvEngine::emergency_bytes() const {
  return std::min(LogOptions().emergency_bytes, kv_options_.wal_segment_bytes);
}

void SimpleKvEngine::make_reserve() {
  if (reserve_.is_there()) return;
  {
    MutexLock guard(snapshot_mutex_);
    if (job_ || closing_) return;  // the room may be the job's
  }
  // Without it only a snapshot on a full disk has it harder; the next check tries again.
  [[maybe_unused]] const Status made = reserve_.make(log_->stats().bytes);
}

void SimpleKvEngine::snapshot(std::function<void(Status)> done) {
  const LogStats log = log_->stats();
  const uint64_t live = live_bytes();
  std::shared_ptr<SnapshotJob> begun;
  {
    MutexLock guard(snapshot_mutex_);
    if (closing_) {
      // Told below, without the mutex.
    } else {
      waiting_.push_back(std::move(done));
      if (!job_) {
        begun = job_ = std::make_shared<SnapshotJob>(*this, manifest_.generation + 1 + failed_snapshots_);
        appended_in_job_ = log.appended_bytes;
        changes_in_job_ = changes_.load(std::memory_order_relaxed);
        last_attempt_ms_ = clock_->steady_ms();
        live_bytes_in_job_ = live;
        job_gains_ = gain(log, live) >= emergency_bytes() / gain_share;
      }
      done = nullptr;
    }
  }
  if (done) return done(Status::error(ErrorKind::closed, "the store is being closed"));
  if (!begun) return;
  begun->start();
}

// The snapshot found no room, and what it had written is gone again: once more, on the room of the reserve.
bool SimpleKvEngine::retry_with_reserve(const Status& status) {
  if (status.kind() != ErrorKind::no_space || !reserve_.give_up()) return false;
  const LogStats log = log_->stats();
  std::shared_ptr<SnapshotJob> begun;
  {
    MutexLock guard(snapshot_mutex_);
    if (closing_) return false;
    begun = job_ = std::make_shared<SnapshotJob>(*this, manifest_.generation + 1 + failed_snapshots_);
    appended_in_job_ = log.appended_bytes;
    changes_in_job_ = changes_.load(std::memory_order_relaxed);
  }
  begun->start();
  return true;
}

void SimpleKvEngine::snapshot_done(const Status& status, bool published, const Manifest& manifest,
                                   int64_t duration_ms) {
  std::vector<std::function<void(Status)>> waiting;
  {
    MutexLock guard(snapshot_mutex_);
    last_failed_ = !status.is_ok();
    last_duration_ms_ = duration_ms;
    live_bytes_when_full_ = status.kind() == ErrorKind::no_space ? live_bytes() : 0;
    if (status.is_ok()) {
      manifest_ = manifest;
      failed_snapshots_ = 0;
      uncertain_generations_.clear();
      snapshot_bytes_ = live_bytes_in_job_;
      changes_at_snapshot_ = changes_in_job_;
      appended_at_snapshot_ = appended_in_job_;
      recovered_log_bytes_ = 0;
    } else {
      ++failed_snapshots_;
      if (published) uncertain_generations_.push_back(manifest.generation);
    }
  }
  // While job_ is still set: no other snapshot may be making files meanwhile. Left files cost space only, the next one
  // tries again.
  if (!is_held()) {
    [[maybe_unused]] const Status removed = remove_other_snapshots();
  }
  if (retry_with_reserve(status)) return;
  const LogStats log = log_->stats();
  keep_free_for_snapshot(log, live_bytes());
  if (status.is_ok() && !is_held()) log_->release(manifest.begin);
  {
    MutexLock guard(snapshot_mutex_);
    waiting.swap(waiting_);
    job_.reset();
  }
  post_check();
  for (const auto& told : waiting) told(status);
}

Status SimpleKvEngine::remove_other_snapshots() {
  // After kill -9 the name MANIFEST may be in the memory of the operating system only: what an older one names goes
  // only after it is on disk.
  if (Status status = files_.sync_directory(state_directory()); !status.is_ok()) return status;
  std::vector<std::string> kept;
  {
    MutexLock guard(snapshot_mutex_);
    kept.push_back(std::to_string(manifest_.generation) + "-");
    for (const uint64_t generation : uncertain_generations_) kept.push_back(std::to_string(generation) + "-");
  }
  const auto names = files_.list(state_directory());
  if (!names.is_ok()) return names.status();
  Status first;
  for (const std::string& name : names.value()) {
    if (name == "MANIFEST" || name == DiskReserve::file_name) continue;
    if (std::any_of(kept.begin(), kept.end(), [&](const std::string& prefix) { return name.starts_with(prefix); }))
      continue;
    if (Status status = files_.remove(join_path(state_directory(), name)); !status.is_ok() && first.is_ok())
      first = status;
  }
  if (Status status = files_.sync_directory(state_directory()); !status.is_ok() && first.is_ok()) first = status;
  return first;
}

// --- The rest

StoreStats SimpleKvEngine::stats() const {
  StoreStats stats = MemoryStore::stats();
  stats.log = log_->stats();
  stats.recovery = recovery_;
  stats.disk_full = stats.log.disk_full;
  if (stats.disk_full) stats.full_folder = wal_directory();
  if (log_->failed()) stats.failure = failed_log_text;
  MutexLock guard(snapshot_mutex_);
  stats.snapshot_running = job_ != nullptr;
  stats.snapshot_failed = last_failed_;
  stats.last_snapshot_ms = manifest_.created_ms;
  stats.last_snapshot_duration_ms = last_duration_ms_;
  stats.changes_since_snapshot -= std::min(stats.changes_since_snapshot, changes_at_snapshot_);
  return stats;
}

Status SimpleKvEngine::close() {
  (void)MemoryStore::close();
  std::shared_ptr<SnapshotJob> job;
  {
    MutexLock guard(snapshot_mutex_);
    closing_ = true;
    job = job_;
  }
  if (job) job->stop();
  if (Status status = log_->close(); !status.is_ok()) return status;
  return log_->failed() ? Status() : note_log_end();
}

// After a clean stop the end of the log is known, and files that are missing there are noticed. Where the disk has no
// room for another manifest the old one says what it said.
Status SimpleKvEngine::note_log_end() {
  const Sequence last = log_->last();
  Manifest manifest;
  {
    MutexLock guard(snapshot_mutex_);
    manifest = manifest_;
  }
  const Sequence reached = last > last_when_opened_ ? last : last_replayed_;
  if (reached <= manifest.log_reaches) return {};
  manifest.log_reaches = reached;
  const Status status = write_manifest(files_, state_directory(), manifest);
  if (!status.is_ok()) return status.kind() == ErrorKind::no_space ? Status() : status;
  MutexLock guard(snapshot_mutex_);
  manifest_ = std::move(manifest);
  return {};
}

}  // namespace sett::storage
