#include "storage/io/io_limiter.h"

#include <algorithm>

namespace sett::storage {

namespace {
constexpr double us_per_s = 1e6;
// What flushes have booked ahead is never more than this, so that merges do not stand still for long behind them.
constexpr int64_t ahead_us_max = 2'000'000;
}  // namespace

int64_t IoLimiter::book(uint64_t bytes) {
  if (bytes_per_s_ == 0) return 0;
  const int64_t now_us = clock_.steady_us();
  const double taken_us = static_cast<double>(bytes) * us_per_s / static_cast<double>(bytes_per_s_);
  MutexLock lock(mutex_);
  free_at_us_ = std::max(free_at_us_, now_us) + static_cast<int64_t>(taken_us);
  free_at_us_ = std::min(free_at_us_, now_us + ahead_us_max);
  return free_at_us_ - now_us;
}

void IoLimiter::wait(uint64_t bytes) {
  const int64_t wait_us = book(bytes);
  if (wait_us > 0) sleep_(std::min(wait_us, slice_us));
}

}  // namespace sett::storage
