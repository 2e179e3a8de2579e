#include "server/offline_executor.h"

#include <chrono>
#include <thread>
#include <utility>

namespace sett::server {

using storage::MutexLock;

OfflineExecutor::OfflineExecutor(unsigned background_threads, unsigned read_threads)
    : threads_(background_threads, read_threads, [this](storage::Executor::Task task) {
        MutexLock lock(mutex_);
        tasks_.push_back(std::move(task));
      }) {}

OfflineExecutor::Tasks OfflineExecutor::take_tasks() {
  MutexLock lock(mutex_);
  return std::exchange(tasks_, {});
}

void OfflineExecutor::pause() {
  const Tasks tasks = take_tasks();
  for (const storage::Executor::Task& task : tasks) task();
  if (tasks.empty()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

void OfflineExecutor::stop() {
  threads_.stop();
  take_tasks();
}

}  // namespace sett::server
