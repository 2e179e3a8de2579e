#include "storage/badger/ordered_walk.h"

#include <algorithm>
#include <utility>

#include "storage/keys/tree_key.h"

namespace sett::storage {

OrderedWalk::OrderedWalk(BadgerEngine& engine, BucketId bucket, int64_t now_ms,
                         bool with_values) NO_THREAD_SAFETY_ANALYSIS  // under all locks
    : engine_(engine),
      bucket_(bucket),
      now_ms_(now_ms),
      with_values_(with_values),
      tree_(engine.reader_, engine.shard(0).version, Access::memory_only) {}

// Whether a comes after b: by key, and of one key the newer part comes first.
bool OrderedWalk::is_behind(const Source& a, const Source& b) const {
  const std::string_view first = a.entry->key(), second = b.entry->key();
  if (first != second) return backward_ ? first < second : first > second;
  return a.age > b.age;
}

void OrderedWalk::push(Source source) {
  if (!source.entry || bucket_of(source.entry->key()) != bucket_) return;
  sources_.push_back(source);
  std::push_heap(sources_.begin(), sources_.end(),
                 [this](const Source& a, const Source& b) { return is_behind(a, b); });
}

OrderedWalk::Source OrderedWalk::pop() {
  std::pop_heap(sources_.begin(), sources_.end(), [this](const Source& a, const Source& b) { return is_behind(a, b); });
  const Source source = sources_.back();
  sources_.pop_back();
  return source;
}

const MemEntry* OrderedWalk::follow(const Memtable& part, std::string_view tree_key) const {
  return backward_ ? part.before(tree_key) : part.at_or_after(tree_key, true);
}

OrderedWalk::Step OrderedWalk::miss(std::string_view tree_key, Part part) {
  need_ = {bucket_, std::string(user_key(tree_key)), part, backward_};
  return Step::missing;
}

OrderedWalk::Step OrderedWalk::begin(std::string_view from, bool backward) {
  return begin_at(tree_key(bucket_, from), backward);
}

OrderedWalk::Step OrderedWalk::begin_at_end() {
  return begin_at(tree_key(bucket_ + 1, {}), true);
}

OrderedWalk::Step OrderedWalk::begin_at(std::string_view place,
                                        bool backward) NO_THREAD_SAFETY_ANALYSIS {  // under all locks
  backward_ = backward;
  sources_.clear();
  for (auto& at : engine_.shards_) {
    const auto add = [&](const Memtable& part, size_t age) {
      push({at.get(), age, &part, backward ? part.before(place) : part.at_or_after(place)});
    };
    add(*at->active, 0);
    for (size_t i = 0; i < at->sealed.size(); ++i) add(*at->sealed[i].part, at->sealed.size() - i);
  }
  tree_key_ = place;
  const auto state = backward ? tree_.seek_before(place) : tree_.seek(place);
  tree_missing_ = state == TreeIterator::State::missing || state == TreeIterator::State::failed;
  return take();
}

OrderedWalk::Step OrderedWalk::next() {
  return take();
}

void OrderedWalk::step_tree() {
  tree_key_.assign(tree_.key());
  if (!backward_) tree_key_.push_back('\0');  // the next key there can be
  const auto state = backward_ ? tree_.prev() : tree_.next();
  tree_missing_ = state == TreeIterator::State::missing || state == TreeIterator::State::failed;
}

// The next key, of whatever has it.
OrderedWalk::Step OrderedWalk::take() {
  if (tree_missing_) return miss(tree_key_, Part::range);
  const bool tree_has_one = tree_.state() == TreeIterator::State::at_entry && bucket_of(tree_.key()) == bucket_;
  if (sources_.empty() && !tree_has_one) return Step::end;
  const bool memtable_is_first =
      !sources_.empty() && (!tree_has_one || (backward_ ? sources_.front().entry->key() >= tree_.key()
                                                        : sources_.front().entry->key() <= tree_.key()));
  if (!memtable_is_first) return resolve_tree();
  const Source newest = pop();
  key_.assign(newest.entry->key());
  while (!sources_.empty() && sources_.front().entry->key() == key_) {
    Source older = pop();
    older.entry = follow(*older.part, key_);
    push(older);
  }
  const bool tree_too = tree_has_one && tree_.key() == key_;
  BadgerShard& at = *newest.shard;
  at.lock.assert_held();
  found_ = engine_.from_entry(at, *newest.entry, at.sealed.size() - newest.age, newest.age == 0, with_values_);
  if (found_.kind == BadgerEngine::Found::Kind::missing) return miss(key_, with_values_ ? Part::value : Part::metadata);
  push({newest.shard, newest.age, newest.part, follow(*newest.part, key_)});
  if (tree_too) step_tree();
  return found_.is_live(now_ms_) ? Step::entry : Step::passed;
}

OrderedWalk::Step OrderedWalk::resolve_tree() {
  key_.assign(tree_.key());
  const TableEntry& entry = tree_.entry();
  found_ = {};
  if (entry.kind != TableEntry::Kind::tombstone) {
    found_ = {
        .kind = BadgerEngine::Found::Kind::entry, .sequence = entry.sequence, .expires_at_ms = entry.expires_at_ms};
    if (entry.kind == TableEntry::Kind::pointer) {
      found_.pointer = pointer_of(entry);
      found_.value_bytes = entry.value_bytes;
    } else {
      // The block may go when the tree moves on.
      value_ = entry.value;
      found_.has_value = true;
      found_.value = value_;
      found_.value_bytes = value_.size();
    }
    BadgerShard& at = engine_.shard(0);
    at.lock.assert_held();
    if (with_values_) engine_.add_value(at, key_, found_);
    if (found_.kind == BadgerEngine::Found::Kind::missing) return miss(key_, Part::value);
  }
  step_tree();
  return found_.is_live(now_ms_) ? Step::entry : Step::passed;
}

Status load_range(const TreeReader& reader, const VersionPtr& version, std::string_view from, bool backward,
                  Pins& pins) {
  constexpr int keys_max = 512;
  TreeIterator tree(reader, version, Access::load, &pins);
  auto state = backward ? tree.seek_before(from) : tree.seek(from);
  for (int keys = 0; keys < keys_max && state == TreeIterator::State::at_entry; ++keys) {
    if (bucket_of(tree.key()) != bucket_of(from)) break;
    state = backward ? tree.prev() : tree.next();
  }
  return tree.status();
}

}  // namespace sett::storage
