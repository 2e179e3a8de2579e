#pragma once

#include <cstdint>
#include <string_view>

#include "storage/keys/value_pointer.h"
#include "storage/lsm/block_loader.h"
#include "storage/lsm/version.h"
#include "storage/lsm/vlog_files.h"
#include "storage/table/table_entry.h"

namespace sett::storage {

// What a version says of a key.
struct TreeEntry {
  enum class Kind : uint8_t {
    absent,   // no table has it, or its newest entry is a tombstone: then that is `entry`, else its sequence is 0
    entry,    // a value or a pointer, expired or not
    missing,  // not in memory, and only memory was asked for
  };
  Kind kind = Kind::absent;
  TableEntry entry;  // views into a block that is in the pins
};

// Looks up single keys and values. For any threads. What it is given outlives it.
class TreeReader {
 public:
  TreeReader(FileSystem& files, BlockCache& cache, VlogFiles& value_logs)
      : loader_(files, cache), value_logs_(value_logs) {}

  // The newest entry of the key. To `pins` goes the block that the result's views are into; with Access::load also all
  // blocks on the way, so that the same call from memory finds what it needs as long as they are kept. Damage is
  // corruption with file and offset.
  Result<TreeEntry> get(const Version& version, std::string_view tree_key, Access access, Pins& pins) const;
  // The value that a pointer found under this key names; goes to `pins` too. nullptr: not in memory, and only memory
  // was asked for.
  Result<BlockCache::Block> value(const ValuePointer& pointer, std::string_view tree_key, Access access,
                                  Pins& pins) const;

  const BlockLoader& loader() const { return loader_; }
  ReadStats stats() const { return loader_.counters().stats(); }

 private:
  struct Search;
  Status search_table(const TableFile& file, Search& search) const;

  const BlockLoader loader_;
  VlogFiles& value_logs_;
};

// What the newest entry of a key, as a table has it, says of the key.
inline TreeEntry tree_entry(const TableEntry& entry) {
  return {entry.kind == TableEntry::Kind::tombstone ? TreeEntry::Kind::absent : TreeEntry::Kind::entry, entry};
}

inline ValuePointer pointer_of(const TableEntry& entry) {
  return {entry.log_file, entry.log_offset, entry.value_bytes};
}

}  // namespace sett::storage
