#pragma once

#include <atomic>
#include <cassert>
#include <cstdint>
#include <deque>

#include "storage/base/mutex.h"
#include "storage/store.h"

namespace sett::storage {

// A lock that nobody blocks a thread for: it is tried, and whoever misses it queues a waiter and does something else.
// The fast paths are one atomic exchange each. On unlock the lock goes to the first in line that keeps (so a newcomer
// cannot overtake that one), and all before it, or all, are told to try again: nobody stays in line for a lock that is
// free.
class CAPABILITY("shard lock") ShardLock {
 public:
  bool try_lock() TRY_ACQUIRE(true);       // after a short spin
  bool try_once() TRY_ACQUIRE(true);       // at once, or not
  void unlock(ShardIndex self) RELEASE();  // `self` is told to the waiter
  // See Store::wait_for_lock. A waiter that finds the lock free is called back at once, from inside.
  void wait(ShardIndex self, LockWaiter& waiter, bool keep);
  void assert_held() const ASSERT_CAPABILITY(this) { assert(word_.load(std::memory_order_relaxed) & locked); }

 private:
  static constexpr uint32_t locked = 1, has_waiters = 2;  // has_waiters: only together with locked
  static constexpr int spins_max = 40;
  struct Waiting {
    LockWaiter* waiter;
    bool keep;
  };
  std::atomic<uint32_t> word_{0};
  Mutex queue_mutex_;
  std::deque<Waiting> queue_ GUARDED_BY(queue_mutex_);
};

}  // namespace sett::storage
