#include "storage/transaction.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace sett::storage {

void Transaction::begin(const LockSet& held, int64_t wall_ms) {
  held_ = &held;
  verdict_ = Verdict::good;
  buckets_.clear();
  if (!by_name_.empty()) by_name_.clear();
  batch_.clear();
  owners_.clear();
  borrowing_.clear();
  refusing_ = nullptr;
  folded_ = 0;
  if (!overlay_.empty()) overlay_.clear();
  fresh_.clear();
  if (!kept_.empty()) kept_.clear();
  needs_.clear();
  missing_.clear();
  dependencies_.clear();
  committed_ = {};
  // The highest floor of all shards judges the whole run, so that no shard's time steps back.
  now_ms_ = wall_ms;
  for (const auto& item : held) now_ms_ = item.store->raise_clock(item.shard, now_ms_);
  if (held.size() > 1)
    for (const auto& item : held) item.store->raise_clock(item.shard, now_ms_);
}

Transaction::Bucket Transaction::bucket(std::string_view name) {
  constexpr size_t searched_max = 8;  // beyond, a table is faster
  if (by_name_.empty()) {
    for (size_t i = 0; i < buckets_.size(); ++i)
      if (buckets_[i].name == name) return static_cast<Bucket>(i);
  } else if (const auto at = by_name_.find(name); at != by_name_.end()) {
    return at->second;
  }
  Store& store = router_->store_of(name);
  buckets_.push_back({name, &store, store.find_bucket(name)});
  // That a bucket is not there may be the work of a drop that is not safe yet.
  if (buckets_.back().id == no_bucket) depend_on(store, store.journal().last());
  if (buckets_.size() > searched_max)
    for (size_t i = by_name_.size(); i < buckets_.size(); ++i) by_name_.emplace(buckets_[i].name, i);
  return static_cast<Bucket>(buckets_.size() - 1);
}

void Transaction::make_void(Verdict verdict) {
  if (verdict_ == Verdict::good || verdict == Verdict::needs_shards) verdict_ = verdict;
}

bool Transaction::is_fresh(const Store& store, BucketId id) const {
  for (const FreshBuckets& own : fresh_)
    if (own.store == &store) return own.count > 0 && generation_of(id) >= own.first_generation;
  return false;
}

void Transaction::depend_on(Store& store, Sequence sequence) {
  for (Dependency& dependency : dependencies_) {
    if (dependency.store == &store) {
      dependency.sequence = std::max(dependency.sequence, sequence);
      return;
    }
  }
  dependencies_.push_back({&store, sequence});
}

// --- Keys

Transaction::Read Transaction::stored(Store& store, BucketId bucket, std::string_view key, Part part) {
  if (bucket == no_bucket || is_fresh(store, bucket)) return {};
  if (!require_shard(store, store.shard_of(key))) return {};
  const ReadResult result = store.read(bucket, key, part, now_ms_);
  if (result.kind == ReadResult::Kind::need) {
    needs_of(store).push_back({bucket, std::string(key), part});
    make_void(Verdict::needs_fetch);
    return {};
  }
  if (result.kind == ReadResult::Kind::needs_shards) {
    [[maybe_unused]] const bool held_all = require_all(store);
    assert(!held_all);
    return {};
  }
  depend_on(store, result.depends_on);
  if (result.kind == ReadResult::Kind::absent) return {};
  return {true, result.entry, nullptr};
}

std::vector<Need>& Transaction::needs_of(Store& store) {
  for (auto& [of_store, needs] : needs_)
    if (of_store == &store) return needs;
  return needs_.emplace_back(&store, std::vector<Need>()).second;
}

// After a call that may have added to the needs.
void Transaction::fetch_if_needed() {
  std::erase_if(needs_, [](const auto& of_store) { return of_store.second.empty(); });
  if (!needs_.empty()) make_void(Verdict::needs_fetch);
}

Transaction::Read Transaction::peek(Bucket bucket, std::string_view key, Part part) {
  OpenBucket& open = buckets_[bucket];
  if (!batch_.empty()) {
    fold_staged();
    if (Staged* found = staged(*open.store, open.id, key)) {
      if (!found->present) return {};
      return {true, {found->value, found->value.size(), found->expires_at_ms, 0}, found};
    }
  }
  return stored(*open.store, open.id, key, part);
}

