// How BadgerEngine takes a batch: whether it may come in now, its record, what it changes in the memtable.
#include <algorithm>
#include <utility>

#include "storage/badger/disk_guard.h"
#include "storage/badger/engine.h"
#include "storage/badger/flusher.h"
#include "storage/keys/batch_encoder.h"
#include "storage/keys/tree_key.h"
#include "storage/table/filter.h"

namespace sett::storage {

// A bind frees space where what the name stood for is dropped by it; others are like any write.
Journal::Urgency BadgerEngine::urgency_of(std::span<const Mutation> batch) const {
  bool all_bind = true;
  for (const Mutation& mutation : batch) {
    if (mutation.kind == Mutation::Kind::remove) {
      all_bind = false;
      continue;
    }
    if (mutation.kind != Mutation::Kind::bind) return Journal::Urgency::normal;
    const BucketId old = catalogue_.find(mutation.key);
    const bool keeps = mutation.bucket != no_bucket && catalogue_.is_bound(mutation.bucket);
    if (old == no_bucket || keeps) return Journal::Urgency::normal;
  }
  return all_bind ? Journal::Urgency::drops_bucket : Journal::Urgency::frees_space;
}

Journal::Appended BadgerEngine::append(std::span<Mutation> batch) {
  thread_local BatchEncoder encoder;
  const auto append_encoded = [&] {
    const auto appended = log_->append(encoder.encode(batch), urgency_of(batch));
    encoder.done();
    return appended;
  };
  const bool has_large =
      std::any_of(batch.begin(), batch.end(), [this](const Mutation& m) { return value_writer_->is_large(m); });
  if (!has_large) return append_encoded();
  const Journal::Appended appended = value_writer_->commit(batch, append_encoded);
  if (appended.room == Journal::Room::ok)
    for (const Mutation& mutation : batch)
      if (mutation.kind == Mutation::Kind::put_pointer)
        value_log_bytes_.fetch_add(mutation.value.size(), std::memory_order_relaxed);
  return appended;
}

// Whether a write that frees nothing may come in: `committed` if so.
CommitResult::Kind BadgerEngine::admit() {
  using Kind = CommitResult::Kind;
  if (counting_.load(std::memory_order_relaxed) > 0) return held(holds_.for_count);
  // Who waits for a flush that cannot be is told so, and so is everyone behind.
  if (stalled_.load(std::memory_order_relaxed)) {
    const Status held_up_by = flusher_->held_up_by();
    if (held_up_by) return held(flusher_->waits_for_level0() ? holds_.for_level0 : holds_.for_memtables);
    return held_up_by.kind() == ErrorKind::no_space ? Kind::no_space : Kind::behind;
  }
  if (!is_in_pace()) return Kind::hold;
  switch (disk_guard_->admit()) {
    case DiskGuard::Answer::yes:
      return Kind::committed;
    case DiskGuard::Answer::later:
      return held(holds_.for_disk);
    case DiskGuard::Answer::no:
      return Kind::no_space;
  }
  return Kind::committed;
}

CommitResult::Kind BadgerEngine::held(std::atomic<uint64_t>& cause) {
  cause.fetch_add(1, std::memory_order_relaxed);
  return CommitResult::Kind::hold;
}

CommitResult BadgerEngine::commit(std::span<const Mutation> batch) {
  if (urgency_of(batch) == Journal::Urgency::normal)
    if (const CommitResult::Kind answer = admit(); answer != CommitResult::Kind::committed) return {answer};
  thread_local std::vector<Mutation> own;  // large values become pointers
  own.assign(batch.begin(), batch.end());
  const Journal::Appended appended = append(own);
  const CommitResult result = commit_result(appended);
  if (result.kind == CommitResult::Kind::hold) held(holds_.for_log);
  if (result.kind != CommitResult::Kind::committed) return result;
  note_written(own);
  apply_all(own, result.sequence);
  const bool binds =
      std::any_of(own.begin(), own.end(), [](const Mutation& m) { return m.kind == Mutation::Kind::bind; });
  std::vector<std::string> names;
  if (binds && hook_) names = names_within(catalogue_, own);
  if (binds) apply_binds(own, result.sequence);
  if (hook_) {
    for (size_t i = 0; i < own.size(); ++i) {
      const Mutation& mutation = own[i];
      if (mutation.event == Event::none) continue;
      if (mutation.kind == Mutation::Kind::bind)
        hook_->on_mutation(mutation.key, nullptr, mutation.event);
      else
        hook_->on_mutation(binds ? names[i] : catalogue_.name_of(mutation.bucket), &mutation.key, mutation.event);
    }
  }
  changes_.fetch_add(own.size(), std::memory_order_relaxed);
  note_user_bytes(own);
  seal_if_full();
  return result;
}

bool BadgerEngine::is_in_pace() {
  if (!pacer_.is_slowing()) return true;
  if (pacer_.admit(memtables_bytes(), clock_.steady_us())) return true;
  if (!beat_posted_.exchange(true)) {
    const auto beat = [this] {
      beat_posted_ = false;
      log_->announce_progress();
    };
    // Not behind a flush or a merge: whom it tells waits for it.
    post(Executor::Lane::foreground, beat, WritePacer::beat_ms);
  }
  return false;
}

void BadgerEngine::note_user_bytes(std::span<const Mutation> batch) {
  uint64_t bytes = 0;
  for (const Mutation& mutation : batch)
    if (mutation.kind != Mutation::Kind::bind) bytes += mutation.key.size() + mutation.value.size();
  user_bytes_.fetch_add(bytes, std::memory_order_relaxed);
}

// Counts only while somebody counts.
void BadgerEngine::note_written(std::span<const Mutation> batch) {
  if (!pacer_.is_slowing() && !disk_guard_->is_tight()) return;
  constexpr uint64_t beside_bytes = 96;  // of a memtable's entry, beside key and value
  uint64_t bytes = 0;
  for (const Mutation& mutation : batch) bytes += mutation.key.size() + mutation.value.size() + beside_bytes;
  pacer_.note_written(bytes);
  disk_guard_->note_written(bytes);
}

uint64_t BadgerEngine::memtables_bytes() const {
  return memtable_bytes_.load(std::memory_order_relaxed) + flusher_->sealed_bytes();
}

void BadgerEngine::seal_if_full() {
  if (memtable_is_full() || memtables_are_full()) flusher_->memtable_is_full();
}

bool BadgerEngine::memtable_is_full() const {
  return memtable_bytes_.load(std::memory_order_relaxed) > options_.mem_table_bytes;
}

bool BadgerEngine::memtables_are_full() const {
  return memtables_bytes() > options_.memtables_room();
}

void BadgerEngine::apply_all(std::span<const Mutation> batch, Sequence sequence) {
  const auto apply_one = [&](const Mutation& mutation) {
    if (mutation.kind == Mutation::Kind::bind) return;
    BadgerShard& at = shard(shard_of(mutation.key));
    at.lock.assert_held();
    apply(at, mutation, sequence);
  };
  for (size_t i = 0; i < batch.size(); ++i) {
    // The value may be that of the entry which is removed (see Store::commit): it goes last, where it is another key's.
    const bool moves = batch[i].kind == Mutation::Kind::remove && i + 1 < batch.size() && !batch[i + 1].value.empty() &&
                       (batch[i + 1].key != batch[i].key || batch[i + 1].bucket != batch[i].bucket);
    if (moves) {
      apply_one(batch[i + 1]);
      apply_one(batch[i]);
      ++i;
    } else {
      apply_one(batch[i]);
    }
  }
}

void BadgerEngine::apply(BadgerShard& at, const Mutation& mutation, Sequence sequence) {
  thread_local std::string key;
  key.clear();
  append_tree_key(key, mutation.bucket, mutation.key);
  if (!at.hot.empty()) at.hot.erase(filter_hash(key), key);
  // What a search in the sealed parts would tell the flush finds out without one.
  const bool is_empty_below = at.sealed.empty() && at.version->entries() == 0;
  const Prior below{is_empty_below ? Prior::Kind::absent : Prior::Kind::unknown};
  switch (mutation.kind) {
    case Mutation::Kind::put:
      at.active->put(key, mutation.value, mutation.expires_at_ms, sequence, below);
      break;
    case Mutation::Kind::put_pointer:
      at.active->put_pointer(key, mutation.pointer, mutation.value, mutation.expires_at_ms, sequence, below);
      break;
    case Mutation::Kind::splice:
      at.active->splice(key, mutation.offset, mutation.value, mutation.new_length, sequence, below);
      break;
    case Mutation::Kind::expire:
      at.active->expire(key, mutation.expires_at_ms, sequence, below);
      break;
    case Mutation::Kind::remove:
      at.active->remove(key, sequence, below);
      at.last_removal = std::max(at.last_removal, sequence);
      break;
    case Mutation::Kind::bind:
    case Mutation::Kind::expiry_pass:
      assert(false);
      break;
  }
  count_memory(at);
}

void BadgerEngine::count_memory(BadgerShard& at) {
  at.active_unknown.store(at.active->unknown_entries(), std::memory_order_relaxed);
  const uint64_t before = at.active_bytes.load(std::memory_order_relaxed);
  const uint64_t now = at.active->memory_bytes();
  if (now == before) return;
  at.active_bytes.store(now, std::memory_order_relaxed);
  memtable_bytes_.fetch_add(now - before, std::memory_order_relaxed);
}

void BadgerEngine::apply_binds(std::span<const Mutation> batch, Sequence sequence) NO_THREAD_SAFETY_ANALYSIS {
  // Under locks that the caller holds all: beyond the analysis.
  std::vector<BucketId> loose;
  for (const Mutation& mutation : batch) {
    if (mutation.kind != Mutation::Kind::bind) continue;
    if (catalogue_.is_bound(mutation.bucket)) last_move_ = sequence;
    loose.push_back(catalogue_.bind(mutation.key, mutation.bucket));
  }
  for (const BucketId id : loose)
    if (id != no_bucket && !catalogue_.is_bound(id)) totals_.erase(id);
  for (auto& at : shards_) at->last_removal = std::max(at->last_removal, sequence);
  publish_live_buckets();
}

}  // namespace sett::storage
