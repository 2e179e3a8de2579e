#include "storage/lsm/tree_iterator.h"

#include <cassert>

namespace sett::storage {

using State = TreeIterator::State;

TreeIterator::TreeIterator(const TreeReader& reader, VersionPtr version, Access access, Pins* pins)
    : version_(std::move(version)) {
  const auto add = [&](std::span<const TableFilePtr> run) { runs_.emplace_back(reader.loader(), run, access, pins); };
  for (const Version::Tables& run : version_->level0_runs()) add(run);
  for (int level = 1; level < levels_max; ++level)
    if (!version_->level(level).empty()) add(version_->level(level));
}

// False: the iterator has no place any more.
template <typename Move>
bool TreeIterator::move(RunCursor& run, const Move& how) {
  const State state = how(run);
  if (state == State::at_entry || state == State::end) return true;
  state_ = state;
  status_ = run.status();
  return false;
}

template <typename Move>
State TreeIterator::move_all(bool forward, const Move& how) {
  forward_ = forward;
  status_ = {};
  for (RunCursor& run : runs_)
    if (!move(run, how)) return state_;
  return choose();
}

template <typename Move>
State TreeIterator::move_on(const Move& how) {
  assert(state_ == State::at_entry);
  for (const size_t hidden : hidden_)
    if (!move(runs_[hidden], how)) return state_;
  if (!move(runs_[at_], how)) return state_;
  return choose();
}

// The next key on the way, shown by the newest run that has it.
State TreeIterator::choose() {
  state_ = State::end;
  hidden_.clear();
  for (size_t i = 0; i < runs_.size(); ++i) {
    if (runs_[i].state() != State::at_entry) continue;
    const int order = state_ == State::end ? -1 : runs_[i].key().compare(runs_[at_].key());
    if (order == 0) {
      hidden_.push_back(i);
    } else if (state_ == State::end || (order < 0) == forward_) {
      state_ = State::at_entry;
      at_ = i;
      hidden_.clear();
    }
  }
  return state_;
}

State TreeIterator::seek(std::string_view tree_key) {
  return move_all(true, [&](RunCursor& run) { return run.seek(tree_key); });
}

State TreeIterator::seek_before(std::string_view tree_key) {
  return move_all(false, [&](RunCursor& run) { return run.seek_before(tree_key); });
}

State TreeIterator::next() {
  assert(forward_);
  return move_on([](RunCursor& run) { return run.next(); });
}

State TreeIterator::prev() {
  assert(!forward_);
  return move_on([](RunCursor& run) { return run.prev(); });
}

}  // namespace sett::storage
