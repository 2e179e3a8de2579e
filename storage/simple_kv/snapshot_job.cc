#include "storage/simple_kv/snapshot_job.h"

#include <algorithm>
#include <utility>

#include "storage/simple_kv/engine.h"

namespace sett::storage {

namespace {
constexpr int64_t lock_retry_ms = 1;
constexpr int64_t log_poll_ms = 5;
constexpr uint64_t entries_per_step = 100;
constexpr size_t bytes_per_step = 64 << 10;  // of one walk under the lock; one entry may be larger
constexpr size_t bytes_per_block = 256 << 10;
}  // namespace

SnapshotJob::SnapshotJob(SimpleKvEngine& engine, uint64_t generation) : engine_(engine), engine_alive_(engine.alive_) {
  manifest_.generation = generation;
}

void SnapshotJob::post(Executor::Lane lane, void (SnapshotJob::*step)(), int64_t delay_ms) {
  auto task = [self = shared_from_this(), step] {
    if (!self->engine_alive_->load()) return;
    if (self->stopped_.load())
      self->end(Status::error(ErrorKind::closed, "the store is being closed"));
    else
      (self.get()->*step)();
  };
  if (delay_ms == 0)
    engine_.executor_->post(lane, std::move(task));
  else
    engine_.executor_->post_after(lane, delay_ms, std::move(task));
}

void SnapshotJob::start() {
  started_us_ = engine_.clock_->steady_us();
  post(Executor::Lane::foreground, &SnapshotJob::begin);
}

// With all locks nothing is between its place in the log and its tables: last() is exact for every shard.
void SnapshotJob::begin() NO_THREAD_SAFETY_ANALYSIS {  // locks in a loop are beyond the analysis
  ShardIndex held = 0;
  while (held < engine_.shard_count() && engine_.shard(held).lock.try_lock()) ++held;
  const bool all = held == engine_.shard_count();
  if (all) {
    manifest_.begin = engine_.journal_->last();
    manifest_.shards = engine_.shard_count();
    manifest_.hash = engine_.kv_options_.hash;
    manifest_.buckets = engine_.catalogue_.names();
    manifest_.bucket_generation = engine_.catalogue_.generation();
    // Of the lowest floor: after the clock was set back, another shard's may lie above what is still alive here.
    manifest_.expiry_floor_ms = engine_.shard(0).floor_ms;
    for (ShardIndex i = 1; i < held; ++i)
      manifest_.expiry_floor_ms = std::min(manifest_.expiry_floor_ms, engine_.shard(i).floor_ms);
  }
  while (held > 0) {
    --held;
    engine_.shard(held).lock.unlock(held);
  }
  if (!all) return post(Executor::Lane::foreground, &SnapshotJob::begin, lock_retry_ms);
  for (const auto& [name, id] : manifest_.buckets) buckets_.push_back(id);
  post(Executor::Lane::foreground, &SnapshotJob::walk);
}

void SnapshotJob::walk() {
  if (!gather_some()) return post(Executor::Lane::foreground, &SnapshotJob::walk, lock_retry_ms);
  if (shard_walked_ || !full_.empty()) return post(Executor::Lane::background, &SnapshotJob::write_gathered);
  post(Executor::Lane::foreground, &SnapshotJob::walk);
}

bool SnapshotJob::gather_some() {
  if (bucket_ >= buckets_.size()) {
    shard_walked_ = true;
    return true;
  }
  Shard& shard = engine_.shard(shard_);
  if (!shard.lock.try_lock()) return false;
  // What the walk leaves out as expired, no later run may see as live.
  shard.floor_ms = std::max(shard.floor_ms, engine_.clock_->wall_ms());
  const int64_t now_ms = shard.floor_ms;
  uint64_t left = entries_per_step;
  uint64_t bytes_left = bytes_per_step;
  while (bucket_ < buckets_.size() && left > 0 && bytes_left > 0) {
    const BucketTable* table = shard.find_table(buckets_[bucket_]);
    if (!table) {  // nothing of it in this shard, or dropped since the walk began
      next_table();
      continue;
    }
    // A few at a time, so that large values end the step.
    constexpr uint64_t entries_per_look = 8;
    place_ = table->entries().scan(place_, entries_per_look, [&](const Entry& entry) {
      left -= left > 0 ? 1 : 0;
      if (!is_live(entry.expires_at_ms(), now_ms)) return;
      const size_t before = gathered_.entries.size();
      encode_snapshot_entry({table->id(), entry.sequence(), entry.expires_at_ms(), entry.key(), entry.value()},
                            gathered_.entries);
      ++gathered_.count;
      bytes_left -= std::min<uint64_t>(bytes_left, gathered_.entries.size() - before);
      if (gathered_.entries.size() >= bytes_per_block) full_.push_back(std::exchange(gathered_, {}));
    });
    if (place_ >= HashTable::end_position) next_table();
    left -= left > 0 ? 1 : 0;
  }
  shard.lock.unlock(shard_);
  shard_walked_ = bucket_ >= buckets_.size();
  return true;
}

void SnapshotJob::next_table() {
  ++bucket_;
  place_ = 0;
}

void SnapshotJob::write_gathered() {
  if (!writer_) {
    auto writer = SnapshotWriter::create(engine_.files_, engine_.state_directory(), manifest_.generation, shard_,
                                         engine_.kv_options_.compress_values);
    if (!writer.is_ok()) return end(writer.status());
    writer_ = std::move(writer).value();
  }
  if (shard_walked_ && gathered_.count > 0) full_.push_back(std::exchange(gathered_, {}));
  for (const Block& block : std::exchange(full_, {}))
    if (Status status = writer_->append_block(block.entries, block.count); !status.is_ok()) return end(status);
  if (shard_walked_) return finish_shard();
  post(Executor::Lane::foreground, &SnapshotJob::walk);
}

void SnapshotJob::finish_shard() {
  if (Status status = writer_->finish(); !status.is_ok()) return end(status);
  writer_.reset();
  shard_walked_ = false;
  bucket_ = 0;
  place_ = 0;
  if (++shard_ < engine_.shard_count()) return post(Executor::Lane::foreground, &SnapshotJob::walk);
  if (Status status = engine_.files_.sync_directory(engine_.state_directory()); !status.is_ok()) return end(status);
  // No walked entry is younger than this: every one of them must be in the log for good before the snapshot counts.
  manifest_.end = manifest_.log_reaches = engine_.journal_->last();
  engine_.journal_->request_sync();
  wait_for_log();
}

void SnapshotJob::wait_for_log() {
  if (engine_.journal_->synced() >= manifest_.end) return publish();
  if (engine_.journal_->failed()) return end(Status::error(ErrorKind::io, "the log failed during the snapshot"));
  post(Executor::Lane::background, &SnapshotJob::wait_for_log, log_poll_ms);
}

void SnapshotJob::publish() {
  manifest_.created_ms = engine_.clock_->wall_ms();
  published_ = true;
  end(write_manifest(engine_.files_, engine_.state_directory(), manifest_));
}

void SnapshotJob::end(const Status& status) {
  writer_.reset();
  engine_.snapshot_done(status, published_, manifest_, (engine_.clock_->steady_us() - started_us_) / 1000);
}

}  // namespace sett::storage
