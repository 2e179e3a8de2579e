#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>

#include "storage/badger/engine.h"
#include "storage/lsm/compaction_job.h"

namespace sett::storage {

// Has tables merged as the picker says, on the background lane, as many merges at a time as compaction_threads says.
class Compactor {
 public:
  explicit Compactor(BadgerEngine& engine) : engine_(engine) {}

  void start();
  // Merges until nothing is left that the wish asks for, or a merge fails; then `done`, on any thread. One wish at a
  // time.
  void grant(MergeWish wish, std::function<void(Status)> done);
  // Something has changed: looks for something to do. From any thread.
  void check();
  bool is_idle() const;
  Status failure() const;  // of the last merge; ok: it did not fail
  struct Stats {
    uint64_t merges = 0, bytes_removed = 0, bytes_written = 0, failed = 0;
  };
  Stats stats() const;

 private:
  using PlanPtr = std::shared_ptr<const CompactionPlan>;

  void tick();
  // nullptr: nothing to do now. `granted` gets the wish's `done` if nothing is left of it.
  PlanPtr pick(std::function<void(Status)>& granted);
  void run(const PlanPtr& plan, VersionPtr version);
  void keep_to_io_limit(uint64_t bytes);
  void publish(const PlanPtr& plan, std::shared_ptr<std::vector<TableMeta>> outputs);
  void ended(const PlanPtr& plan, const Status& status);
  PickerOptions picker_options() const;

  BadgerEngine& engine_;
  mutable Mutex mutex_;
  std::set<uint64_t> busy_ GUARDED_BY(mutex_);
  uint32_t running_ GUARDED_BY(mutex_) = 0;
  uint64_t running_bytes_ GUARDED_BY(mutex_) = 0;  // that they may write
  int64_t not_before_ms_ GUARDED_BY(mutex_) = 0;   // after a failure, steady
  int64_t last_change_ms_ GUARDED_BY(mutex_) = 0;
  std::optional<MergeWish> wish_ GUARDED_BY(mutex_);
  std::function<void(Status)> wish_done_ GUARDED_BY(mutex_);  // empty: there is none
  Stats stats_ GUARDED_BY(mutex_);
  Status failure_ GUARDED_BY(mutex_);
  Random seeds_ GUARDED_BY(mutex_){0};
};

}  // namespace sett::storage
