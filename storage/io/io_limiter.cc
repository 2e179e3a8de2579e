#include "storage/io/io_limiter.h"

#include <algorithm>

namespace sett::storage {

int64_t IoLimiter::take(uint64_t bytes) {
  if (bytes_per_s_ == 0) return 0;
  constexpr double us_per_s = 1e6;
  const int64_t now_us = clock_.steady_us();
  const auto own_us = static_cast<int64_t>(static_cast<double>(bytes) * us_per_s / static_cast<double>(bytes_per_s_));
  MutexLock lock(mutex_);
  free_at_us_ = std::clamp(free_at_us_, now_us, now_us + debt_us_max) + own_us;
  return free_at_us_ - now_us;
}

}  // namespace sett::storage
