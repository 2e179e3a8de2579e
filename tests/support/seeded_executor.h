#pragma once

#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "storage/base/executor.h"
#include "storage/base/random.h"
#include "tests/support/manual_clock.h"

namespace sett::storage {

// All lanes on one thread, the caller's: nothing runs but inside the run_ calls. Which lane goes next, and which of the
// foreground and background tasks, is drawn from the seed; log tasks keep their order. Time passes only in run_for and
// run_until_idle, from timer to timer. For one thread.
class SeededExecutor final : public Executor {
 public:
  SeededExecutor(uint64_t seed, ManualClock& clock) : random_(seed), clock_(clock) {}

  void post(Lane lane, Task task) override;
  TimerId post_after(Lane lane, int64_t delay_ms, Task task) override;
  void cancel(TimerId timer) override;

  // Runs one task that is ready; false when there is none.
  bool run_one();
  // Runs what is ready and what that makes ready, without letting time pass. Returns how many tasks ran; at most
  // steps_max, so that a task that posts itself again for ever ends the run too.
  uint64_t run_ready();
  // The same while `ms` pass, each timer at its time.
  uint64_t run_for(int64_t ms);
  // Until neither a task nor a timer is left, however much time that takes; false when steps_max was not enough.
  bool run_until_idle();
  // Forgets all tasks and timers: the process died.
  void drop_all();

  uint64_t timers() const { return timers_.size(); }
  static constexpr uint64_t steps_max = 1'000'000;

 private:
  using Due = std::pair<int64_t, TimerId>;
  struct Timer {
    Lane lane;
    Task task;
  };
  void ripen();  // moves timers that are due to their lanes

  Random random_;
  ManualClock& clock_;
  std::deque<Task> log_;
  std::vector<Task> others_;  // foreground and background
  std::map<Due, Timer> timers_;
  TimerId last_timer_ = 0;
};

}  // namespace sett::storage
