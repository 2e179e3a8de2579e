#include "tests/support/seeded_executor.h"

#include <algorithm>

namespace sett::storage {

void SeededExecutor::post(Lane lane, Task task) {
  if (lane == Lane::log) {
    log_.push_back(std::move(task));
  } else {
    others_.push_back(std::move(task));
  }
}

Executor::TimerId SeededExecutor::post_after(Lane lane, int64_t delay_ms, Task task) {
  const TimerId id = ++last_timer_;
  timers_.emplace(Due{clock_.steady_us() + delay_ms * 1000, id}, Timer{lane, std::move(task)});
  return id;
}

void SeededExecutor::cancel(TimerId timer) {
  const auto found =
      std::find_if(timers_.begin(), timers_.end(), [&](const auto& entry) { return entry.first.second == timer; });
  if (found != timers_.end()) timers_.erase(found);
}

void SeededExecutor::ripen() {
  while (!timers_.empty() && timers_.begin()->first.first <= clock_.steady_us()) {
    auto timer = std::move(timers_.begin()->second);
    timers_.erase(timers_.begin());
    post(timer.lane, std::move(timer.task));
  }
}

bool SeededExecutor::run_one() {
  ripen();
  const uint64_t choices = others_.size() + (log_.empty() ? 0 : 1);
  if (choices == 0) return false;
  const uint64_t choice = random_.below(choices);
  Task task;
  if (choice < others_.size()) {
    task = std::move(others_[choice]);
    others_.erase(others_.begin() + static_cast<std::ptrdiff_t>(choice));
  } else {
    task = std::move(log_.front());
    log_.pop_front();
  }
  task();
  return true;
}

uint64_t SeededExecutor::run_ready() {
  uint64_t steps = 0;
  while (steps < steps_max && run_one()) ++steps;
  return steps;
}

uint64_t SeededExecutor::run_for(int64_t ms) {
  const int64_t end_us = clock_.steady_us() + ms * 1000;
  uint64_t steps = run_ready();
  while (steps < steps_max && !timers_.empty() && timers_.begin()->first.first <= end_us) {
    clock_.advance_us(std::max<int64_t>(0, timers_.begin()->first.first - clock_.steady_us()));
    steps += run_ready();
  }
  clock_.advance_us(std::max<int64_t>(0, end_us - clock_.steady_us()));
  return steps + run_ready();
}

bool SeededExecutor::run_until_idle() {
  uint64_t steps = run_ready();
  while (steps < steps_max && !timers_.empty()) {
    clock_.advance_us(std::max<int64_t>(0, timers_.begin()->first.first - clock_.steady_us()));
    steps += run_ready() + 1;
  }
  return timers_.empty() && log_.empty() && others_.empty();
}

void SeededExecutor::drop_all() {
  log_.clear();
  others_.clear();
  timers_.clear();
}

}  // namespace sett::storage
