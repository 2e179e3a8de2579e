#pragma once

#include <cstdint>
#include <functional>
#include <vector>

namespace sett::storage {

// Where engine code runs that no client waits for. The daemon gives threads, tests one seeded scheduler over a manual
// clock; engine code itself creates no thread, never sleeps and never waits on a condition.
class Executor {
 public:
  using Task = std::function<void()>;
  using TimerId = uint64_t;  // 0 is never a timer

  enum class Lane : uint8_t {
    log,         // one at a time, in order: writes and syncs of the logs
    foreground,  // on an event loop: short steps (<= 100 us) that take a shard lock
    read,        // several at a time: what clients wait for, reads from the disk; never holds a shard lock
    background,  // several at a time, low priority: files, loading, freeing; never holds a shard lock
  };

  virtual ~Executor() = default;

  // Runs `task` soon, never inside this call. From any thread. After stop() began the task is dropped unrun.
  virtual void post(Lane lane, Task task) = 0;
  // The same, no earlier than `delay_ms` from now on the steady clock.
  virtual TimerId post_after(Lane lane, int64_t delay_ms, Task task) = 0;
  // Runs all of them, in any order, some at the same time where there are threads for it; returns when the last is
  // done. For start-up, where the caller has nothing else to do: not from a loop and not from a task.
  virtual void run_all(std::vector<Task> tasks) {
    for (Task& task : tasks) task();
  }
  // Best effort: a timer that is already running or done is left alone.
  virtual void cancel(TimerId timer) = 0;
};

}  // namespace sett::storage