Transaction::Read Transaction::read(Bucket bucket, std::string_view key, Part part) {
  const Read result = peek(bucket, key, part);
  ++(result.present ? buckets_[bucket].hits : buckets_[bucket].misses);
  return result;
}

std::string_view Transaction::keep(std::string bytes) {
  return kept_.emplace_back(std::move(bytes));
}

bool Transaction::require_shard(Store& store, ShardIndex shard) {
  if (held_->contains(store, shard)) return true;
  missing_.push_back({&store, shard});
  make_void(Verdict::needs_shards);
  return false;
}

void Transaction::stage(Store& store, const Mutation& mutation, bool borrows) {
  if (mutation.kind != Mutation::Kind::bind && !require_shard(store, store.shard_of(mutation.key))) return;
  if (!owners_.empty() && owners_.front() != &store) refuse_several_stores(store);
  if (borrows) borrowing_.push_back(batch_.size());
  batch_.push_back(mutation);
  owners_.push_back(&store);
}

bool Transaction::require_all(Store& store) {
  if (held_->contains_all(store)) return true;
  for (ShardIndex shard = 0; shard < store.shard_count(); ++shard) missing_.push_back({&store, shard});
  make_void(Verdict::needs_shards);
  return false;
}

// Were there two that may refuse, the second could do so after the first has committed; and then the run can neither be
// taken back nor taken again.
void Transaction::refuse_several_stores(Store& store) {
  if (!refusing_ && owners_.front()->capabilities().may_refuse) refusing_ = owners_.front();
  if (!store.capabilities().may_refuse) return;
  if (refusing_ && refusing_ != &store) make_void(Verdict::several_stores);
  refusing_ = &store;
}

Transaction::FreshBuckets& Transaction::fresh(Store& store) {
  for (FreshBuckets& own : fresh_)
    if (own.store == &store) return own;
  return fresh_.emplace_back(FreshBuckets{&store, 0, 0, 0});
}

BucketId Transaction::propose(Store& store, bool adds_name) {
  FreshBuckets& own = fresh(store);
  const int names = own.names_added + (adds_name ? 1 : 0);
  const BucketId id = store.propose_bucket(own.count, static_cast<uint32_t>(std::max(0, names)));
  if (id == no_bucket) {
    make_void(Verdict::too_many_buckets);
    return id;
  }
  if (own.count++ == 0) own.first_generation = generation_of(id);
  own.names_added = names;
  return id;
}

bool Transaction::bind(OpenBucket& bucket, BucketId id, Event event) {
  stage(*bucket.store, {.kind = Mutation::Kind::bind, .event = event, .bucket = id, .key = bucket.name});
  bucket.id = id;
  return true;
}

bool Transaction::ensure_exists(OpenBucket& bucket) {
  if (bucket.id != no_bucket) return true;
  if (!require_all(*bucket.store)) return false;
  const BucketId id = propose(*bucket.store, true);
  return id != no_bucket && bind(bucket, id, Event::none);
}

void Transaction::put(Bucket bucket, std::string_view key, std::string_view value, int64_t expires_at_ms, Event event) {
  if (expires_at_ms != 0 && expires_at_ms <= now_ms_) return remove(bucket, key, Event::del);
  OpenBucket& open = buckets_[bucket];
  if (!ensure_exists(open)) return;
  stage(*open.store, {.kind = Mutation::Kind::put,
                      .event = event,
                      .bucket = open.id,
                      .key = key,
                      .value = value,
                      .expires_at_ms = expires_at_ms});
}

void Transaction::splice(Bucket bucket, std::string_view key, uint64_t offset, std::string_view bytes,
                         uint64_t new_length, Event event) {
  OpenBucket& open = buckets_[bucket];
  if (open.id == no_bucket) return;  // only of a void run: there is nothing to splice into
  stage(*open.store, {.kind = Mutation::Kind::splice,
                      .event = event,
                      .bucket = open.id,
                      .key = key,
                      .value = bytes,
                      .offset = offset,
                      .new_length = new_length});
}

