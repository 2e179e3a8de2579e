#pragma once

#include <atomic>
#include <cstdint>

#include "storage/base/mutex.h"

namespace sett::storage {

// Slows writers so that what is left of the room for memtables lasts until the flush that is due has ended, instead of
// stopping them when there is none. As long as half of the room is free nobody is slowed. For any threads; knows no
// clock but what it is told.
class WritePacer {
 public:
  // `room_bytes`: of all memtables together.
  explicit WritePacer(uint64_t room_bytes) : room_bytes_(room_bytes) {}

  // How much of the room is in use now.
  void note_used(uint64_t used_bytes, int64_t now_us) EXCLUDES(mutex_);
  // So many bytes of memtables are the next to be flushed, whether that can begin at once or not. Again before they
  // have been: there are more.
  void note_flush_due(uint64_t bytes, int64_t now_us) EXCLUDES(mutex_);
  // That has ended.
  void note_flushed(int64_t now_us) EXCLUDES(mutex_);

  bool is_slowing() const { return slowing_.load(std::memory_order_relaxed); }
  // Whether a write may go on now. False: try again in a moment (beat_ms).
  bool admit(uint64_t used_bytes, int64_t now_us) EXCLUDES(mutex_);
  // One that went on had so many bytes: others wait for them. Not for one that found no room elsewhere.
  void note_written(uint64_t bytes) EXCLUDES(mutex_);
  static constexpr int64_t beat_ms = 1;

  uint64_t bytes_per_s() const;  // of writers; UINT64_MAX: not slowed
  uint64_t slowed_writes() const { return slowed_writes_.load(std::memory_order_relaxed); }

 private:
  double pace(double left_bytes, int64_t now_us) const REQUIRES(mutex_);
  void decide(int64_t now_us) REQUIRES(mutex_);

  const uint64_t room_bytes_;
  std::atomic<bool> slowing_{false};
  std::atomic<uint64_t> slowed_writes_{0};
  mutable Mutex mutex_;
  uint64_t used_ GUARDED_BY(mutex_) = 0;
  double flush_per_us_ GUARDED_BY(mutex_) = 0;  // bytes; averaged over the last flushes; 0: there was none
  uint64_t flushing_bytes_ GUARDED_BY(mutex_) = 0;
  int64_t flush_since_us_ GUARDED_BY(mutex_) = 0;  // since then one is due; 0: none
  double per_us_ GUARDED_BY(mutex_) = 0;           // what writers may take
  double allowance_ GUARDED_BY(mutex_) = 0;        // bytes; a large write may take it below zero
  int64_t allowed_at_us_ GUARDED_BY(mutex_) = 0;
};

}  // namespace sett::storage
