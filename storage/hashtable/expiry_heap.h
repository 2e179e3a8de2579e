#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "storage/hashtable/entry.h"

namespace sett::storage {

// The expiring entries of one table, soonest first: a heap with four children a node in which each entry knows its
// place, so that it is exact: no leftovers of overwritten or deleted entries. 16 bytes a key. Owns nothing; the table's
// lock covers it.
class ExpiryHeap {
 public:
  void add(Entry* entry);  // entry->expiring()
  void remove(const Entry* entry);
  void update(Entry* entry);                // after its expiry changed
  void move(const Entry* from, Entry* to);  // the same key at another address, maybe with another expiry
  Entry* first() const { return nodes_.empty() ? nullptr : nodes_[0].entry; }
  int64_t first_ms() const { return nodes_.empty() ? INT64_MAX : nodes_[0].expires_at_ms; }
  size_t size() const { return nodes_.size(); }
  // How many expire at `now_ms` or before: exactly is_live's rule. Costs what it finds.
  uint64_t due(int64_t now_ms) const;
  // Sum and number of the times left over an even sample of at most `limit` entries not yet due.
  void sample_time_left(int64_t now_ms, size_t limit, int64_t& sum_ms, uint64_t& count) const;
  uint64_t overhead_bytes() const { return nodes_.capacity() * sizeof(Node); }

 private:
  static constexpr size_t arity = 4;
  struct Node {
    int64_t expires_at_ms;
    Entry* entry;
  };
  void place(size_t index, Node node);
  void sift_up(size_t index, Node node);
  void sift_down(size_t index, Node node);
  void settle(size_t index, Node node);

  std::vector<Node> nodes_;
};

// The one rule: an entry is invisible from its due millisecond on.
inline bool is_live(int64_t expires_at_ms, int64_t now_ms) {
  return expires_at_ms == 0 || expires_at_ms > now_ms;
}

}  // namespace sett::storage
