#include "storage/expiry_reaper.h"

#include <algorithm>
#include <array>
#include <string>

namespace sett::storage {

void ExpiryReaper::schedule(int64_t delay_ms) {
  auto task = [self = shared_from_this()] {
    if (!self->stopped_.load()) self->step();
  };
  if (delay_ms == 0)
    executor_->post(Executor::Lane::foreground, std::move(task));
  else
    executor_->post_after(Executor::Lane::foreground, delay_ms, std::move(task));
}

void ExpiryReaper::step() {
  if (phase_ == Phase::raise) {
    if (shard_ == 0) {
      pass_ms_ = std::max(pass_ms_, clock_->wall_ms());
      any_due_ = false;
      lag_ms_.store(0, std::memory_order_relaxed);
    }
    if (!raise_floors()) return schedule(retry_ms);
    shard_ = 0;
    if (!any_due_) return schedule(interval_ms);
    phase_ = Phase::log;
  }
  if (phase_ == Phase::log) {
    // A log that has failed stays so: what is due stays invisible, and is removed by the next start.
    if (target_->journal().failed()) return schedule(interval_ms);
    if (!log_pass()) return schedule(retry_ms);
    phase_ = Phase::remove;
  }
  const uint32_t shard_before = shard_;
  missed_lock_ = false;
  if (!remove_some()) return schedule(missed_lock_ && shard_ == shard_before ? retry_ms : 0);
  phase_ = Phase::raise;
  shard_ = 0;
  schedule(interval_ms);
}

bool ExpiryReaper::raise_floors() {
  for (; shard_ < target_->shard_count(); ++shard_) {
    int64_t next_due_ms = INT64_MAX;
    if (!target_->raise_floor(shard_, pass_ms_, next_due_ms)) return false;
    if (next_due_ms > pass_ms_) continue;
    any_due_ = true;
    lag_ms_.store(std::max(lag_ms_.load(std::memory_order_relaxed), pass_ms_ - next_due_ms), std::memory_order_relaxed);
  }
  return true;
}

bool ExpiryReaper::log_pass() {
  judged_ms_.store(pass_ms_, std::memory_order_release);
  std::string record;
  encode_without_value({.kind = Mutation::Kind::expiry_pass, .expires_at_ms = pass_ms_}, record);
  const std::array<std::string_view, 1> parts{record};
  const auto appended = target_->journal().append(parts, Journal::Urgency::frees_space);
  if (appended.room != Journal::Room::ok) return false;
  pass_sequence_ = appended.sequence;
  target_->journal().write_if_small();
  return true;
}

bool ExpiryReaper::remove_some() {
  uint32_t left = removals_per_step;
  for (; shard_ < target_->shard_count(); ++shard_) {
    const uint32_t before = left;
    const auto removal = target_->remove_due(shard_, pass_ms_, pass_sequence_, left);
    expired_keys_.fetch_add(before - left, std::memory_order_relaxed);
    missed_lock_ = removal == ExpiryTarget::Removal::lock_missed;
    if (removal != ExpiryTarget::Removal::done) return false;
  }
  return true;
}

}  // namespace sett::storage
