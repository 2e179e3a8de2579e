#include "storage/shard_lock.h"

#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

using namespace sett::storage;

namespace {

// Locks change hands here in ways that the analysis cannot follow.
void let_go(ShardLock& lock, ShardIndex self) NO_THREAD_SAFETY_ANALYSIS {
  lock.unlock(self);
}

class Recorder final : public LockWaiter {
 public:
  void lock_ready(ShardIndex shard, bool owned) override { calls.emplace_back(shard, owned); }
  std::vector<std::pair<ShardIndex, bool>> calls;
};

// What an event loop is to its commands: somebody who sleeps until told.
class Sleeper final : public LockWaiter {
 public:
  void lock_ready(ShardIndex, bool owned) override {
    const std::lock_guard guard(mutex_);
    ready_ = true;
    owned_ = owned;
    changed_.notify_one();
  }
  bool sleep() {
    std::unique_lock guard(mutex_);
    changed_.wait(guard, [&] { return ready_; });
    ready_ = false;
    return owned_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ready_ = false, owned_ = false;
};

using Calls = std::vector<std::pair<ShardIndex, bool>>;

}  // namespace

TEST_CASE("shard lock: tried, missed, handed over in turn", "[shard_lock]") {
  ShardLock lock;
  Recorder first, second, third;
  REQUIRE(lock.try_lock());
  REQUIRE_FALSE(lock.try_lock());
  lock.wait(5, first, false);
  lock.wait(5, second, true);
  lock.wait(5, third, true);
  REQUIRE(first.calls.empty());
  let_go(lock, 5);
  // The one in front is told to try again, the first that keeps has it: nobody can overtake that one.
  REQUIRE(first.calls == Calls{{5, false}});
  REQUIRE(second.calls == Calls{{5, true}});
  REQUIRE(third.calls.empty());
  REQUIRE_FALSE(lock.try_lock());
  lock.wait(5, first, false);
  let_go(lock, 5);
  REQUIRE(third.calls == Calls{{5, true}});
  REQUIRE(first.calls.size() == 1);
  let_go(lock, 5);
  REQUIRE(first.calls == Calls{{5, false}, {5, false}});
  REQUIRE(lock.try_lock());
  let_go(lock, 5);
}

TEST_CASE("shard lock: nobody stays in line for a lock that is free", "[shard_lock]") {
  ShardLock lock;
  Recorder a, b, c;
  REQUIRE(lock.try_lock());
  for (Recorder* waiter : {&a, &b, &c}) lock.wait(1, *waiter, false);
  let_go(lock, 1);
  for (const Recorder* waiter : {&a, &b, &c}) REQUIRE(waiter->calls == Calls{{1, false}});
  // Free: who waits is called back from inside.
  lock.wait(1, a, false);
  REQUIRE(a.calls.size() == 2);
  REQUIRE(lock.try_lock());
  let_go(lock, 1);
  lock.wait(1, b, true);
  REQUIRE(b.calls.back() == std::pair<ShardIndex, bool>{1, true});
  REQUIRE_FALSE(lock.try_lock());
  let_go(lock, 1);
}

TEST_CASE("shard lock: threads that try, wait and keep exclude each other, and all get on", "[shard_lock][threads]") {
  constexpr int threads = 4, rounds = 20'000;
  ShardLock lock;
  uint64_t guarded = 0;
  std::atomic<int> inside{0};
  std::atomic<uint64_t> handed_over{0};
  std::atomic<bool> overlapped{false};
  std::vector<std::thread> running;
  for (int id = 0; id < threads; ++id) {
    running.emplace_back([&] {
      Sleeper waiter;
      for (int round = 0; round < rounds; ++round) {
        bool owned = lock.try_lock();
        for (int misses = 0; !owned; ++misses) {
          lock.wait(0, waiter, misses >= 2);
          owned = waiter.sleep();
          handed_over += owned;
          if (!owned) owned = lock.try_lock();
        }
        if (inside.fetch_add(1) != 0) overlapped = true;
        ++guarded;
        if (round % 64 == 0) std::this_thread::yield();
        inside.fetch_sub(1);
        let_go(lock, 0);
      }
    });
  }
  for (auto& thread : running) thread.join();
  REQUIRE_FALSE(overlapped);
  REQUIRE(guarded == uint64_t{threads} * rounds);
  REQUIRE(lock.try_lock());
  let_go(lock, 0);
}
