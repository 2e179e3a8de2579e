#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "storage/io/file_system.h"
#include "storage/lsm/block_cache.h"
#include "storage/lsm/read_stats.h"
#include "storage/lsm/table_file.h"
#include "storage/table/partition.h"
#include "storage/table/read_ahead.h"

namespace sett::storage {

enum class Access : uint8_t {
  memory_only,  // what is not in memory, ours or the system's, is missing; nothing waits for a disk
  load,         // what is missing is read; may block
};

// Blocks that are to stay in memory (block_cache.h) as long as they are in here.
using Pins = std::vector<BlockCache::Block>;

// Tables and their blocks, from the cache or through it from the disk. For any threads. The cache and the files outlive
// it. Everywhere nullptr means: not in memory, and only memory was asked for.
class BlockLoader {
 public:
  BlockLoader(FileSystem& files, BlockCache& cache) : files_(files), cache_(cache) {}

  Result<const Table*> table(const TableFile& file, Access access) const;
  // The section's partition, whose views are into the block.
  Result<BlockCache::Block> partition(const Table& table, size_t section, Access access, PartitionView& view) const;
  // A data block of that section.
  Result<BlockCache::Block> data(const Table& table, size_t section, const PartitionView& view, uint32_t block,
                                 Access access) const;
  // The same for who goes through a table in order, from the disk if need be. It does not come into the cache: it is
  // not asked for again soon.
  Result<BlockCache::Block> next_data(const Table& table, size_t section, const PartitionView& view, uint32_t block,
                                      ReadAhead& ahead) const;

  BlockCache& cache() const { return cache_; }
  ReadCounters& counters() const { return counters_; }

 private:
  static Result<table_format::BlockHandle> handle_of(const Table& table, size_t section, const PartitionView& view,
                                                     uint32_t block);
  Result<std::optional<std::string>> read(const Table& table, const table_format::BlockHandle& handle,
                                          Access access) const;

  FileSystem& files_;
  BlockCache& cache_;
  mutable ReadCounters counters_;
};

}  // namespace sett::storage
