#pragma once

#include <cstdint>

#include "storage/base/clock.h"
#include "storage/base/mutex.h"

namespace sett::storage {

// Spreads what background work moves to and from the disk over time: at most so many bytes a second. Says how long to
// wait, and does not wait itself. For any threads.
class IoLimiter {
 public:
  // 0 bytes a second: no limit.
  IoLimiter(uint64_t bytes_per_s, Clock& clock) : bytes_per_s_(bytes_per_s), clock_(clock) {}

  // Counts the bytes. Returns after how many microseconds they are within the limit; who cannot wait, since clients
  // would, does not, and others wait the longer.
  int64_t take(uint64_t bytes) EXCLUDES(mutex_);
  // However much was taken without waiting, the next is not told to wait for longer than this beyond its own bytes.
  static constexpr int64_t debt_us_max = 2'000'000;

 private:
  const uint64_t bytes_per_s_;
  Clock& clock_;
  Mutex mutex_;
  int64_t free_at_us_ GUARDED_BY(mutex_) = 0;  // then all that was taken is within the limit
};

}  // namespace sett::storage
