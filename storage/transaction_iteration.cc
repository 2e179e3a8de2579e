// A run that goes through a bucket: what the store has, with what the run has staged.
#include <algorithm>
#include <cassert>
#include <map>

#include "storage/transaction.h"

namespace sett::storage {

uint64_t Transaction::scan(Bucket bucket, uint64_t position, uint64_t entries_max, const Store::ScanVisitor& visit,
                           std::string_view prefix, bool values) {
  OpenBucket& open = buckets_[bucket];
  if (open.id == no_bucket) return 0;
  Store& store = *open.store;
  depend_on(store, store.journal().last());
  const bool fresh = is_fresh(store, open.id);
  const bool ordered = store.capabilities().ordered;
  if (!fresh && !(ordered ? require_all(store) : require_shard(store, store.scan_shard(position)))) return 0;
  const Store::Scan request{open.id, position, entries_max, now_ms_, prefix, values};
  if (batch_.empty()) {
    const uint64_t next = store.scan(request, visit, needs_of(store));
    fetch_if_needed();
    return verdict_ == Verdict::good ? next : 0;  // who goes on to the end comes to one in a void run too
  }
  fold_staged();
  const auto view = [](const Staged& state) {
    return EntryView{state.value, state.value.size(), state.expires_at_ms, 0};
  };
  if (position == 0) {  // what only the overlay has comes first, once
    for (const auto& [key, state] : overlay_) {
      if (!state.present || key.store != &store || key.bucket != open.id) continue;
      if (!stored(store, open.id, key.key, Part::presence)) visit(key.key, view(state));
    }
  }
  if (fresh) return 0;
  const auto visit_staged = [&](std::string_view key, const EntryView& entry) {
    const Staged* state = staged(store, open.id, key);
    if (!state)
      visit(key, entry);
    else if (state->present)
      visit(key, view(*state));
  };
  const uint64_t next = store.scan(request, visit_staged, needs_of(store));
  fetch_if_needed();
  return verdict_ == Verdict::good ? next : 0;
}

bool Transaction::walk(Bucket bucket, Store::Walk walk, const Store::WalkVisitor& visit, std::string& next) {
  OpenBucket& open = buckets_[bucket];
  Store& store = *open.store;
  assert(store.capabilities().ordered);
  depend_on(store, store.journal().last());
  if (open.id == no_bucket || !require_all(store)) return false;
  walk.bucket = open.id;
  walk.now_ms = now_ms_;
  if (!batch_.empty()) return walk_with_staged(open, walk, visit, next);
  const bool goes_on = store.walk(walk, visit, next, needs_of(store));
  fetch_if_needed();
  return verdict_ == Verdict::good && goes_on;
}

// What the store has up to `next`, and between it what is staged.
bool Transaction::walk_with_staged(const OpenBucket& open, const Store::Walk& walk, const Store::WalkVisitor& visit,
                                   std::string& next) {
  fold_staged();
  struct Kept {
    std::string value;
    EntryView view;
  };
  std::map<std::string, Kept> found;
  const auto keep_entry = [&](std::string_view key, const EntryView& entry) {
    Kept& kept = found[std::string(key)];
    kept.value = entry.value;
    kept.view = entry;
    return true;
  };
  bool goes_on = false;
  if (!is_fresh(*open.store, open.id)) goes_on = open.store->walk(walk, keep_entry, next, needs_of(*open.store));
  fetch_if_needed();
  if (verdict_ != Verdict::good) return false;
  for (const auto& [key, state] : overlay_) {
    if (key.store != open.store || key.bucket != open.id) continue;
    const bool is_from_there = walk.backward ? walk.from_end || key.key < walk.from : key.key >= walk.from;
    const bool is_up_to_next = !goes_on || (walk.backward ? key.key >= next : key.key < next);
    if (!is_from_there || !is_up_to_next) continue;
    if (state.present)
      keep_entry(key.key, {state.value, state.value.size(), state.expires_at_ms, 0});
    else
      found.erase(key.key);
  }
  const auto show = [&](const auto& of_key) {
    EntryView view = of_key.second.view;
    view.value = of_key.second.value;
    return visit(of_key.first, view);
  };
  return (walk.backward ? std::all_of(found.rbegin(), found.rend(), show)
                        : std::all_of(found.begin(), found.end(), show)) &&
         goes_on;
}

int64_t Transaction::count(Bucket bucket, ShardIndex shard) {
  OpenBucket& open = buckets_[bucket];
  if (open.id == no_bucket) return 0;
  Store& store = *open.store;
  depend_on(store, store.journal().last());
  if (!require_shard(store, shard)) return 0;
  int64_t keys = 0;
  if (!is_fresh(store, open.id)) keys = store.count(open.id, shard, now_ms_, needs_of(store));
  fetch_if_needed();
  if (batch_.empty()) return keys;
  fold_staged();
  for (const auto& [key, state] : overlay_) {
    if (key.store != &store || key.bucket != open.id || store.shard_of(key.key) != shard) continue;
    const bool was_present = stored(store, open.id, key.key, Part::presence).present;
    if (state.present && !was_present) ++keys;
    if (!state.present && was_present) --keys;
  }
  return keys;
}

bool Transaction::sample(Bucket bucket, ShardIndex shard, Random& random, std::string& key) {
  OpenBucket& open = buckets_[bucket];
  if (open.id == no_bucket) return false;
  depend_on(*open.store, open.store->journal().last());
  if (!require_shard(*open.store, shard)) return false;
  if (open.store->capabilities().ordered && !require_all(*open.store)) return false;
  if (batch_.empty()) {
    const bool found = open.store->sample(open.id, shard, now_ms_, random, key, needs_of(*open.store));
    fetch_if_needed();
    return found;
  }
  // With something staged, a key that survives the overlay: the first of the shard in the store's order or the
  // overlay's.
  std::vector<std::string> keys;
  uint64_t position = 0;
  do {
    if (position != 0 && open.store->scan_shard(position) > shard) break;
    position = scan(bucket, position, 1024, [&](std::string_view found, const EntryView&) {
      if (open.store->capabilities().ordered || open.store->shard_of(found) == shard) keys.emplace_back(found);
    });
  } while (position != 0 && verdict_ == Verdict::good);
  if (keys.empty()) return false;
  key = keys[random.below(keys.size())];
  return true;
}

}  // namespace sett::storage
