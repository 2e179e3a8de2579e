#include "server/info/vitals.h"

#include <algorithm>

#include "server/event_loop.h"
#include "server/process_memory.h"
#include "server/services.h"

namespace sett::server {

namespace {
constexpr int64_t memory_interval_ms = 1000;
constexpr int64_t stale_after_ms = 2000;

uint64_t expired_keys(const StoreSet& stores) {
  uint64_t keys = 0;
  if (stores.ready())
    for (const auto& store : stores.stores()) keys += store->stats().expired_keys;
  return keys;
}
}  // namespace

void Vitals::sample(const Services& services, int64_t steady_ms) {
  Sample now{.steady_ms = steady_ms};
  for (const auto& loop : services.loops) {
    now.commands += loop->statistics().commands.get();
    now.input_bytes += loop->statistics().input_bytes.get();
    now.output_bytes += loop->statistics().output_bytes.get();
  }
  bool memory_is_due = false;
  {
    storage::MutexLock guard(mutex_);
    if (taken_ > 0 && steady_ms - samples_[(taken_ - 1) % samples_kept].steady_ms < sample_interval_ms) return;
    samples_[taken_++ % samples_kept] = now;
    memory_is_due = memory_noted_ms_ == 0 || steady_ms - memory_noted_ms_ >= memory_interval_ms;
    if (memory_is_due) memory_noted_ms_ = steady_ms;
  }
  if (memory_is_due) note_memory(read_process_memory().anonymous);
}

void Vitals::reset(const StoreSet& stores) {
  const uint64_t expired = expired_keys(stores);
  storage::MutexLock guard(mutex_);
  taken_ = 0;
  expired_keys_before_reset_ = expired;
}

Vitals::Rates Vitals::rates(int64_t steady_ms) const {
  storage::MutexLock guard(mutex_);
  if (taken_ < 2) return {};
  const Sample& last = samples_[(taken_ - 1) % samples_kept];
  const Sample& first = samples_[taken_ <= samples_kept ? 0 : taken_ % samples_kept];
  // Counters that were set back in between would make a rate of nothing.
  if (steady_ms - last.steady_ms > stale_after_ms || last.commands < first.commands ||
      last.input_bytes < first.input_bytes || last.output_bytes < first.output_bytes)
    return {};
  const double seconds = static_cast<double>(std::max<int64_t>(1, last.steady_ms - first.steady_ms)) / 1000;
  return {.commands_per_s = static_cast<double>(last.commands - first.commands) / seconds,
          .input_bytes_per_s = static_cast<double>(last.input_bytes - first.input_bytes) / seconds,
          .output_bytes_per_s = static_cast<double>(last.output_bytes - first.output_bytes) / seconds};
}

uint64_t Vitals::note_memory(uint64_t used_bytes) {
  storage::MutexLock guard(mutex_);
  memory_peak_ = std::max(memory_peak_, used_bytes);
  return memory_peak_;
}

uint64_t Vitals::expired_keys_before_reset() const {
  storage::MutexLock guard(mutex_);
  return expired_keys_before_reset_;
}

}  // namespace sett::server
