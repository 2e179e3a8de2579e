#pragma once

#include <deque>

#include "storage/base/mutex.h"
#include "storage/base/thread_executor.h"

namespace sett::server {

// For a store that is opened by one thread without event loops: that thread runs the foreground lane, whenever it
// pauses. The store is closed after stop(), and gone before this is.
class OfflineExecutor {
 public:
  OfflineExecutor(unsigned background_threads, unsigned read_threads);

  storage::Executor& executor() { return threads_; }
  void pause();  // runs what the foreground lane has; where it has nothing, waits about a millisecond
  void stop();   // the threads end, and what they and the foreground lane had to do is dropped

 private:
  using Tasks = std::deque<storage::Executor::Task>;
  Tasks take_tasks();

  storage::Mutex mutex_;
  Tasks tasks_ GUARDED_BY(mutex_);
  storage::ThreadExecutor threads_;
};

}  // namespace sett::server
