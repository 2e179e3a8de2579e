// What BadgerEngine knows of single keys, and how many there are.
#include <algorithm>
#include <cassert>
#include <utility>

#include "storage/badger/due_loader.h"
#include "storage/badger/engine.h"
#include "storage/badger/flusher.h"
#include "storage/badger/ordered_walk.h"
#include "storage/hashtable/expiry_heap.h"
#include "storage/keys/tree_key.h"
#include "storage/lsm/lookup_batch.h"
#include "storage/table/filter.h"

namespace sett::storage {

bool BadgerEngine::Found::is_live(int64_t now_ms) const {
  return kind == Kind::entry && storage::is_live(expires_at_ms, now_ms);
}

// --- One key

BadgerEngine::Found BadgerEngine::find(BadgerShard& at, std::string_view tree_key, bool with_value) {
  if (const MemEntry* entry = at.active->find(tree_key))
    return from_entry(at, *entry, at.sealed.size(), true, with_value);
  return find_below(at, tree_key, at.sealed.size(), with_value);
}

BadgerEngine::Found BadgerEngine::find_below(BadgerShard& at, std::string_view tree_key, size_t parts,
                                             bool with_value) {
  for (; parts > 0; --parts)
    if (const MemEntry* entry = at.sealed[parts - 1].part->find(tree_key))
      return from_entry(at, *entry, parts - 1, false, with_value);
  auto got = find_in_tables(at, tree_key);
  // What is in memory was checked when it was read.
  if (!got || got->kind == TreeEntry::Kind::missing) return {.kind = Found::Kind::missing};
  if (got->kind == TreeEntry::Kind::absent) return {};
  const TableEntry& entry = got->entry;
  Found found{.kind = Found::Kind::entry, .sequence = entry.sequence, .expires_at_ms = entry.expires_at_ms};
  found.is_from_tables = true;
  if (entry.kind == TableEntry::Kind::pointer) {
    found.pointer = pointer_of(entry);
    found.value_bytes = entry.value_bytes;
  } else {
    found.has_value = true;
    found.value = entry.value;
    found.value_bytes = entry.value.size();
  }
  if (with_value) add_value(at, tree_key, found);
  return found;
}

Result<TreeEntry> BadgerEngine::find_in_tables(BadgerShard& at, std::string_view tree_key) {
  const LookupBatch::Found* ahead = looked_ahead().find(*at.version, tree_key);
  if (!ahead) return reader_.get(*at.version, tree_key, Access::memory_only, at.pins);
  if (ahead->block) at.pins.push_back(ahead->block);
  return ahead->entry;
}

// The value that the pointer names, from memory or not at all.
void BadgerEngine::add_value(BadgerShard& at, std::string_view tree_key, Found& found) {
  if (found.kind != Found::Kind::entry || found.has_value) return;
  auto block = reader_.value(found.pointer, tree_key, Access::memory_only, at.pins);
  if (!block || !*block) {
    found = {.kind = Found::Kind::missing};
    return;
  }
  found.has_value = true;
  found.value = **block;
}

BadgerEngine::Found BadgerEngine::from_entry(BadgerShard& at, const MemEntry& entry, size_t parts_below, bool is_active,
                                             bool with_value) {
  switch (entry.kind()) {
    case MemEntry::Kind::tombstone:
      return {.sequence = entry.sequence()};
    case MemEntry::Kind::patch:
      return from_patch(at, entry, parts_below, is_active, with_value);
    case MemEntry::Kind::pointer:
    case MemEntry::Kind::value:
      break;
  }
  Found found{.kind = Found::Kind::entry,
              .sequence = entry.sequence(),
              .expires_at_ms = entry.expires_at_ms(),
              .value_bytes = entry.value_bytes(),
              .has_value = entry.has_value(),
              .value = entry.value()};
  if (entry.kind() == MemEntry::Kind::pointer) found.pointer = entry.pointer();
  if (with_value) add_value(at, entry.key(), found);
  return found;
}

BadgerEngine::Found BadgerEngine::from_patch(BadgerShard& at, const MemEntry& entry, size_t parts_below, bool is_active,
                                             bool with_value) {
  const bool needs_value = with_value && entry.spliced();
  Found found = find_below(at, entry.key(), parts_below, with_value);
  if (found.kind != Found::Kind::entry) return found;
  found.sequence = entry.sequence();
  found.is_from_tables = false;
  const int64_t base_expires_at_ms = found.expires_at_ms;
  if (entry.sets_expiry()) found.expires_at_ms = entry.expires_at_ms();
  if (!entry.spliced()) return found;
  found.value_bytes = entry.new_length();
  found.has_value = false;
  if (!needs_value) return found;
  if (is_active) {
    // From now on it is as any value.
    const std::string key(entry.key());
    at.active->complete(key, found.value, base_expires_at_ms);
    count_memory(at);
    found.value = at.active->find(key)->value();
  } else {
    auto patched = std::make_shared<std::string>(found.value);
    entry.lay_over(*patched);
    found.value = *patched;
    at.pins.push_back(std::move(patched));
  }
  found.has_value = true;
  return found;
}

// Whoever writes to a key erases it from the hot entries: what is there needs no look into the memtable.
BadgerEngine::Found BadgerEngine::find_hot_or_any(BadgerShard& at, std::string_view tree_key, bool with_value) {
  const uint64_t hash = filter_hash(tree_key);
  if (const HotEntries::Entry* hot = at.hot.find(hash, tree_key)) {
    at.pins.push_back(hot->bytes);  // it may give way to another that is read next
    return {.kind = Found::Kind::entry,
            .sequence = hot->sequence,
            .expires_at_ms = hot->expires_at_ms,
            .value_bytes = hot->value.size(),
            .has_value = true,
            .value = hot->value};
  }
  const Found found = find(at, tree_key, with_value);
  if (found.kind == Found::Kind::entry && found.is_from_tables && with_value)
    at.hot.offer(hash, tree_key,
                 {.value = found.value, .expires_at_ms = found.expires_at_ms, .sequence = found.sequence});
  return found;
}

ReadResult BadgerEngine::read(BucketId bucket, std::string_view key, Part part, int64_t now_ms) {
  BadgerShard& at = shard(shard_of(key));
  at.lock.assert_held();
  thread_local std::string full_key;
  full_key.clear();
  append_tree_key(full_key, bucket, key);
  const Found found = find_hot_or_any(at, full_key, part == Part::value);
  if (found.kind == Found::Kind::missing) return {.kind = ReadResult::Kind::need, .entry = {}};
  if (!found.is_live(now_ms)) return {.kind = ReadResult::Kind::absent, .entry = {}, .depends_on = at.last_removal};
  return {.kind = ReadResult::Kind::entry,
          .entry = {.value = part == Part::value ? found.value : std::string_view(),
                    .value_bytes = found.value_bytes,
                    .expires_at_ms = found.expires_at_ms,
                    .sequence = found.sequence},
          .depends_on = std::max(found.sequence, last_move_)};
}

// What a first entry of the key in the active part replaces, as far as memory says so without a search in tables.
Prior BadgerEngine::prior_of(BadgerShard& at, std::string_view tree_key) {
  for (size_t part = at.sealed.size(); part-- > 0;) {
    const MemEntry* entry = at.sealed[part].part->find(tree_key);
    if (!entry) continue;
    if (entry->kind() == MemEntry::Kind::tombstone) return {Prior::Kind::absent};
    if (entry->kind() == MemEntry::Kind::patch) return {};
    return {Prior::Kind::present, entry->value_bytes(), entry->expires_at_ms()};
  }
  return at.version->entries() == 0 ? Prior{Prior::Kind::absent} : Prior();
}

// --- Fetching

Status BadgerEngine::load(const VersionPtr& version, const Need& need, Pins& pins) {
  const std::string key = tree_key(need.bucket, need.key);
  if (need.part == Part::range) return load_range(reader_, version, key, need.backward, pins);
  auto got = reader_.get(*version, key, Access::load, pins);
  if (!got) return got.status();
  if (need.part != Part::value || got->kind != TreeEntry::Kind::entry || got->entry.kind != TableEntry::Kind::pointer)
    return {};
  auto value = reader_.value(pointer_of(got->entry), key, Access::load, pins);
  return value ? Status() : value.status();
}

namespace {
// One fetch, done by several tasks.
struct FetchState {
  std::vector<Need> needs;
  VersionPtr version;
  std::function<void(Status)> done;
  std::atomic<size_t> next{0};
  Mutex mutex;
  size_t tasks_left GUARDED_BY(mutex) = 0;
  Pins pins GUARDED_BY(mutex);
  Status status GUARDED_BY(mutex);
};
}  // namespace

// What a count stands on is there once everything written before is flushed, and all that is due by now is known.
// Writers wait meanwhile, else there would always be more.
void BadgerEngine::when_counted(Sequence through, std::function<void(Status)> then, int held_up) {
  constexpr int64_t poll_ms = 1;
  constexpr int held_up_max = 2000;  // polls: what fails for want of room is tried again each second, and may find some
  const bool is_flushed =
      flusher_->flushed_through() >= through || memtable_bytes_.load(std::memory_order_relaxed) == 0;
  if (closing_ || (is_flushed && flusher_->is_idle() && due_loader_->covers_now())) return then({});
  const Status held_up_by = flusher_->held_up_by();
  held_up = !held_up_by || due_loader_->is_failing() ? held_up + 1 : 0;
  if (held_up > held_up_max)
    return then(Status::error(
        ErrorKind::busy, "keys cannot be counted: what was written last cannot be flushed: " + held_up_by.to_string()));
  due_loader_->load_now();
  if (!is_flushed) flusher_->memtable_is_full();
  post(
      Executor::Lane::read,
      [this, through, then = std::move(then), held_up]() mutable { when_counted(through, std::move(then), held_up); },
      poll_ms);
}

void BadgerEngine::fetch(uint64_t reader, std::span<const Need> needs, std::function<void(Status)> done) {
  const bool counts =
      std::any_of(needs.begin(), needs.end(), [](const Need& need) { return need.part == Part::counted; });
  if (counts) {
    std::vector<Need> others;
    std::copy_if(needs.begin(), needs.end(), std::back_inserter(others),
                 [](const Need& need) { return need.part != Part::counted; });
    counting_.fetch_add(1);
    auto then = [this, reader, others = std::move(others), done = std::move(done)](Status status) mutable {
      if (counting_.fetch_sub(1) == 1) log_->announce_progress();
      if (!status || others.empty()) return done(status);
      fetch(reader, others, std::move(done));
    };
    return when_counted(log_->last(), std::move(then));
  }
  constexpr size_t tasks_max = 4, needs_per_task = 4;
  auto state = std::make_shared<FetchState>();
  state->needs.assign(needs.begin(), needs.end());
  state->version = visible_version();
  state->done = std::move(done);
  const size_t tasks = std::clamp<size_t>(needs.size() / needs_per_task, 1, tasks_max);
  {
    MutexLock lock(state->mutex);
    state->tasks_left = tasks;
  }
  for (size_t task = 0; task < tasks; ++task) {
    post(Executor::Lane::read, [this, reader, state] {
      Pins pins;
      Status status;
      for (size_t i = state->next.fetch_add(1); i < state->needs.size() && status; i = state->next.fetch_add(1))
        status = load(state->version, state->needs[i], pins);
      // A file that has gone meanwhile: the tables have changed, and the next run looks into others.
      if (status.kind() == ErrorKind::not_found) status = {};
      {
        MutexLock lock(state->mutex);
        std::move(pins.begin(), pins.end(), std::back_inserter(state->pins));
        if (!status && state->status) state->status = status;
        if (--state->tasks_left > 0) return;
        status = state->status;
        MutexLock fetched(fetched_mutex_);
        Pins& kept = fetched_[reader];
        std::move(state->pins.begin(), state->pins.end(), std::back_inserter(kept));
      }
      state->done(status);
    });
  }
}

void BadgerEngine::release_fetched(uint64_t reader) {
  Pins freed;
  MutexLock lock(fetched_mutex_);
  const auto at = fetched_.find(reader);
  if (at == fetched_.end()) return;
  freed = std::move(at->second);
  fetched_.erase(at);
}

// --- Counting

// Looks up what entries of the bucket have replaced, as far as memory tells, and adds the rest to the needs. Of many it
// is the flush that finds out, without a lock.
void BadgerEngine::learn_or_need(BadgerShard& at, BucketId bucket, std::vector<Need>& needs) {
  constexpr size_t looked_up_max = 64;
  if (at.active->delta(bucket).unknown > looked_up_max) {
    needs.push_back({bucket, {}, Part::counted});
    return;
  }
  std::vector<std::pair<std::string, Prior>> learnt;
  at.active->collect_unknown(bucket, looked_up_max, [&](const MemEntry& entry) {
    at.lock.assert_held();
    const Found found = find_below(at, entry.key(), at.sealed.size(), false);
    if (found.kind == Found::Kind::missing)
      needs.push_back({bucket, std::string(user_key(entry.key())), Part::presence});
    else if (found.kind == Found::Kind::absent)
      learnt.emplace_back(entry.key(), Prior{Prior::Kind::absent});
    else
      learnt.emplace_back(entry.key(), Prior{Prior::Kind::present, found.value_bytes, found.expires_at_ms});
  });
  for (const auto& [key, prior] : learnt) at.active->learn(key, prior);
  at.active_unknown.store(at.active->unknown_entries(), std::memory_order_relaxed);
}

int64_t BadgerEngine::due_and_not_removed(BadgerShard& at, BucketId bucket, int64_t now_ms) {
  int64_t due = 0;
  at.active->for_each_due(now_ms, [&](const MemEntry& entry) { due += bucket_of(entry.key()) == bucket; });
  for (size_t part = 0; part < at.sealed.size(); ++part) {
    at.sealed[part].part->for_each_due(now_ms, [&](const MemEntry& entry) {
      at.lock.assert_held();
      due += bucket_of(entry.key()) == bucket && !has_newer_expiry(at, entry.key(), part + 1);
    });
  }
  at.due.for_each_through(now_ms, [&](const DueKeys::Due& one) {
    at.lock.assert_held();
    due += bucket_of(one.tree_key) == bucket && !has_newer_expiry(at, one.tree_key, 0);
  });
  return due;
}

int64_t BadgerEngine::count(BucketId bucket, ShardIndex index, int64_t now_ms, std::vector<Need>& needs) {
  BadgerShard& at = shard(index);
  at.lock.assert_held();
  int64_t keys = 0;
  if (index == 0)
    if (const auto total = totals_.find(bucket); total != totals_.end())
      keys += static_cast<int64_t>(total->second.keys);
  learn_or_need(at, bucket, needs);
  keys += at.active->delta(bucket).keys;
  for (const auto& sealed : at.sealed) {
    const Memtable::Delta delta = sealed.part->delta(bucket);
    keys += delta.keys;
    // Sealed parts are the flush's: it will tell.
    if (delta.unknown > 0) needs.push_back({bucket, {}, Part::counted});
  }
  if (!at.due.covers(now_ms)) {
    due_loader_->want(now_ms);
    needs.push_back({bucket, {}, Part::counted});
  }
  return keys - due_and_not_removed(at, bucket, now_ms);
}

bool BadgerEngine::may_hold_keys(BucketId bucket) NO_THREAD_SAFETY_ANALYSIS {  // under all locks
  const auto total = totals_.find(bucket);
  if (total != totals_.end() && total->second.keys > 0) return true;
  return std::any_of(shards_.begin(), shards_.end(), [bucket](const auto& at) {
    const auto changes = [bucket](const Memtable& part) {
      const Memtable::Delta delta = part.delta(bucket);
      return delta.keys != 0 || delta.unknown != 0;
    };
    at->lock.assert_held();
    return changes(*at->active) ||
           std::any_of(at->sealed.begin(), at->sealed.end(), [&](const auto& sealed) { return changes(*sealed.part); });
  });
}

// What the entries that do not know what they replaced amount to: exact if they are few and memory tells of all, else
// drawn from some of them.
Memtable::Delta BadgerEngine::guess_unknown(BadgerShard& at, BucketId bucket, const Memtable& part,
                                            size_t parts_below) {
  constexpr size_t looked_up_max = 64;
  const auto unknown = static_cast<int64_t>(part.delta(bucket).unknown);
  if (unknown == 0) return {};
  int64_t seen = 0;
  Memtable::Delta sum;
  part.collect_unknown(bucket, looked_up_max, [&](const MemEntry& entry) {
    at.lock.assert_held();
    const Found below = find_below(at, entry.key(), parts_below, false);
    if (below.kind == Found::Kind::missing) return;
    ++seen;
    const auto key_bytes = static_cast<int64_t>(user_key(entry.key()).size());
    const Found now = from_entry(at, entry, parts_below, false, false);
    if (now.kind == Found::Kind::entry) {
      ++sum.keys;
      sum.bytes += key_bytes + static_cast<int64_t>(now.value_bytes);
      sum.expiring += now.expires_at_ms != 0;
    }
    if (below.kind == Found::Kind::entry) {
      --sum.keys;
      sum.bytes -= key_bytes + static_cast<int64_t>(below.value_bytes);
      sum.expiring -= below.expires_at_ms != 0;
    }
  });
  if (seen == 0) return {};
  return {.keys = sum.keys * unknown / seen,
          .bytes = sum.bytes * unknown / seen,
          .expiring = sum.expiring * unknown / seen};
}

BucketUsage BadgerEngine::usage(BucketId bucket, ShardIndex index, int64_t now_ms) {
  BadgerShard& at = shard(index);
  at.lock.assert_held();
  int64_t keys = -due_and_not_removed(at, bucket, now_ms);
  int64_t expiring = keys, bytes = 0;
  if (index == 0) {
    if (const auto total = totals_.find(bucket); total != totals_.end()) {
      keys += static_cast<int64_t>(total->second.keys);
      bytes += static_cast<int64_t>(total->second.bytes);
      expiring += static_cast<int64_t>(total->second.expiring);
    }
  }
  const auto add = [&](const Memtable& part, size_t parts_below) {
    at.lock.assert_held();
    const Memtable::Delta delta = part.delta(bucket);
    const Memtable::Delta guessed = guess_unknown(at, bucket, part, parts_below);
    keys += delta.keys + guessed.keys;
    bytes += delta.bytes + guessed.bytes;
    expiring += delta.expiring + guessed.expiring;
  };
  add(*at.active, at.sealed.size());
  for (size_t part = 0; part < at.sealed.size(); ++part) add(*at.sealed[part].part, part);
  // Sums over all shards; one alone may be below zero, and wraps.
  BucketUsage usage{.keys = static_cast<uint64_t>(keys),
                    .expiring_keys = static_cast<uint64_t>(expiring),
                    .bytes = static_cast<uint64_t>(bytes)};
  // For the average, those that are due first.
  constexpr uint64_t sampled_max = 64;
  const auto sample = [&](std::string_view key, int64_t expires_at_ms) {
    if (bucket_of(key) != bucket || expires_at_ms <= now_ms) return;
    usage.expires_in_sum_ms += expires_at_ms - now_ms;
    ++usage.expires_in_count;
  };
  const auto is_enough = [&] { return usage.expires_in_count >= sampled_max; };
  at.active->for_each_due(
      INT64_MAX, [&](const MemEntry& entry) { sample(entry.key(), entry.expires_at_ms()); }, is_enough);
  at.due.for_each_through(
      INT64_MAX, [&](const DueKeys::Due& due) { sample(due.tree_key, due.due_ms); }, is_enough);
  const uint32_t slot = slot_of(bucket);
  if (slot < at.usage.size() && at.usage[slot].bucket == bucket) {
    usage.operations = at.usage[slot].operations;
    usage.hits = at.usage[slot].hits;
  }
  return usage;
}

}  // namespace sett::storage
