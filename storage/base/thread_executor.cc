#include "storage/base/thread_executor.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>
#include <atomic>
#include <memory>

#include <cassert>
#include <chrono>

namespace sett::storage {

namespace {

constexpr int background_nice = 10;

int64_t steady_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace

ThreadExecutor::ThreadExecutor(unsigned background_threads, unsigned read_threads, ForegroundSink foreground)
    : foreground_(std::move(foreground)) {
  assert(background_threads >= 1 && read_threads >= 1);
  threads_.reserve(background_threads + read_threads + 2);
  threads_.emplace_back([this] { run_log_lane(); });
  threads_.emplace_back([this] { run_timers(); });
  for (unsigned i = 0; i < read_threads; ++i) threads_.emplace_back([this] { run_read_lane(); });
  for (unsigned i = 0; i < background_threads; ++i) threads_.emplace_back([this] { run_background(); });
}

ThreadExecutor::~ThreadExecutor() {
  stop();
}

void ThreadExecutor::post(Lane lane, Task task) {
  {
    MutexLock lock(mutex_);
    if (stopping_) return;
    if (lane == Lane::log) log_.push_back(std::move(task));
    if (lane == Lane::read) read_.push_back(std::move(task));
    if (lane == Lane::background) background_.push_back(std::move(task));
  }
  switch (lane) {
    case Lane::log:
      log_ready_.notify_one();
      break;
    case Lane::read:
      read_ready_.notify_one();
      break;
    case Lane::background:
      background_ready_.notify_one();
      break;
    case Lane::foreground:
      foreground_(std::move(task));
      break;
  }
}

Executor::TimerId ThreadExecutor::post_after(Lane lane, int64_t delay_ms, Task task) {
  const int64_t due_us = steady_us() + delay_ms * 1000;
  TimerId id = 0;
  {
    MutexLock lock(mutex_);
    if (stopping_) return 0;
    id = ++last_timer_;
    timers_.emplace(Due{due_us, id}, Timer{lane, std::move(task)});
    due_of_.emplace(id, due_us);
  }
  timers_changed_.notify_one();
  return id;
}

void ThreadExecutor::cancel(TimerId timer) {
  Task dropped;  // destroyed after the lock: what it holds may call back
  MutexLock lock(mutex_);
  const auto due = due_of_.find(timer);
  if (due == due_of_.end()) return;
  const auto found = timers_.find(Due{due->second, timer});
  dropped = std::move(found->second.task);
  timers_.erase(found);
  due_of_.erase(due);
}

void ThreadExecutor::run_log_lane() {
  ::pthread_setname_np(::pthread_self(), "sett-log");
  while (true) {
    Task task;
    {
      MutexLock lock(mutex_);
      while (log_.empty() && !stopping_) log_ready_.wait(mutex_);
      if (log_.empty()) return;
      task = std::move(log_.front());
      log_.pop_front();
    }
    task();
  }
}

void ThreadExecutor::run_background() NO_THREAD_SAFETY_ANALYSIS {  // the queue goes by reference, see run_queue
  ::pthread_setname_np(::pthread_self(), "sett-background");
  // On Linux a nice value belongs to the thread. Best effort: without it background work is only less polite.
  [[maybe_unused]] const int ignored = ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), background_nice);
  run_queue(background_, background_ready_);
}

void ThreadExecutor::run_read_lane() NO_THREAD_SAFETY_ANALYSIS {  // likewise
  ::pthread_setname_np(::pthread_self(), "sett-read");
  run_queue(read_, read_ready_);
}

// Until stop(). The queue is guarded by the mutex, which the analysis does not see through the reference.
void ThreadExecutor::run_queue(std::deque<Task>& queue, std::condition_variable_any& ready) {
  while (true) {
    Task task;
    {
      MutexLock lock(mutex_);
      while (queue.empty() && !stopping_) ready.wait(mutex_);
      if (stopping_) return;
      task = std::move(queue.front());
      queue.pop_front();
    }
    task();
  }
}

void ThreadExecutor::run_timers() {
  ::pthread_setname_np(::pthread_self(), "sett-timers");
  while (true) {
    Timer timer;
    {
      MutexLock lock(mutex_);
      while (true) {
        if (stopping_) return;
        if (timers_.empty()) {
          timers_changed_.wait(mutex_);
          continue;
        }
        const int64_t wait_us = timers_.begin()->first.first - steady_us();
        if (wait_us <= 0) break;
        timers_changed_.wait_for(mutex_, std::chrono::microseconds(wait_us));
      }
      const auto first = timers_.begin();
      timer = std::move(first->second);
      due_of_.erase(first->first.second);
      timers_.erase(first);
    }
    post(timer.lane, std::move(timer.task));
  }
}

namespace {
// Tasks that several threads take from. Outlives the call for helpers that come too late to find any.
struct SharedTasks {
  std::vector<Executor::Task> tasks;
  std::atomic<size_t> next{0};
  Mutex mutex;
  std::condition_variable_any all_done;
  size_t done GUARDED_BY(mutex) = 0;

  void work() {
    for (size_t i = next.fetch_add(1); i < tasks.size(); i = next.fetch_add(1)) {
      tasks[i]();
      MutexLock guard(mutex);
      if (++done == tasks.size()) all_done.notify_all();
    }
  }
};
}  // namespace

void ThreadExecutor::run_all(std::vector<Task> tasks) {
  const auto shared = std::make_shared<SharedTasks>();
  shared->tasks = std::move(tasks);
  const size_t helpers = std::min<size_t>(threads_.size(), shared->tasks.size());
  for (size_t i = 0; i < helpers; ++i) post(Lane::background, [shared] { shared->work(); });
  shared->work();
  MutexLock guard(shared->mutex);
  while (shared->done < shared->tasks.size()) shared->all_done.wait(shared->mutex);
}

void ThreadExecutor::stop() {
  if (threads_.empty()) return;
  std::deque<Task> dropped_tasks, dropped_reads;
  std::map<Due, Timer> dropped_timers;
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    dropped_tasks.swap(background_);
    dropped_reads.swap(read_);
    dropped_timers.swap(timers_);
    due_of_.clear();
  }
  log_ready_.notify_all();
  read_ready_.notify_all();
  background_ready_.notify_all();
  timers_changed_.notify_all();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace sett::storage
