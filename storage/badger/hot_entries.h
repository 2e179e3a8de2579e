#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/log/journal.h"

namespace sett::storage {

// Entries of tables that are read again and again, each by itself: found by one look, without filters and blocks. What
// is here is what all tables together say of the key, since whoever writes to a key erases it. Belongs to the lock of
// its shard.
class HotEntries {
 public:
  using Bytes = std::shared_ptr<const std::string>;
  struct Entry {
    std::string_view value;
    int64_t expires_at_ms = 0;
    Sequence sequence = 0;
    Bytes bytes = {};  // of what is found: the value is in there, and holds as long as somebody has it
  };
  // Larger values are not worth the copy: their blocks are found soon enough.
  static constexpr size_t value_bytes_max = 4096;

  // `hash`: filter_hash of the key, everywhere. nullptr: not here. Until the next call of anything but find().
  const Entry* find(uint64_t hash, std::string_view tree_key);
  // Have the processor fetch what find() will touch, the second once the first is there. False: the key of this
  // hash is not here.
  void prefetch(uint64_t hash) const;
  bool prefetch_entry(uint64_t hash) const;
  // An entry that was just read from tables: taken in if it was offered before, not long ago.
  void offer(uint64_t hash, std::string_view tree_key, const Entry& entry);
  void erase(uint64_t hash, std::string_view tree_key);
  // Of entries with all that they take here; at first none. Less than there is now: some go.
  void set_capacity(uint64_t bytes);

  bool empty() const { return bytes() == 0; }
  // From any thread.
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  uint64_t hits() const { return hits_.load(std::memory_order_relaxed); }

 private:
  struct Slot {
    uint64_t hash = 0;
    size_t key_bytes = 0;
    Entry entry;  // its bytes are the key and the value; none: the slot is free
    uint8_t uses = 0;
  };
  // At most so many sets that the step of growing to them stays short.
  static constexpr size_t slots_per_set = 4, sets_min = 16, sets_max = 4096;
  static constexpr uint8_t uses_max = 3;
  static constexpr size_t marks = 4096;

  // Where the set of that hash begins; there are slots.
  size_t set_of(uint64_t hash) const { return (hash & (slots_.size() / slots_per_set - 1)) * slots_per_set; }
  Slot* lookup(uint64_t hash, std::string_view tree_key);
  Slot& place_for(uint64_t hash);
  void fill(Slot& slot, uint64_t hash, std::string_view tree_key, const Entry& entry);
  void clear(Slot& slot);
  void grow();
  void evict_until_it_fits();
  static uint64_t charged(const Slot& slot);

  std::vector<Slot> slots_;      // sets in a row; a power of two of them
  std::vector<uint32_t> marks_;  // of what was offered once
  uint64_t capacity_ = 0;
  std::atomic<uint64_t> bytes_{0}, hits_{0};  // changed under the lock
  size_t hand_ = 0;                           // where the next eviction looks first
};

}  // namespace sett::storage
