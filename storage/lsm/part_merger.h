#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "storage/memtable/memtable.h"

namespace sett::storage {

// The entries of sealed memtables in the order of their keys. Belongs to one thread.
class PartMerger {
 public:
  // The parts of one memtable: no key is in two of them.
  using Parts = std::vector<const Memtable*>;
  // From the newest memtable to the oldest. They outlive it, and nobody changes them.
  explicit PartMerger(const std::vector<Parts>& memtables);

  // All there is of the next key, the newest first: one entry of a memtable at most. Empty: that was all. Holds until
  // the next call.
  const std::vector<const MemEntry*>& next();

 private:
  struct Head {
    std::string_view key;
    size_t age;  // of an older memtable it is more
    const MemEntry* entry;
    Memtable::Cursor cursor;
  };
  static bool step(Head& head);
  static bool is_before(const Head& a, const Head& b) {
    const int order = a.key.compare(b.key);
    return order != 0 ? order < 0 : a.age < b.age;
  }
  void sink(size_t at);
  void take_first();

  std::vector<Head> heads_;  // a heap, the first one first
  std::vector<const MemEntry*> next_;
};

}  // namespace sett::storage
