#pragma once

#include <atomic>

#include "storage/base/clock.h"

namespace sett::storage {

// A clock that stands still until it is told to move.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(int64_t wall_ms = 1'700'000'000'000) : wall_us_(wall_ms * 1000) {}
  int64_t wall_ms() override { return wall_us_.load() / 1000; }
  int64_t steady_us() override { return steady_us_.load(); }

  // Time passes, on both clocks.
  void advance_us(int64_t us) {
    wall_us_ += us;
    steady_us_ += us;
  }
  void advance_ms(int64_t ms) { advance_us(ms * 1000); }
  // Somebody sets the wall clock: forward or back, the steady clock does not notice.
  void jump_wall_ms(int64_t ms) { wall_us_ += ms * 1000; }

 private:
  std::atomic<int64_t> wall_us_;
  std::atomic<int64_t> steady_us_{1'000'000'000};
};

}  // namespace sett::storage
