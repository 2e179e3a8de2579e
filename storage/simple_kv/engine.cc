#include "storage/simple_kv/engine.h"

#include <algorithm>
#include <utility>

#include "storage/simple_kv/snapshot_format.h"
#include "storage/simple_kv/snapshot_job.h"

namespace sett::storage {

namespace {
constexpr int64_t check_interval_ms = 200;
constexpr int64_t retry_after_failure_ms = 5000;
}  // namespace

SimpleKvEngine::SimpleKvEngine(FileSystem& files, Executor& executor, Clock& clock, const SimpleKvOptions& options,
                               MemoryStoreOptions memory_options)
    : MemoryStore(std::move(memory_options), nullptr, executor, clock), files_(files), kv_options_(options) {}

SimpleKvEngine::~SimpleKvEngine() = default;

void SimpleKvEngine::start() {
  {
    MutexLock guard(snapshot_mutex_);
    last_attempt_ms_ = clock_->steady_ms();
    recovered_log_bytes_ = log_->stats().bytes;
  }
  MemoryStore::start();
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
    if (snapshot_is_due()) snapshot([](const Status&) {});
    schedule_check();
  });
}

bool SimpleKvEngine::snapshot_is_due() {
  const uint64_t appended = log_->stats().appended_bytes;
  MutexLock guard(snapshot_mutex_);
  if (job_) return false;
  const int64_t since_ms = clock_->steady_ms() - last_attempt_ms_;
  if (last_failed_ && since_ms < retry_after_failure_ms) return false;
  const bool changed = changes_.load(std::memory_order_relaxed) != changes_at_snapshot_;
  if (kv_options_.snapshot_interval_ms > 0 && changed && since_ms >= kv_options_.snapshot_interval_ms) return true;
  return kv_options_.snapshot_log_bytes > 0 &&
         recovered_log_bytes_ + appended > appended_at_snapshot_ + kv_options_.snapshot_log_bytes;
}

void SimpleKvEngine::snapshot(std::function<void(Status)> done) {
  const uint64_t appended = log_->stats().appended_bytes;
  std::shared_ptr<SnapshotJob> begun;
  {
    MutexLock guard(snapshot_mutex_);
    if (closing_) {
      // Told below, without the mutex.
    } else {
      waiting_.push_back(std::move(done));
      if (!job_) {
        begun = job_ = std::make_shared<SnapshotJob>(*this, manifest_.generation + 1 + failed_snapshots_);
        appended_in_job_ = appended;
        changes_in_job_ = changes_.load(std::memory_order_relaxed);
        last_attempt_ms_ = clock_->steady_ms();
      }
      done = nullptr;
    }
  }
  if (done) return done(Status::error(ErrorKind::closed, "the store is being closed"));
  if (begun) begun->start();
}

void SimpleKvEngine::snapshot_done(const Status& status, bool published, const Manifest& manifest,
                                   int64_t duration_ms) {
  std::vector<std::function<void(Status)>> waiting;
  {
    MutexLock guard(snapshot_mutex_);
    last_failed_ = !status.is_ok();
    last_duration_ms_ = duration_ms;
    if (status.is_ok()) {
      manifest_ = manifest;
      failed_snapshots_ = 0;
      uncertain_generations_.clear();
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
  [[maybe_unused]] const Status removed = remove_other_snapshots();
  if (status.is_ok()) log_->release(manifest.begin);
  {
    MutexLock guard(snapshot_mutex_);
    waiting.swap(waiting_);
    job_.reset();
  }
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
    if (name == "MANIFEST") continue;
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
  const LogStats log = log_->stats();
  stats.log_bytes = log.bytes;
  stats.log_segments = log.segments;
  stats.log_syncs = log.syncs;
  stats.unsynced_bytes = log.unsynced_bytes;
  stats.delayed_syncs = log.delayed_syncs;
  stats.last_sync_us = log.last_sync_us;
  stats.disk_full = log.disk_full;
  if (log.disk_full) stats.full_folder = wal_directory();
  stats.recovered_records = recovery_.records;
  stats.cut_tail_bytes = recovery_.cut_bytes;
  if (log_->failed()) stats.failure = "a write or sync of the log failed";
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
  return log_->close();
}

}  // namespace sett::storage
