#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/table/table_entry.h"

namespace sett::storage {

// A place among the entries of a data block's payload, which must outlive it. Bytes that are no block make the cursor
// end and say damaged(): the payload's checksum was right, so whoever wrote it was wrong.
class BlockCursor {
 public:
  explicit BlockCursor(std::string_view payload);

  // True: there is such an entry, and the cursor is at it.
  bool seek_first() { return seek_restart(0) && next(); }
  bool seek(std::string_view key);         // the first entry that is not less
  bool seek_before(std::string_view key);  // the last entry that is less
  bool seek_last();
  bool next();

  // Before a seek(), one after the other, with other work in between: have the processor fetch what it will touch.
  void prefetch_restarts() const;
  void prefetch_entries(std::string_view key);

  bool valid() const { return valid_; }
  bool damaged() const { return damaged_; }
  // Of the entry at the cursor, until it moves. The entry's views are into the payload.
  std::string_view key() const { return key_; }
  const TableEntry& entry() const { return entry_; }

 private:
  // An entry's beginning: how much of the key it shares, and the rest of it.
  struct Head {
    uint64_t shared = 0;
    std::string_view unshared;
  };
  bool seek_restart(uint32_t restart);
  bool read_entry(uint64_t key_bytes_before, Head& head);  // at at_, which goes behind it
  uint32_t restart_offset(uint32_t restart) const;
  uint32_t last_restart_before(std::string_view key);  // whose key is less; 0 where none is
  bool fail();

  std::string_view entries_, restarts_;
  uint32_t restart_count_ = 0;
  size_t at_ = 0;  // of the entry behind the cursor
  bool valid_ = false, damaged_ = false;
  std::string key_;
  TableEntry entry_;
};

}  // namespace sett::storage
