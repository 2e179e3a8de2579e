#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/store.h"

namespace sett::storage {

// What the reaper needs of a store. Called on the foreground lane; each call takes a shard's lock and lets go of it.
class ExpiryTarget {
 public:
  virtual ~ExpiryTarget() = default;
  virtual ShardIndex shard_count() const = 0;
  virtual Journal& journal() = 0;
  // No later run of the shard judges by an earlier time; `next_due_ms`: nothing in it is due before. False: the lock is
  // taken.
  virtual bool raise_floor(ShardIndex shard, int64_t pass_ms, int64_t& next_due_ms) = 0;
  enum class Removal : uint8_t { done, more, lock_missed };
  // Removes what is due in the shard, at most `left` entries, which it counts down.
  virtual Removal remove_due(ShardIndex shard, int64_t pass_ms, Sequence pass, uint32_t& left) = 0;
};

// Removes what has expired, within 50 ms of its time. A pass to time t: raise every shard's floor of `now` to t, one
// lock at a time, so that no later run can see as live what is due by t; log one record (t); then remove, a bounded
// step at a time. No record for each key. Runs on the foreground lane, one step at a time; a shard whose lock is taken
// is come back to.
class ExpiryReaper : public std::enable_shared_from_this<ExpiryReaper> {
 public:
  static constexpr int64_t interval_ms = 10;
  static constexpr int64_t retry_ms = 1;
  static constexpr uint32_t removals_per_step = 200;  // well below 100 us under one lock

  // All must outlive the reaper, or rather its last step: see stop().
  ExpiryReaper(ExpiryTarget& target, Executor& executor, Clock& clock)
      : target_(&target), executor_(&executor), clock_(&clock) {}
  void start() { schedule(interval_ms); }
  // No step begins afterwards; waits for none. Only from the lane that steps run on, or when that lane stands still.
  void stop() { stopped_.store(true); }

  uint64_t expired_keys() const { return expired_keys_.load(std::memory_order_relaxed); }
  // Of the last pass that is, or is about to be, in the log: what was due by then is never seen alive again.
  int64_t judged_ms() const { return judged_ms_.load(std::memory_order_acquire); }
  int64_t lag_ms() const { return lag_ms_.load(std::memory_order_relaxed); }

 private:
  enum class Phase : uint8_t { raise, log, remove };
  void schedule(int64_t delay_ms);
  void step();
  bool raise_floors();  // false: a lock was missed
  bool log_pass();      // false: no room in the log now
  bool remove_some();   // true: the pass is done

  ExpiryTarget* target_;
  Executor* executor_;
  Clock* clock_;
  std::atomic<bool> stopped_{false};
  // The rest belongs to the step that runs; there is never more than one.
  Phase phase_ = Phase::raise;
  int64_t pass_ms_ = 0;
  bool any_due_ = false;
  uint32_t shard_ = 0;
  bool missed_lock_ = false;
  Sequence pass_sequence_ = 0;
  std::atomic<uint64_t> expired_keys_{0};
  std::atomic<int64_t> lag_ms_{0};
  std::atomic<int64_t> judged_ms_{INT64_MIN};
};

}  // namespace sett::storage
