#include "storage/badger/compactor.h"

#include <algorithm>
#include <utility>

#include "storage/badger/disk_guard.h"
#include "storage/badger/flusher.h"
#include "storage/badger/value_log_gc.h"

namespace sett::storage {

namespace {
constexpr int64_t tick_ms = 500;
constexpr int64_t retry_after_failure_ms = 1000;
constexpr int64_t rest_ms = 1000;  // nothing was flushed or merged for so long: the disk has time
constexpr int64_t let_go_ms = 1;   // in which who has read the inputs lets go of them

uint64_t written_at_most(const CompactionPlan& plan) {
  if (plan.kind != CompactionPlan::Kind::merge) return 0;
  uint64_t bytes = 0;
  for (const auto* tables : {&plan.inputs, &plan.targets})
    for (const TableFilePtr& table : *tables) bytes += table->meta().file_bytes;
  return bytes;
}
}  // namespace

void Compactor::start() {
  {
    MutexLock lock(mutex_);
    seeds_ = Random(engine_.seed_ + 4);
  }
  tick();
}

void Compactor::tick() {
  check();
  engine_.versions_->remove_needless();
  engine_.post(
      Executor::Lane::background, [this] { tick(); }, tick_ms);
}

bool Compactor::is_idle() const {
  MutexLock lock(mutex_);
  return running_ == 0;
}

Status Compactor::failure() const {
  MutexLock lock(mutex_);
  return failure_;
}

Compactor::Stats Compactor::stats() const {
  MutexLock lock(mutex_);
  return stats_;
}

PickerOptions Compactor::picker_options() const {
  const BadgerOptions& options = engine_.options_;
  return {.level0_tables = options.level0_tables,
          .table_bytes = options.table_bytes,
          .base_bytes = std::max(options.table_bytes, options.mem_table_bytes) * 4,
          .garbage_share = (options.space_amplification_max - 1) / 2};
}

Compactor::PlanPtr Compactor::pick(std::function<void(Status)>& granted) {
  const int64_t now_ms = engine_.clock_.steady_ms();
  PickerInput input{.version = {}, .busy = {}, .is_dead = engine_.dead_buckets()};
  const bool flushes = !engine_.flusher_->is_idle();
  const TreeManifest manifest = engine_.versions_->manifest();
  // Each key that expires has an entry in the time index as well.
  for (const auto& [bucket, totals] : manifest.totals) input.live_keys += totals.keys + totals.expiring;
  input.passed_ms = manifest.passed_ms;
  uint64_t ran_bytes = 0;  // what ends while the room is looked at counts still
  {
    MutexLock lock(mutex_);
    ran_bytes = running_bytes_;
  }
  const uint64_t room = engine_.disk_guard_->room_for_merges();
  MutexLock lock(mutex_);
  if (running_ >= engine_.options_.compaction_threads || now_ms < not_before_ms_ || engine_.closing_) return nullptr;
  input.version = engine_.versions_->current();  // not one from before the wish
  input.busy = busy_;
  input.wish = wish_;
  input.is_at_rest = running_ == 0 && !flushes && now_ms - last_change_ms_ >= rest_ms;
  auto plan = pick_compaction(picker_options(), input);
  if (!plan) {
    if (running_ == 0) {
      wish_.reset();
      granted = std::exchange(wish_done_, nullptr);
    }
    return nullptr;
  }
  const uint64_t bytes = written_at_most(*plan);
  if (bytes > 0 && std::max(ran_bytes, running_bytes_) + bytes > room) return nullptr;  // the next tick looks again
  for (const auto* tables : {&plan->inputs, &plan->targets})
    for (const TableFilePtr& table : *tables) busy_.insert(table->number());
  ++running_;
  running_bytes_ += bytes;
  return std::make_shared<const CompactionPlan>(std::move(*plan));
}

void Compactor::grant(MergeWish wish, std::function<void(Status)> done) {
  {
    MutexLock lock(mutex_);
    wish_ = std::move(wish);
    wish_done_ = std::move(done);
    not_before_ms_ = 0;
  }
  check();
}

void Compactor::check() {
  std::function<void(Status)> granted;
  while (const PlanPtr plan = pick(granted)) {
    const VersionPtr version = engine_.versions_->current();
    engine_.post(Executor::Lane::background, [this, plan, version] { run(plan, version); });
  }
  if (granted) granted({});
}

void Compactor::run(const PlanPtr& plan, VersionPtr version) {
  CompactionInput input{.plan = *plan, .version = std::move(version), .is_dead = engine_.dead_buckets()};
  // After the look at what is dead: that a bucket was dropped has to be on disk before its data goes.
  const Sequence last = engine_.log_->last();
  auto outputs = std::make_shared<std::vector<TableMeta>>();
  if (plan->kind == CompactionPlan::Kind::merge) {
    uint64_t seed = 0;
    {
      MutexLock lock(mutex_);
      seed = seeds_.next();
    }
    const CompactionTools tools{
        engine_.files_,
        *engine_.versions_,
        {engine_.options_.block_bytes, engine_.options_.filter_bits_per_key,
         engine_.options_.compress ? table_format::Compression::lz4 : table_format::Compression::none},
        engine_.options_.table_bytes,
        seed};
    input.passed_ms = engine_.versions_->manifest().passed_ms;
    input.throttle = [this](uint64_t bytes) {
      keep_to_io_limit(bytes);
      return engine_.closing_ ? Status::error(ErrorKind::closed, "the store is being closed") : Status();
    };
    auto merged = run_compaction(tools, input);
    if (!merged) return ended(plan, merged.status());
    *outputs = std::move(*merged);
  }
  engine_.when_synced(last, [this, plan, outputs](const Status& status) {
    if (!status) return ended(plan, status);
    publish(plan, outputs);
  });
}

// In slices, so that a stop does not have to wait for the whole of it.
void Compactor::keep_to_io_limit(uint64_t bytes) {
  constexpr int64_t slice_us = 100'000;
  for (int64_t left_us = engine_.io_limiter_.take(bytes); left_us > 0 && !engine_.closing_; left_us -= slice_us)
    engine_.options_.pause(std::min(left_us, slice_us));
}

void Compactor::publish(const PlanPtr& plan, std::shared_ptr<std::vector<TableMeta>> outputs) {
  VersionEdit edit;
  uint64_t removed_bytes = 0;
  for (const auto* tables : {&plan->inputs, &plan->targets})
    for (const TableFilePtr& table : *tables) {
      edit.removed_tables.push_back(table->number());
      if (plan->kind != CompactionPlan::Kind::move) removed_bytes += table->meta().file_bytes;
    }
  if (plan->kind == CompactionPlan::Kind::move)
    for (const TableFilePtr& table : plan->inputs) edit.added_tables.push_back({plan->to_level, table});
  uint64_t bytes = 0;
  for (const TableMeta& meta : *outputs) {
    bytes += meta.file_bytes;
    edit.added_tables.push_back(
        {plan->to_level, std::make_shared<TableFile>(engine_.versions_->table_path(meta.number, meta.smallest), meta)});
  }
  if (const Status status = engine_.versions_->apply(edit); !status) return ended(plan, status);
  {
    MutexLock lock(mutex_);
    ++stats_.merges;
    stats_.bytes_removed += removed_bytes;
    stats_.bytes_written += bytes;
  }
  engine_.post(Executor::Lane::foreground, [this, plan] { engine_.show_current([this, plan] { ended(plan, {}); }); });
}

void Compactor::ended(const PlanPtr& plan, const Status& status) {
  std::function<void(Status)> not_granted;
  {
    MutexLock lock(mutex_);
    for (const auto* tables : {&plan->inputs, &plan->targets})
      for (const TableFilePtr& table : *tables) busy_.erase(table->number());
    --running_;
    running_bytes_ -= written_at_most(*plan);
    last_change_ms_ = engine_.clock_.steady_ms();
    failure_ = status;
    if (!status) {
      ++stats_.failed;
      not_before_ms_ = last_change_ms_ + retry_after_failure_ms;
      wish_.reset();
      not_granted = std::exchange(wish_done_, nullptr);
    }
  }
  if (not_granted) not_granted(status);
  if (!status) engine_.log_->announce_progress();  // who waits for room in level 0 is told
  engine_.flusher_->tables_changed();
  engine_.gc_->check();
  const auto go_on = [this] {
    engine_.versions_->remove_needless();  // not at the next tick: its room may be wanted now
    check();
  };
  engine_.post(Executor::Lane::background, go_on, let_go_ms);
}

}  // namespace sett::storage
