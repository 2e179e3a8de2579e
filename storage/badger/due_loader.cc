#include "storage/badger/due_loader.h"

#include <algorithm>
#include <utility>

#include "storage/base/bytes.h"
#include "storage/keys/time_index.h"
#include "storage/lsm/tree_iterator.h"

namespace sett::storage {

namespace {
constexpr int64_t tick_ms = 200;
constexpr int64_t ahead_ms = 3000;      // so much is loaded ...
constexpr int64_t ahead_min_ms = 1000;  // ... when less than that is known
constexpr uint64_t entries_max = 20000;
constexpr size_t entries_per_step = 200;  // under one lock
constexpr int64_t lock_retry_ms = 1;
}  // namespace

void DueLoader::start() NO_THREAD_SAFETY_ANALYSIS {  // nobody else has the store yet
  for (ShardIndex i = 0; i < engine_.shard_count(); ++i) {
    const BadgerShard& at = engine_.shard(i);
    ends_.push_back({at.due.end_ms(), at.due.end_key()});
  }
  covered_ms_ = std::min_element(ends_.begin(), ends_.end())->ms;
  tick();
}

void DueLoader::load_now() {
  again_ = true;
  engine_.post(Executor::Lane::foreground, [this] {
    if (!busy_.load()) ended();
  });
}

void DueLoader::want(int64_t through_ms) {
  int64_t before = wanted_ms_;
  while (before < through_ms && !wanted_ms_.compare_exchange_weak(before, through_ms)) {
  }
}

bool DueLoader::covers_now() const {
  return std::max(engine_.clock_.wall_ms(), wanted_ms_.load()) < covered_ms_.load(std::memory_order_acquire);
}

void DueLoader::tick() {
  load_now();
  engine_.post(
      Executor::Lane::foreground, [this] { tick(); }, tick_ms);
}

// On the foreground lane: a stretch has been handed out, or none is under way.
void DueLoader::ended() {
  if (busy_.exchange(true)) return;
  const Place from = *std::min_element(ends_.begin(), ends_.end());
  covered_ms_.store(from.ms, std::memory_order_release);
  again_ = false;
  const bool is_enough = from.ms >= engine_.clock_.wall_ms() + ahead_min_ms && from.ms > wanted_ms_;
  if (is_enough || engine_.closing_) {
    busy_ = false;
    return;
  }
  engine_.post(Executor::Lane::read, [this, from] { load(from); });
}

void DueLoader::load(const Place& from) {
  auto stretch = std::make_shared<Stretch>();
  stretch->version = engine_.visible_version();
  stretch->due.resize(engine_.shard_count());
  const int64_t wanted_ms = wanted_ms_;
  const int64_t wanted_end_ms = wanted_ms == INT64_MIN ? INT64_MIN : wanted_ms + 1;
  stretch->end = {std::max({from.ms, engine_.clock_.wall_ms() + ahead_ms, wanted_end_ms}), {}};
  const std::string behind = time_index_key(stretch->end.ms, {});
  TreeIterator tree(engine_.reader_, stretch->version, Access::load);
  uint64_t entries = 0;
  Place last;
  auto state = tree.seek(time_index_key(from.ms, from.key));
  for (; state == TreeIterator::State::at_entry && tree.key() < behind; state = tree.next()) {
    if (tree.entry().kind == TableEntry::Kind::tombstone) continue;
    const std::string_view key = due_key_of(tree.key());
    const int64_t due_ms = due_ms_of(tree.key());
    if (entries == entries_max) {
      stretch->end = last;
      break;
    }
    ++entries;
    last = {due_ms, std::string(key)};
    ByteReader value(tree.entry().value);
    const uint64_t value_bytes = value.varint();
    stretch->due[engine_.shard_of(user_key(key))].push_back({due_ms, std::string(key), value_bytes});
  }
  is_failing_ = state == TreeIterator::State::failed;
  if (is_failing_) {
    // Damage or a disk that does not read: what is due stays invisible all the same. Tried again at the next tick.
    busy_ = false;
    return;
  }
  engine_.post(Executor::Lane::foreground, [this, stretch] { hand_out(stretch); });
}

void DueLoader::hand_out(const std::shared_ptr<Stretch>& stretch) {
  while (stretch->shard < engine_.shard_count()) {
    const ShardIndex index = stretch->shard;
    BadgerShard& at = engine_.shard(index);
    if (!at.lock.try_lock()) {
      engine_.post(
          Executor::Lane::foreground, [this, stretch] { hand_out(stretch); }, lock_retry_ms);
      return;
    }
    const bool fits = at.version == stretch->version;
    auto& due = stretch->due[index];
    if (fits) {
      size_t some = entries_per_step;
      for (; stretch->handed_out < due.size() && some > 0; ++stretch->handed_out, --some) {
        DueKeys::Due& one = due[stretch->handed_out];
        if (at.due.covers(one.due_ms, one.tree_key)) continue;  // this shard was ahead of others
        at.due.cover(one.due_ms, one.tree_key);
        at.due.add(std::move(one));
      }
      if (stretch->handed_out == due.size() && !at.due.covers(stretch->end.ms, stretch->end.key))
        at.due.cover(stretch->end.ms, stretch->end.key);
      ends_[index] = {at.due.end_ms(), at.due.end_key()};
    }
    at.release(index);
    if (!fits) {  // the tables have changed: from where each shard is
      busy_ = false;
      return ended();
    }
    if (stretch->handed_out < due.size()) {
      engine_.post(Executor::Lane::foreground, [this, stretch] { hand_out(stretch); });
      return;
    }
    ++stretch->shard;
    stretch->handed_out = 0;
  }
  busy_ = false;
  ended();
}

}  // namespace sett::storage
