#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/io/file_system.h"
#include "storage/log/log.h"
#include "storage/memory/memory_store.h"
#include "storage/simple_kv/disk_reserve.h"
#include "storage/simple_kv/load_progress.h"
#include "storage/simple_kv/manifest.h"
#include "storage/simple_kv/simple_kv_store.h"
#include "storage/simple_kv/snapshot_writer.h"

namespace sett::storage {

class SnapshotJob;

// simple_kv: the memory store, a log behind it, and snapshots that let the log be cut. Opened by open_simple_kv.
class SimpleKvEngine final : public MemoryStore {
 public:
  SimpleKvEngine(FileSystem& files, Executor& executor, Clock& clock, const SimpleKvOptions& options,
                 MemoryStoreOptions memory_options);
  ~SimpleKvEngine() override;

  // Takes the lock, reads snapshot and log. Once, before anything else.
  Status recover(std::optional<Manifest> manifest, std::unique_ptr<FileLock> lock, std::atomic<double>* shown_progress);

  void start() override;
  void snapshot(std::function<void(Status)> done) override;
  void begin_backup(std::function<void(Result<std::shared_ptr<const BackupPart>>)> done) override;
  StoreStats stats() const override;
  Status close() override;

 private:
  friend class SnapshotJob;

  std::string wal_directory() const { return join_path(kv_options_.path, "wal"); }
  std::string state_directory() const { return join_path(kv_options_.path, "last_state"); }
  // Recovery
  Status make_known();
  Status load_snapshot(const Manifest& manifest, LoadProgress& progress);
  Status load_entry(const Manifest& manifest, const SnapshotEntry& entry);
  Status replay(Sequence sequence, std::string_view record);
  Status replay_mutation(const Mutation& mutation, Sequence sequence, std::span<const Mutation> binds);
  void replay_binds(std::span<const Mutation> binds, Sequence sequence);
  void bury_expired();
  Status note_log_end();
  bool is_given_up() const;
  Status remove_other_snapshots();
  // Backups: engine_backup.cc
  struct Pinned;
  void pin(const std::function<void(Result<std::shared_ptr<const BackupPart>>)>& done);
  void wait_for_pinned(std::shared_ptr<Pinned> pinned);
  bool is_held() const;
  void let_go();
  // Snapshots
  void schedule_check();
  void check();
  void post_check();
  bool snapshot_is_due(const LogStats& log, uint64_t live_bytes);
  enum class Need : uint8_t { none, soon, now };  // of a snapshot, for the disk's sake
  Need disk_need(const LogStats& log, uint64_t live_bytes) const;
  bool fits(uint64_t live_bytes) const;
  // How much less the store would take on disk after a snapshot.
  uint64_t gain(const LogStats& log, uint64_t live_bytes) const REQUIRES(snapshot_mutex_);
  void keep_free_for_snapshot(const LogStats& log, uint64_t live_bytes);
  uint64_t live_bytes() const;  // about what a snapshot takes, rather more
  uint64_t emergency_bytes() const;
  void make_reserve();
  bool retry_with_reserve(const Status& status);
  // `published`: the manifest was being replaced when the job ended, well or not.
  void snapshot_done(const Status& status, bool published, const Manifest& manifest, int64_t duration_ms);

  FileSystem& files_;
  const SimpleKvOptions kv_options_;
  DiskReserve reserve_;
  std::unique_ptr<FileLock> lock_;
  std::unique_ptr<Log> log_;
  LogRecovery recovery_;
  // Of the replay
  Sequence walk_end_ = 0;  // of the snapshot
  int64_t pass_ms_ = 0;    // the latest expiry pass
  Sequence pass_sequence_ = 0;
  Sequence last_replayed_ = 0;     // or what the snapshot holds
  Sequence last_when_opened_ = 0;  // of the log; higher than what was replayed where a tail was cut
  std::set<std::pair<BucketId, std::string_view>> replayed_;  // by the record at hand, when in the walk's window

  mutable Mutex snapshot_mutex_;
  Manifest manifest_ GUARDED_BY(snapshot_mutex_);  // the last one on disk
  std::shared_ptr<SnapshotJob> job_ GUARDED_BY(snapshot_mutex_);
  std::vector<std::function<void(Status)>> waiting_ GUARDED_BY(snapshot_mutex_);
  std::atomic<bool> check_posted_{false}, started_{false};
  bool job_gains_ GUARDED_BY(snapshot_mutex_) = false;  // the snapshot that runs will free space
  uint64_t live_bytes_in_job_ GUARDED_BY(snapshot_mutex_) = 0;
  uint64_t snapshot_bytes_ GUARDED_BY(snapshot_mutex_) = 0;  // live_bytes() when the last one was begun
  bool last_failed_ GUARDED_BY(snapshot_mutex_) = false;
  uint64_t live_bytes_when_full_ GUARDED_BY(snapshot_mutex_) =
      0;  // when a snapshot failed for lack of room; 0: none did
  int64_t last_duration_ms_ GUARDED_BY(snapshot_mutex_) = -1;
  int64_t last_attempt_ms_ GUARDED_BY(snapshot_mutex_) = 0;  // steady
  uint64_t changes_at_snapshot_ GUARDED_BY(snapshot_mutex_) = 0;
  uint64_t changes_in_job_ GUARDED_BY(snapshot_mutex_) = 0;
  uint64_t failed_snapshots_ GUARDED_BY(snapshot_mutex_) =
      0;  // since the last good one: their numbers are not used again
  uint64_t appended_at_snapshot_ GUARDED_BY(snapshot_mutex_) = 0;
  uint64_t recovered_log_bytes_ GUARDED_BY(snapshot_mutex_) = 0;  // behind the last snapshot when the store was opened
  uint64_t appended_in_job_ GUARDED_BY(snapshot_mutex_) = 0;
  // Whose manifest may or may not have reached the disk: their files stay until a later snapshot is certain.
  std::vector<uint64_t> uncertain_generations_ GUARDED_BY(snapshot_mutex_);
  bool closing_ GUARDED_BY(snapshot_mutex_) = false;
  uint32_t holds_ GUARDED_BY(snapshot_mutex_) = 0;  // backups: while there are any no snapshot and no record goes
};

}  // namespace sett::storage
