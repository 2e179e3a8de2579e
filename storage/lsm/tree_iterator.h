#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "storage/lsm/run_cursor.h"
#include "storage/lsm/tree_reader.h"
#include "storage/lsm/version.h"

namespace sett::storage {

// All keys of a version in order, either way, each with its newest entry. Tombstones are shown: who merges with what
// is newer needs them. Belongs to one thread. Keeps the version alive, and in memory the blocks that it stands on.
//
// seek() begins a way forward, seek_before() one back: next() goes on with the one, prev() with the other.
// Where State is missing nothing but the place is lost: whoever iterates does the same seek, or one to behind the last
// key seen, with an iterator that loads and has pins, and then again from memory.
class TreeIterator {
 public:
  using State = RunCursor::State;

  // `reader` outlives it. `pins`, if given, gets every block that the iterator comes to, so that the same steps from
  // memory find them as long as they are kept; it grows with each step.
  TreeIterator(const TreeReader& reader, VersionPtr version, Access access, Pins* pins = nullptr);

  State seek(std::string_view tree_key);         // the first key that is not less
  State seek_before(std::string_view tree_key);  // the last key that is less
  State next();                                  // only where at_entry, on the way forward
  State prev();                                  // only where at_entry, on the way back

  State state() const { return state_; }
  const Status& status() const { return status_; }  // not ok: failed
  // Where at_entry, until it moves. The views too.
  std::string_view key() const { return runs_[at_].key(); }
  const TableEntry& entry() const { return runs_[at_].entry(); }

 private:
  template <typename Move>
  bool move(RunCursor& run, const Move& how);
  template <typename Move>
  State move_all(bool forward, const Move& how);
  template <typename Move>
  State move_on(const Move& how);
  State choose();

  const VersionPtr version_;
  std::vector<RunCursor> runs_;  // newest first
  State state_ = State::end;
  Status status_;
  bool forward_ = true;
  size_t at_ = 0;               // the run that shows its entry
  std::vector<size_t> hidden_;  // older runs that stand at the same key
};

}  // namespace sett::storage
