#pragma once

#include <cstdint>
#include <functional>

#include "storage/base/clock.h"
#include "storage/base/mutex.h"

namespace sett::storage {

// Spreads what background work moves to and from the disk over time: at most so many bytes a second. For any threads.
class IoLimiter {
 public:
  // `sleep`: makes the calling thread wait so many microseconds; it is a background thread, which waits for disks
  // anyway. 0 bytes a second: no limit.
  IoLimiter(uint64_t bytes_per_s, Clock& clock, std::function<void(int64_t us)> sleep)
      : bytes_per_s_(bytes_per_s), clock_(clock), sleep_(std::move(sleep)) {}

  // What cannot wait, since clients would: it is counted, and others wait the longer.
  void charge(uint64_t bytes) EXCLUDES(mutex_) { book(bytes); }
  // Waits until these bytes are within the limit, but no longer than `slice_us`, so that a caller who wants to stop is
  // back soon: at the lowest limit in use (1 MB a second) that is enough for 64 KB, in which callers go on.
  void wait(uint64_t bytes) EXCLUDES(mutex_);
  static constexpr int64_t slice_us = 100'000;

 private:
  int64_t book(uint64_t bytes) EXCLUDES(mutex_);  // returns how long to wait, in microseconds

  const uint64_t bytes_per_s_;
  Clock& clock_;
  const std::function<void(int64_t us)> sleep_;
  Mutex mutex_;
  int64_t free_at_us_ GUARDED_BY(mutex_) = 0;  // then all that was booked is within the limit
};

}  // namespace sett::storage
