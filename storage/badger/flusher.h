#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/badger/engine.h"
#include "storage/lsm/flush_job.h"

namespace sett::storage {

// Seals the memtable under all locks, has the sealed ones flushed on the background lane, those that wait together in
// one go, and shows what came of it to all shards under all locks again. From any thread.
class Flusher {
 public:
  explicit Flusher(BadgerEngine& engine) : engine_(engine) {}

  void start();
  // Asks for a seal, once.
  void memtable_is_full();
  // All that was committed before the call is in tables, and the manifest says when; then `done`, on any thread.
  void flush_all(std::function<void(Status)> done);
  // Of recovery, where nobody else has the store yet: seals what was replayed up to here.
  void seal_replayed(Sequence through);
  // A merge has ended: level 0 may have room again.
  void tables_changed();
  bool is_idle() const { return sealed() == 0; }
  size_t sealed() const;  // memtables that are not flushed yet
  uint64_t sealed_bytes() const { return sealed_bytes_.load(std::memory_order_relaxed); }
  uint64_t sealed_unknown() const;  // entries of theirs that do not know what they replaced
  // A flush is due, and level 0 has no room.
  bool waits_for_level0() const { return waits_for_level0_.load(std::memory_order_relaxed); }
  struct Stats {
    uint64_t flushes = 0, memtables = 0, bytes_written = 0;
  };
  Stats stats() const;
  // Why nobody should wait: the last flush has failed, or there is no room in level 0 since the last merge has.
  Status held_up_by() const;
  // The sequence up to which the manifest on disk says that all is in tables.
  Sequence flushed_through() const { return flushed_through_.load(); }
  // After a clean stop: where the log ends.
  Status note_end();
  void add_stats(StoreStats& stats) const;

 private:
  // One sealed memtable: what was true when it was sealed.
  struct Seal {
    uint64_t number = 0;
    Sequence through = 0;
    std::map<std::string, BucketId, std::less<>> buckets;
    uint64_t bucket_generation = 0;
    int64_t passed_ms = 0, judged_ms = 0;
    std::vector<std::shared_ptr<const Memtable>> parts;
    uint64_t bytes = 0;    // of memory
    uint64_t unknown = 0;  // entries
  };
  struct Waiting {
    Sequence through;
    std::function<void(Status)> done;
  };
  using SealPtr = std::shared_ptr<Seal>;
  using Seals = std::vector<SealPtr>;  // that are flushed together, the oldest first

  void tick();
  void post_seal(int64_t delay_ms = 0);
  void seal();
  SealPtr seal_parts(Sequence through);
  bool may_seal() const REQUIRES(mutex_);
  void run_next();
  Seals next_group() const REQUIRES(mutex_);
  void flush(const Seals& group);
  using IsDead = std::function<bool(BucketId)>;
  void publish(const Seals& group, const std::shared_ptr<FlushResult>& result, const IsDead& is_dead);
  // Returns what it noted of the value writer's files.
  std::vector<ValueWriter::File> note_in_manifest(const Seal& sealed, const FlushResult& result, const IsDead& is_dead,
                                                  TreeManifest& manifest);
  void show(const Seals& group, const std::shared_ptr<FlushResult>& result);
  void show_to_shards(const FlushResult& result, size_t flushed, std::vector<std::shared_ptr<const Memtable>>& freed);
  void failed(const Status& status);
  void finish_waiting(bool nothing_is_left);
  void note_snapshot(const std::shared_ptr<std::vector<Waiting>>& ready, Sequence last);
  void update_stall();

  BadgerEngine& engine_;
  std::atomic<bool> seal_posted_{false}, started_{false}, waits_for_level0_{false};
  std::atomic<Sequence> flushed_through_{0};
  std::atomic<uint64_t> sealed_bytes_{0};
  uint64_t changes_seen_ = 0;  // by the last tick; of the background lane
  int64_t quiet_since_ms_ = 0;
  mutable Mutex mutex_;
  std::deque<SealPtr> seals_ GUARDED_BY(mutex_);
  uint64_t next_seal_ GUARDED_BY(mutex_) = 1;
  bool running_ GUARDED_BY(mutex_) = false;
  Stats stats_ GUARDED_BY(mutex_);
  std::vector<Waiting> waiting_ GUARDED_BY(mutex_);
  Status last_status_ GUARDED_BY(mutex_);
  int64_t last_snapshot_ms_ GUARDED_BY(mutex_) = 0;
  uint64_t changes_at_snapshot_ GUARDED_BY(mutex_) = 0;
  bool snapshot_failed_ GUARDED_BY(mutex_) = false;
  Random seeds_ GUARDED_BY(mutex_){0};
};

}  // namespace sett::storage
