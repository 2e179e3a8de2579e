#pragma once

#include <chrono>
#include <cstdint>

namespace sett::storage {

// Time is injected. Expiry is judged on the wall clock (absolute milliseconds, as on disk); everything that measures a
// duration uses the steady clock. Implementations are safe to call from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t wall_ms() = 0;    // since the Unix epoch; may jump
  virtual int64_t steady_us() = 0;  // never goes back; the origin means nothing
  int64_t steady_ms() { return steady_us() / 1000; }
};

class SystemClock final : public Clock {
 public:
  int64_t wall_ms() override {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  }
  int64_t steady_us() override {
    using namespace std::chrono;
    return duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count();
  }
};

}  // namespace sett::storage
