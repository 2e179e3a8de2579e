#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "storage/lsm/tree_reader.h"

namespace sett::storage {

// Looks up keys that come in ascending order, from memory or the disk: where the last one was is where the next one is
// looked for first, so neighbours share the search for table, partition and block. What it reads from the disk does
// not come into the cache, which is for those who come back. Belongs to one thread; blocks on the disk.
class OrderedLookup {
 public:
  // Both outlive it.
  OrderedLookup(const TreeReader& reader, VersionPtr version);

  // As TreeReader::get with Access::load. The key is not less than the one before; the result's views hold until the
  // next call.
  Result<TreeEntry> get(std::string_view tree_key);

 private:
  // Where the last key was looked for, in one run of level 0 or in one level.
  struct Place {
    const TableFile* file = nullptr;
    const Table* table = nullptr;
    size_t section = 0;
    BlockCache::Block partition_block, data_block;  // of that section; nullptr: not looked at yet
    PartitionView partition;
    uint32_t block = 0;  // data_block's
    ReadAhead ahead;
  };
  Status open_section(Place& place, const TableFile& file, std::string_view tree_key, bool& is_beyond);
  // True: the search is over, and `found` is its result.
  Result<bool> search(Place& place, const TableFile& file, std::string_view tree_key, uint64_t hash, TreeEntry& found);

  const BlockLoader& loader_;
  const VersionPtr version_;
  // What is read ahead takes no more than so much, however many tables lie over each other.
  static constexpr uint64_t windows_bytes = 4u << 20, window_bytes_min = 16u << 10;
  std::vector<Place> runs_, levels_;
};

}  // namespace sett::storage
