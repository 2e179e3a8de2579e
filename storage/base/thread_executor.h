#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <thread>
#include <utility>
#include <vector>

#include "storage/base/executor.h"
#include "storage/base/mutex.h"

namespace sett::storage {

// The daemon's executor: one thread for the log lane, some for the read lane, some for the background lane (at nice
// 10), one that waits for timers. The foreground lane is not ours: its tasks go to the sink, which hands them to an
// event loop.
class ThreadExecutor final : public Executor {
 public:
  // Takes a task from any thread, without running it inside the call; not called after stop() returned.
  using ForegroundSink = std::function<void(Task)>;

  // background_threads and read_threads >= 1.
  ThreadExecutor(unsigned background_threads, unsigned read_threads, ForegroundSink foreground);
  ~ThreadExecutor() override;
  ThreadExecutor(const ThreadExecutor&) = delete;
  ThreadExecutor& operator=(const ThreadExecutor&) = delete;

  void post(Lane lane, Task task) override;
  TimerId post_after(Lane lane, int64_t delay_ms, Task task) override;
  void cancel(TimerId timer) override;
  // The caller takes part, beside the background threads that are free.
  void run_all(std::vector<Task> tasks) override;

  // What is queued on the log lane still runs; background tasks that have not begun, timers and everything posted from
  // now on are dropped. Returns when all threads have ended. Not from a task. A second call does nothing.
  void stop();

 private:
  struct Timer {
    Lane lane = Lane::background;
    Task task;
  };
  using Due = std::pair<int64_t, TimerId>;  // steady microseconds, then the order of posting

  void run_log_lane();
  void run_read_lane();
  void run_background();
  void run_queue(std::deque<Task>& queue, std::condition_variable_any& ready);
  void run_timers();

  const ForegroundSink foreground_;

  Mutex mutex_;
  // With the annotated mutex itself, which condition_variable_any can wait on.
  std::condition_variable_any log_ready_, read_ready_, background_ready_, timers_changed_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  std::deque<Task> log_ GUARDED_BY(mutex_);
  std::deque<Task> read_ GUARDED_BY(mutex_);
  std::deque<Task> background_ GUARDED_BY(mutex_);
  std::map<Due, Timer> timers_ GUARDED_BY(mutex_);
  std::map<TimerId, int64_t> due_of_ GUARDED_BY(mutex_);
  TimerId last_timer_ GUARDED_BY(mutex_) = 0;

  std::vector<std::thread> threads_;  // touched by the constructor and stop() only
};

}  // namespace sett::storage
