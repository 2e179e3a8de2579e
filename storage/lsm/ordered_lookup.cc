#include "storage/lsm/ordered_lookup.h"

#include <algorithm>
#include <utility>

#include "storage/table/block_reader.h"
#include "storage/table/filter.h"

namespace sett::storage {

OrderedLookup::OrderedLookup(const TreeReader& reader, VersionPtr version)
    : loader_(reader.loader()),
      version_(std::move(version)),
      runs_(version_->level0_runs().size()),
      levels_(levels_max) {
  const uint64_t places = runs_.size() + levels_.size();
  const ReadAhead ahead(std::clamp(windows_bytes / places, window_bytes_min, ReadAhead::window_bytes_max));
  for (std::vector<Place>* of : {&runs_, &levels_})
    for (Place& place : *of) place.ahead = ahead;
}

Status OrderedLookup::open_section(Place& place, const TableFile& file, std::string_view tree_key, bool& is_beyond) {
  if (place.file != &file) {
    const auto opened = loader_.table(file, Access::load);
    if (!opened.is_ok()) return opened.status();
    place.file = &file;
    place.table = opened.value();
    place.section = 0;
    place.partition_block = place.data_block = nullptr;
  }
  const auto& sections = place.table->sections();
  if (place.section == sections.size() || tree_key > sections[place.section].separator) {
    place.section = place.table->section_of(tree_key);
    place.partition_block = place.data_block = nullptr;
  }
  is_beyond = place.section == sections.size();
  if (is_beyond || place.partition_block) return {};
  auto partition = loader_.partition(*place.table, place.section, Access::load, place.partition);
  if (!partition.is_ok()) return partition.status();
  place.partition_block = std::move(partition).value();
  return {};
}

Result<bool> OrderedLookup::search(Place& place, const TableFile& file, std::string_view tree_key, uint64_t hash,
                                   TreeEntry& found) {
  ReadCounters& counters = loader_.counters();
  bool is_beyond = false;
  if (Status status = open_section(place, file, tree_key, is_beyond); !status.is_ok()) return status;
  if (is_beyond) return false;
  counters.add(ReadCounters::filter_checks);
  if (!place.partition.may_hold(hash)) {
    counters.add(ReadCounters::filter_negatives);
    return false;
  }
  const uint32_t block = place.partition.block_of(tree_key);
  if (block == place.partition.blocks())
    return Status::corruption(file.path(), place.table->sections()[place.section].partition.offset,
                              "a partition ends before its section does");
  if (!place.data_block || place.block != block) {
    auto data = loader_.next_data(*place.table, place.section, place.partition, block, place.ahead);
    if (!data.is_ok()) return data.status();
    place.data_block = std::move(data).value();
    place.block = block;
  }
  BlockCursor cursor(*place.data_block);
  const bool is_found = cursor.seek(tree_key) && cursor.key() == tree_key;
  if (cursor.damaged())
    return Status::corruption(file.path(),
                              place.partition.handle(block, place.table->sections()[place.section].offset).offset,
                              "a block cannot be read");
  if (!is_found) {
    counters.add(ReadCounters::filter_false_positives);
    return false;
  }
  found = tree_entry(cursor.entry());
  return true;
}

Result<TreeEntry> OrderedLookup::get(std::string_view tree_key) {
  const uint64_t hash = filter_hash(tree_key);
  TreeEntry found;
  const std::vector<Version::Tables>& newest = version_->level0_runs();
  for (size_t at = 0; at < newest.size(); ++at) {
    const TableFilePtr* table = Version::find_in_run(newest[at], tree_key);
    if (!table) continue;
    auto is_over = search(runs_[at], **table, tree_key, hash, found);
    if (!is_over.is_ok()) return is_over.status();
    if (is_over.value()) return found;
  }
  for (int level = 1; level < levels_max; ++level) {
    const TableFilePtr* table = version_->find_in_level(level, tree_key);
    if (!table) continue;
    auto is_over = search(levels_[static_cast<size_t>(level)], **table, tree_key, hash, found);
    if (!is_over.is_ok()) return is_over.status();
    if (is_over.value()) return found;
  }
  return found;
}

}  // namespace sett::storage
