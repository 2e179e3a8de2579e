#include "storage/lsm/block_loader.h"

#include <memory>
#include <utility>

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

// nullopt: not in memory.
Result<std::optional<std::string>> BlockLoader::read(const Table& table, const BlockHandle& handle,
                                                     Access access) const {
  if (access == Access::memory_only) {
    auto bytes = table.read_cached_block(handle);
    if (bytes.is_ok() && bytes.value()) counters_.add(ReadCounters::cached_reads);
    return bytes;
  }
  auto bytes = table.read_block(handle);
  if (!bytes.is_ok()) return bytes.status();
  counters_.add(ReadCounters::block_reads);
  counters_.add(ReadCounters::block_read_bytes, handle.stored_bytes + table_format::trailer_bytes);
  return std::optional<std::string>(std::move(bytes).value());
}

Result<Block> BlockLoader::partition(const Table& table, size_t section, Access access, PartitionView& view) const {
  const BlockHandle& handle = table.sections()[section].partition;
  Block block = cache_.find(table.number(), handle.offset);
  if (!block) {
    auto bytes = read(table, handle, access);
    if (!bytes.is_ok()) return bytes.status();
    if (!bytes.value()) return Block();
    // Only what was looked at as a whole comes into the cache.
    if (!view.open(*bytes.value()))
      return Status::corruption(table.path(), handle.offset, "a partition cannot be read");
    block = cache_.insert(table.number(), handle.offset, std::move(*bytes.value()), BlockCache::Priority::high);
  }
  view.reopen(*block);
  return block;
}

Result<BlockHandle> BlockLoader::handle_of(const Table& table, size_t section, const PartitionView& view,
                                           uint32_t block) {
  const Table::Section& in = table.sections()[section];
  const BlockHandle handle = view.handle(block, in.offset);
  if (handle.end() > in.partition.offset)
    return Status::corruption(table.path(), in.partition.offset, "a block is said to lie outside of its section");
  return handle;
}

Result<Block> BlockLoader::data(const Table& table, size_t section, const PartitionView& view, uint32_t block_at,
                                Access access) const {
  auto handle = handle_of(table, section, view, block_at);
  if (!handle.is_ok()) return handle.status();
  if (Block block = cache_.find(table.number(), handle.value().offset)) return block;
  auto bytes = read(table, handle.value(), access);
  if (!bytes.is_ok()) return bytes.status();
  if (!bytes.value()) return Block();
  return cache_.insert(table.number(), handle.value().offset, std::move(*bytes.value()), BlockCache::Priority::low);
}

Result<Block> BlockLoader::next_data(const Table& table, size_t section, const PartitionView& view, uint32_t block_at,
                                     ReadAhead& ahead) const {
  auto handle = handle_of(table, section, view, block_at);
  if (!handle.is_ok()) return handle.status();
  if (!ahead.holds(table, handle.value()))
    if (Block block = cache_.find(table.number(), handle.value().offset)) return block;
  ReadAhead::Cost cost;
  auto bytes = ahead.read(table, handle.value(), table.sections()[section].partition.offset, cost);
  if (!bytes.is_ok()) return bytes.status();
  counters_.add(ReadCounters::block_reads, cost.reads);
  counters_.add(ReadCounters::block_read_bytes, cost.bytes);
  return std::make_shared<const std::string>(std::move(bytes).value());
}

}  // namespace sett::storage
