#include "storage/memory/expiry_reaper.h"

#include <algorithm>
#include <array>
#include <string>

#include "storage/memory/memory_store.h"

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
      pass_ms_ = std::max(pass_ms_, store_->clock_->wall_ms());
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
    if (store_->journal_->failed()) return schedule(interval_ms);
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
  for (; shard_ < store_->shard_count(); ++shard_) {
    Shard& shard = store_->shard(shard_);
    if (!shard.lock.try_lock()) return false;
    shard.floor_ms = std::max(shard.floor_ms, pass_ms_);
    if (shard.next_due_ms <= pass_ms_) {
      any_due_ = true;
      lag_ms_.store(std::max(lag_ms_.load(std::memory_order_relaxed), pass_ms_ - shard.next_due_ms),
                    std::memory_order_relaxed);
    }
    shard.lock.unlock(shard_);
  }
  return true;
}

bool ExpiryReaper::log_pass() {
  std::string record;
  encode_without_value({.kind = Mutation::Kind::expiry_pass, .expires_at_ms = pass_ms_}, record);
  const std::array<std::string_view, 1> parts{record};
  const auto appended = store_->journal_->append(parts, Journal::Urgency::frees_space);
  if (appended.room != Journal::Room::ok) return false;
  pass_sequence_ = appended.sequence;
  store_->journal_->write_if_small();
  return true;
}

bool ExpiryReaper::remove_some() {
  uint32_t left = removals_per_step;
  std::string key;
  for (; shard_ < store_->shard_count(); ++shard_) {
    Shard& shard = store_->shard(shard_);
    if (!shard.lock.try_lock()) {
      missed_lock_ = true;
      return false;
    }
    bool done = true;
    if (shard.next_due_ms <= pass_ms_) {
      int64_t next_due_ms = INT64_MAX;
      for (auto& table : shard.tables) {
        if (!table) continue;
        const Table::Size before = table->size();
        while (left > 0 && table->expire_first(pass_ms_, store_->hook_ ? &key : nullptr)) {
          --left;
          expired_keys_.fetch_add(1, std::memory_order_relaxed);
          if (store_->hook_) {
            const std::string_view view = key;
            store_->hook_->on_mutation(store_->catalogue_.name_of(table->id()), &view, Event::expired);
          }
        }
        shard.count_size(before, table->size());
        next_due_ms = std::min(next_due_ms, table->expiries().first_ms());
      }
      shard.last_removal = std::max(shard.last_removal, pass_sequence_);
      shard.next_due_ms = next_due_ms;
      done = next_due_ms > pass_ms_;
    }
    shard.lock.unlock(shard_);
    if (!done) return false;
  }
  return true;
}

}  // namespace sett::storage
