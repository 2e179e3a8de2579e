#include "storage/lsm/tree_reader.h"

#include <optional>
#include <utility>

#include "storage/table/block_reader.h"
#include "storage/table/filter.h"

namespace sett::storage {

using Block = BlockCache::Block;

struct TreeReader::Search {
  const std::string_view tree_key;
  const uint64_t hash;
  const Access access;
  Pins& pins;
  bool is_over = false;  // the result is known
  TreeEntry result;

  void end_as(TreeEntry::Kind kind) {
    result.kind = kind;
    is_over = true;
  }
  void keep(const Block& block) {
    if (access == Access::load) pins.push_back(block);
  }
};

Status TreeReader::search_table(const TableFile& file, Search& search) const {
  ReadCounters& counters = loader_.counters();
  const auto opened = loader_.table(file, search.access);
  if (!opened.is_ok()) return opened.status();
  if (!opened.value()) return search.end_as(TreeEntry::Kind::missing), Status();
  const Table& table = *opened.value();
  const size_t section = table.section_of(search.tree_key);
  if (section == table.sections().size()) return {};
  PartitionView view;
  const auto partition = loader_.partition(table, section, search.access, view);
  if (!partition.is_ok()) return partition.status();
  if (!partition.value()) return search.end_as(TreeEntry::Kind::missing), Status();
  search.keep(partition.value());
  counters.add(ReadCounters::filter_checks);
  if (!view.may_hold(search.hash)) {
    counters.add(ReadCounters::filter_negatives);
    return {};
  }
  const uint32_t block_at = view.block_of(search.tree_key);
  if (block_at == view.blocks())
    return Status::corruption(file.path(), table.sections()[section].partition.offset,
                              "a partition ends before its section does");
  auto data = loader_.data(table, section, view, block_at, search.access);
  if (!data.is_ok()) return data.status();
  if (!data.value()) return search.end_as(TreeEntry::Kind::missing), Status();
  search.keep(data.value());
  BlockCursor cursor(*data.value());
  const bool is_found = cursor.seek(search.tree_key) && cursor.key() == search.tree_key;
  if (cursor.damaged())
    return Status::corruption(file.path(), view.handle(block_at, table.sections()[section].offset).offset,
                              "a block cannot be read");
  if (!is_found) {
    counters.add(ReadCounters::filter_false_positives);
    return {};
  }
  search.result = tree_entry(cursor.entry());
  search.is_over = true;
  if (search.access == Access::memory_only) search.pins.push_back(std::move(data).value());
  return {};
}

Result<TreeEntry> TreeReader::get(const Version& version, std::string_view tree_key, Access access, Pins& pins) const {
  Search search{.tree_key = tree_key, .hash = filter_hash(tree_key), .access = access, .pins = pins, .result = {}};
  for (const Version::Tables& run : version.level0_runs()) {
    const TableFilePtr* table = Version::find_in_run(run, tree_key);
    if (!table) continue;
    if (Status status = search_table(**table, search); !status.is_ok()) return status;
    if (search.is_over) return search.result;
  }
  for (int level = 1; level < levels_max; ++level) {
    const TableFilePtr* table = version.find_in_level(level, tree_key);
    if (!table) continue;
    if (Status status = search_table(**table, search); !status.is_ok()) return status;
    if (search.is_over) return search.result;
  }
  return search.result;
}

Result<Block> TreeReader::value(const ValuePointer& pointer, std::string_view tree_key, Access access,
                                Pins& pins) const {
  Block block = loader_.cache().find(pointer.file, pointer.offset);
  if (!block && access == Access::memory_only) {
    const auto reader = value_logs_.find_open(pointer.file);
    auto bytes = reader ? reader->read_cached(pointer.offset, tree_key, pointer.value_bytes)
                        : Result<std::optional<std::string>>(std::nullopt);
    if (!bytes.is_ok()) return bytes.status();
    if (bytes.value()) {
      loader_.counters().add(ReadCounters::cached_reads);
      block =
          loader_.cache().insert(pointer.file, pointer.offset, std::move(*bytes.value()), BlockCache::Priority::low);
    }
  } else if (!block) {
    const auto reader = value_logs_.open(pointer.file);
    if (!reader.is_ok()) return reader.status();
    auto bytes = reader.value()->read(pointer.offset, tree_key, pointer.value_bytes);
    if (!bytes.is_ok()) return bytes.status();
    loader_.counters().add(ReadCounters::value_reads);
    loader_.counters().add(ReadCounters::value_read_bytes, value_record_bytes(tree_key.size(), pointer.value_bytes));
    block = loader_.cache().insert(pointer.file, pointer.offset, std::move(bytes).value(), BlockCache::Priority::low);
  }
  if (block) pins.push_back(block);
  return block;
}

}  // namespace sett::storage
