#pragma once

#include <array>
#include <cstdint>

#include "storage/base/mutex.h"

namespace sett::server {

class StoreSet;
struct Services;

// What INFO shows and no counter holds: rates, the highest memory seen, and where CONFIG RESETSTAT set the stores'
// counters back. From any thread.
class Vitals {
 public:
  // A look at all loops' counters, every sample_interval_ms (the first loop's cron); more often is ignored.
  void sample(const Services& services, int64_t steady_ms);
  // CONFIG RESETSTAT: the stores' own counters count from here.
  void reset(const StoreSet& stores);

  struct Rates {
    double commands_per_s = 0, input_bytes_per_s = 0, output_bytes_per_s = 0;
  };
  // Over the last samples_kept samples, about 1.6 s; all 0 when they are older than 2 s or there are none.
  Rates rates(int64_t steady_ms) const;
  // Notes the memory in use now; returns the highest noted so far.
  uint64_t note_memory(uint64_t used_bytes);
  uint64_t expired_keys_before_reset() const;

  static constexpr int64_t sample_interval_ms = 100;
  static constexpr size_t samples_kept = 16;

 private:
  struct Sample {
    int64_t steady_ms = 0;
    uint64_t commands = 0, input_bytes = 0, output_bytes = 0;
  };
  mutable storage::Mutex mutex_;
  std::array<Sample, samples_kept> samples_ GUARDED_BY(mutex_);
  uint64_t taken_ GUARDED_BY(mutex_) = 0;
  uint64_t memory_peak_ GUARDED_BY(mutex_) = 0;
  int64_t memory_noted_ms_ GUARDED_BY(mutex_) = 0;
  uint64_t expired_keys_before_reset_ GUARDED_BY(mutex_) = 0;
};

}  // namespace sett::server