void Transaction::expire(Bucket bucket, std::string_view key, int64_t expires_at_ms, Event event) {
  if (expires_at_ms != 0 && expires_at_ms <= now_ms_) return remove(bucket, key, Event::del);
  OpenBucket& open = buckets_[bucket];
  if (open.id == no_bucket) return;
  stage(
      *open.store,
      {.kind = Mutation::Kind::expire, .event = event, .bucket = open.id, .key = key, .expires_at_ms = expires_at_ms});
}

void Transaction::remove(Bucket bucket, std::string_view key, Event event) {
  OpenBucket& open = buckets_[bucket];
  if (open.id == no_bucket) return;
  stage(*open.store, {.kind = Mutation::Kind::remove, .event = event, .bucket = open.id, .key = key});
}

// What was read from the store was not changed by this run before (else it would have been read from the overlay), and
// may be staged as it is. What the overlay borrowed from the store may have been, and what it has made itself it may
// change again.
void Transaction::copy(Bucket bucket, std::string_view key, Bucket from, const Read& entry, int64_t expires_at_ms,
                       Event event) {
  OpenBucket& open = buckets_[bucket];
  if (!ensure_exists(open)) return;
  const bool borrows = !entry.staged && buckets_[from].store == open.store;
  std::string_view value = entry->value;
  if (entry.staged && !entry.staged->borrowed)
    entry.staged->own = nullptr;
  else if (!borrows)
    value = keep(std::string(value));
  stage(*open.store,
        {.kind = Mutation::Kind::put,
         .event = event,
         .bucket = open.id,
         .key = key,
         .value = value,
         .expires_at_ms = expires_at_ms},
        borrows);
}

void Transaction::move(const Place& from, const Read& entry, const Place& to) {
  if (!ensure_exists(buckets_[to.bucket])) return;
  remove(from.bucket, from.key, from.event);  // the put right behind it: see Store::commit
  copy(to.bucket, to.key, from.bucket, entry, entry->expires_at_ms, to.event);
}

// --- Buckets

void Transaction::flush(Bucket bucket) {
  OpenBucket& open = buckets_[bucket];
  if (open.id == no_bucket || !require_all(*open.store) || is_empty(open)) return;
  const BucketId id = propose(*open.store, false);
  if (id != no_bucket) bind(open, id, Event::flushed);
}

// Nothing in it, not even what has expired, and nothing staged. All shards are held.
bool Transaction::is_empty(const OpenBucket& open) {
  Store& store = *open.store;
  for (size_t i = 0; i < batch_.size(); ++i)
    if (owners_[i] == &store && batch_[i].bucket == open.id) return false;
  if (store.may_hold_keys(open.id)) return false;
  depend_on(store, store.journal().last());
  return true;
}

void Transaction::drop(Bucket bucket) {
  OpenBucket& open = buckets_[bucket];
  if (open.id == no_bucket || !require_all(*open.store)) return;
  bind(open, no_bucket, Event::flushed);
  --fresh(*open.store).names_added;
}

void Transaction::swap(Bucket a, Bucket b) {
  if (a == b) return;
  OpenBucket& first = buckets_[a];
  OpenBucket& second = buckets_[b];
  assert(first.store == second.store);
  if (!require_all(*first.store)) return;
  if (first.id == second.id) return;  // neither is there
  // A bucket that is not there is not there under the other name afterwards: its bind, to nothing, comes last, so that
  // the other's data always has a name.
  OpenBucket& earlier = second.id != no_bucket ? first : second;
  OpenBucket& later = second.id != no_bucket ? second : first;
  const BucketId id = earlier.id;
  bind(earlier, later.id, Event::flushed);
  bind(later, id, Event::flushed);
}

// --- The overlay

void Transaction::fold_staged() {
  for (; folded_ < batch_.size(); ++folded_) {
    const bool borrows = std::binary_search(borrowing_.begin(), borrowing_.end(), folded_);
    fold(*owners_[folded_], batch_[folded_], borrows);
  }
}

Transaction::Staged* Transaction::staged(Store& store, BucketId bucket, std::string_view key) {
  const auto at = overlay_.find(StagedKey{&store, bucket, std::string(key)});
  return at == overlay_.end() ? nullptr : &at->second;
}

