#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "storage/store.h"

namespace sett::server {

// Which bytes of a connection's output show what a crash could still take back. The output leaves when every gate is
// open; when a log has failed for good, the replies that depended on it are replaced by an error and the others stay.
// One thread.
class ReplyGates {
 public:
  void add(size_t begin, size_t end, storage::Store& store, storage::Sequence sequence) {
    gates_.push_back({begin, end, &store, sequence});
  }
  bool empty() const { return gates_.empty(); }
  void clear() { gates_.clear(); }
  // Of replies that were taken back.
  void forget_from(size_t begin) {
    while (!gates_.empty() && gates_.back().begin >= begin) gates_.pop_back();
  }

  // All that the replies depend on is safe.
  bool open() const {
    for (const Gate& gate : gates_)
      if (gate.store->journal().safe() < gate.sequence) return false;
    return true;
  }
  // Some gate will never open.
  bool broken() const {
    for (const Gate& gate : gates_)
      if (gate.store->journal().failed() && gate.store->journal().safe() < gate.sequence) return true;
    return false;
  }
  // Puts `error_line` in the place of each reply whose gate will never open, and forgets those gates.
  void replace_broken(std::string& output, std::string_view error_line);

 private:
  struct Gate {
    size_t begin, end;
    storage::Store* store;
    storage::Sequence sequence;
  };
  std::vector<Gate> gates_;  // ascending begin; one reply may have several
};

}  // namespace sett::server
