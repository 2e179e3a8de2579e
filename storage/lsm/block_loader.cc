#include "storage/lsm/block_loader.h"

namespace sett::storage {

using Block = BlockCache::Block;
using table_format::BlockHandle;

Result<const Table*> BlockLoader::table(const TableFile& file, Access access) const {
  const Table* open = file.find_open();
  if (open || access == Access::memory_only) return open;
  auto opened = file.open(files_);
  if (opened.is_ok()) counters_.add(ReadCounters::tables_opened);
  return opened;
}

Result<std::string> BlockLoader::read(const Table& table, const BlockHandle& handle) const {
  auto bytes = table.read_block(handle);
  if (!bytes.is_ok()) return bytes;
  counters_.add(ReadCounters::block_reads);
  counters_.add(ReadCounters::block_read_bytes, handle.stored_bytes + table_format::trailer_bytes);
  return bytes;
}

Result<Block> BlockLoader::partition(const Table& table, size_t section, Access access, PartitionView& view) const {
  const BlockHandle& handle = table.sections()[section].partition;
  Block block = cache_.find(table.number(), handle.offset);
  if (!block && access == Access::load) {
    auto bytes = read(table, handle);
    if (!bytes.is_ok()) return bytes.status();
    // Only what was looked at as a whole comes into the cache.
    if (!view.open(bytes.value())) return Status::corruption(table.path(), handle.offset, "a partition cannot be read");
    block = cache_.insert(table.number(), handle.offset, std::move(bytes).value(), BlockCache::Priority::high);
  }
  if (block) view.reopen(*block);
  return block;
}

Result<Block> BlockLoader::data(const Table& table, size_t section, const PartitionView& view, uint32_t block_at,
                                Access access) const {
  const Table::Section& in = table.sections()[section];
  const BlockHandle handle = view.handle(block_at, in.offset);
  if (handle.end() > in.partition.offset)
    return Status::corruption(table.path(), in.partition.offset, "a block is said to lie outside of its section");
  Block block = cache_.find(table.number(), handle.offset);
  if (block || access == Access::memory_only) return block;
  auto bytes = read(table, handle);
  if (!bytes.is_ok()) return bytes.status();
  return cache_.insert(table.number(), handle.offset, std::move(bytes).value(), BlockCache::Priority::low);
}

}  // namespace sett::storage
