#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace sett::storage {

// How far a start-up has come, by the bytes that it reads. From any thread.
class LoadProgress {
 public:
  // Between 0 and 1 into `shown`, which may be null; `expected_bytes` may be more than there turns out to be.
  LoadProgress(std::atomic<double>* shown, uint64_t expected_bytes) : shown_(shown), expected_bytes_(expected_bytes) {}

  void add(uint64_t bytes) {
    const uint64_t read = read_bytes_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    if (shown_ && expected_bytes_ > 0)
      shown_->store(std::min(1.0, static_cast<double>(read) / static_cast<double>(expected_bytes_)));
  }
  void finish() {
    if (shown_) shown_->store(1.0);
  }

 private:
  std::atomic<double>* const shown_;
  const uint64_t expected_bytes_;
  std::atomic<uint64_t> read_bytes_{0};
};

}  // namespace sett::storage