void Transaction::fold(Store& store, const Mutation& mutation, bool borrows) {
  if (mutation.kind == Mutation::Kind::bind || mutation.kind == Mutation::Kind::expiry_pass) return;
  const auto [at, is_new] = overlay_.try_emplace(StagedKey{&store, mutation.bucket, std::string(mutation.key)});
  Staged& state = at->second;
  const bool builds_on_base = mutation.kind == Mutation::Kind::splice || mutation.kind == Mutation::Kind::expire;
  if (is_new && builds_on_base) {
    if (const Read base = stored(store, mutation.bucket, mutation.key, Part::value))
      state = {.present = true, .value = base->value, .expires_at_ms = base->expires_at_ms, .borrowed = true};
  }
  switch (mutation.kind) {
    case Mutation::Kind::put:
      state = {.present = true, .value = mutation.value, .expires_at_ms = mutation.expires_at_ms, .borrowed = borrows};
      break;
    case Mutation::Kind::splice:
      if (state.present) fold_splice(state, mutation);
      break;
    case Mutation::Kind::expire:
      if (state.present) state.expires_at_ms = mutation.expires_at_ms;
      break;
    default:
      state = {};
      break;
  }
}

// In place, unless the value is somebody else's.
void Transaction::fold_splice(Staged& state, const Mutation& mutation) {
  if (!state.own) {
    std::string next;
    next.reserve(mutation.new_length);
    next.append(state.value.substr(0, mutation.new_length));
    state.own = &kept_.emplace_back(std::move(next));
    state.borrowed = false;
  }
  state.own->resize(mutation.new_length);
  if (!mutation.value.empty())
    std::memcpy(state.own->data() + mutation.offset, mutation.value.data(), mutation.value.size());
  state.value = *state.own;
}

// --- The end of a run

void Transaction::add_missing_shards(LockSet& wanted) const {
  for (const auto& item : missing_) wanted.add(*item.store, item.shard);
}

uint64_t Transaction::hits() const {
  uint64_t sum = 0;
  for (const OpenBucket& bucket : buckets_) sum += bucket.hits;
  return sum;
}

uint64_t Transaction::misses() const {
  uint64_t sum = 0;
  for (const OpenBucket& bucket : buckets_) sum += bucket.misses;
  return sum;
}

CommitResult::Kind Transaction::commit_to(Store& store, std::span<const Mutation> batch) {
  const CommitResult result = store.commit(batch);
  if (result.kind == CommitResult::Kind::committed) {
    depend_on(store, result.sequence);
    committed_ = {&store, result.sequence};
  }
  return result.kind;
}

CommitResult::Kind Transaction::commit() {
  assert(verdict_ == Verdict::good);
  if (!batch_.empty()) {
    bool one_store = true;
    for (const Store* owner : owners_) one_store = one_store && owner == owners_.front();
    if (one_store) {
      const auto kind = commit_to(*owners_.front(), batch_);
      if (kind != CommitResult::Kind::committed) return kind;
    } else {
      std::vector<Store*> stores;
      for (Store* owner : owners_)
        if (std::find(stores.begin(), stores.end(), owner) == stores.end()) stores.push_back(owner);
      std::stable_partition(stores.begin(), stores.end(),
                            [](const Store* store) { return store->capabilities().may_refuse; });
      for (Store* store : stores) {
        std::vector<Mutation> own;
        for (size_t i = 0; i < batch_.size(); ++i)
          if (owners_[i] == store) own.push_back(batch_[i]);
        const auto kind = commit_to(*store, own);
        if (kind != CommitResult::Kind::committed) return kind;
      }
    }
  }
  for (const OpenBucket& bucket : buckets_) {
    if (bucket.id == no_bucket || bucket.hits + bucket.misses == 0) continue;
    for (const auto& item : *held_) {
      if (item.store != bucket.store) continue;
      item.store->note_usage(bucket.id, item.shard, bucket.hits, bucket.misses);
      break;
    }
  }
  return CommitResult::Kind::committed;
}

}  // namespace sett::storage
