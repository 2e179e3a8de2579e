#include "storage/shard_lock.h"

#include <vector>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sett::storage {

namespace {
void relax() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}
}  // namespace

// The analysis cannot see that the atomic word is the capability.
bool ShardLock::try_once() NO_THREAD_SAFETY_ANALYSIS {
  uint32_t word = 0;
  return word_.load(std::memory_order_relaxed) == 0 &&
         word_.compare_exchange_strong(word, locked, std::memory_order_acquire, std::memory_order_relaxed);
}

bool ShardLock::try_lock() NO_THREAD_SAFETY_ANALYSIS {
  for (int spin = 0; spin < spins_max; ++spin) {
    if (try_once()) return true;
    relax();
  }
  return false;
}

void ShardLock::unlock(ShardIndex self) NO_THREAD_SAFETY_ANALYSIS {
  uint32_t word = locked;
  if (word_.compare_exchange_strong(word, 0, std::memory_order_release, std::memory_order_relaxed)) return;
  std::vector<Waiting> told;
  {
    MutexLock guard(queue_mutex_);
    assert(!queue_.empty());
    bool handed_over = false;
    while (!queue_.empty() && !handed_over) {
      told.push_back(queue_.front());
      handed_over = queue_.front().keep;
      queue_.pop_front();
    }
    word_.store((handed_over ? locked : 0) | (queue_.empty() ? 0 : has_waiters), std::memory_order_release);
  }
  for (const Waiting& next : told) next.waiter->lock_ready(self, next.keep);
}

void ShardLock::wait(ShardIndex self, LockWaiter& waiter, bool keep) {
  bool owned = false;
  {
    MutexLock guard(queue_mutex_);
    uint32_t word = word_.load(std::memory_order_relaxed);
    while (true) {
      if (word & locked) {
        // Whoever holds it will find the flag when letting go, and take the mutex that we hold.
        if (!word_.compare_exchange_weak(word, word | has_waiters, std::memory_order_relaxed)) continue;
        queue_.push_back({&waiter, keep});
        return;
      }
      if (!keep) break;
      if (word_.compare_exchange_weak(word, word | locked, std::memory_order_acquire, std::memory_order_relaxed)) {
        owned = true;
        break;
      }
    }
  }
  waiter.lock_ready(self, owned);
}

}  // namespace sett::storage
