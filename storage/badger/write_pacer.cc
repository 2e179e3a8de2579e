#include "storage/badger/write_pacer.h"

#include <algorithm>

namespace sett::storage {

namespace {
constexpr double us_per_s = 1e6;
constexpr double newest_share = 0.3;         // of the last flush in the average
constexpr double bytes_per_us_min = 0.25;    // 256 KB/s: a trickle, so that nobody waits for good
constexpr double bytes_per_us_unknown = 16;  // before the first flush has ended
constexpr int64_t allowance_us = 6000;       // what was not taken is kept for so long
constexpr int64_t step_us = 2000;            // see admit()
}  // namespace

// As long as a flush is due: what is left of the room is to last until it ends. It takes as long as the last ones did;
// near that end, and where it is late, it is taken for half as long as so far, so that there is always something left.
double WritePacer::pace(double left_bytes, int64_t now_us) const {
  constexpr double half = 0.5;
  const double drained = flush_per_us_ == 0 ? bytes_per_us_unknown : flush_per_us_;
  if (flush_since_us_ == 0) return drained * left_bytes / (static_cast<double>(room_bytes_) * half);
  const double wanted_us = static_cast<double>(flushing_bytes_) / drained;
  const auto passed_us = static_cast<double>(std::max<int64_t>(now_us - flush_since_us_, 0));
  const double left_us = std::max({wanted_us - passed_us, half * std::max(wanted_us, passed_us), 1.0});
  return left_bytes / left_us;
}

void WritePacer::decide(int64_t now_us) {
  const double half = static_cast<double>(room_bytes_) / 2;
  const double left = static_cast<double>(room_bytes_) - static_cast<double>(std::min(used_, room_bytes_));
  const bool slows = left < half;
  if (slows) {
    per_us_ = std::max(bytes_per_us_min, pace(left, now_us));
    if (!slowing_.load(std::memory_order_relaxed)) {
      allowance_ = 0;
      allowed_at_us_ = now_us;
    }
  }
  slowing_.store(slows, std::memory_order_relaxed);
}

void WritePacer::note_used(uint64_t used_bytes, int64_t now_us) {
  MutexLock lock(mutex_);
  used_ = used_bytes;
  decide(now_us);
}

void WritePacer::note_flush_due(uint64_t bytes, int64_t now_us) {
  MutexLock lock(mutex_);
  flushing_bytes_ = bytes;
  if (flush_since_us_ == 0) flush_since_us_ = now_us;
}

void WritePacer::note_flushed(int64_t now_us) {
  MutexLock lock(mutex_);
  if (flush_since_us_ != 0 && now_us > flush_since_us_) {
    const double rate = static_cast<double>(flushing_bytes_) / static_cast<double>(now_us - flush_since_us_);
    flush_per_us_ = flush_per_us_ == 0 ? rate : flush_per_us_ + newest_share * (rate - flush_per_us_);
  }
  flush_since_us_ = 0;
  decide(now_us);
}

bool WritePacer::admit(uint64_t used_bytes, int64_t now_us) {
  if (!is_slowing()) return true;
  MutexLock lock(mutex_);
  used_ = used_bytes;
  decide(now_us);
  // In steps: were it let grow all the time, each would be let through alone, with a write to the log of its own.
  if (const int64_t passed_us = now_us - allowed_at_us_; passed_us >= step_us) {
    const auto most = static_cast<double>(allowance_us);
    allowance_ = std::min(allowance_ + std::min(static_cast<double>(passed_us), most) * per_us_, most * per_us_);
    allowed_at_us_ = now_us;
  }
  if (allowance_ >= 0) return true;
  slowed_writes_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

void WritePacer::note_written(uint64_t bytes) {
  if (!is_slowing()) return;
  MutexLock lock(mutex_);
  allowance_ -= static_cast<double>(bytes);
}

uint64_t WritePacer::bytes_per_s() const {
  if (!is_slowing()) return UINT64_MAX;
  MutexLock lock(mutex_);
  return static_cast<uint64_t>(per_us_ * us_per_s);
}

}  // namespace sett::storage
