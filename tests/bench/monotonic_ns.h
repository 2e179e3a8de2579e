#pragma once
// The clock of all measurements.

#include <chrono>
#include <cstdint>

namespace sett::bench {

inline uint64_t monotonic_ns() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since).count());
}

}  // namespace sett::bench
