#pragma once

#include <cstdint>

#include "storage/base/due_heap.h"
#include "storage/hashtable/entry.h"

namespace sett::storage {

// The expiring entries of one table, soonest first.
using ExpiryHeap = DueHeap<Entry>;

// The one rule: an entry is invisible from its due millisecond on.
inline bool is_live(int64_t expires_at_ms, int64_t now_ms) {
  return expires_at_ms == 0 || expires_at_ms > now_ms;
}

}  // namespace sett::storage
