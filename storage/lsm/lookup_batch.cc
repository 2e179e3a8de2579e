#include "storage/lsm/lookup_batch.h"

#include <utility>

#include "storage/table/block_reader.h"
#include "storage/table/filter.h"

namespace sett::storage {

void LookupBatch::add(std::string_view tree_key, uint64_t filter_hash) {
  if (tree_key.size() > key_bytes_max) return;
  if (count_ == lookups_.size()) lookups_.emplace_back();
  Lookup& lookup = lookups_[count_++];
  lookup.tree_key.assign(tree_key);
  lookup.hash = filter_hash;
  lookup.state = Lookup::State::open;
  lookup.checks = 0;
}

void LookupBatch::clear() {
  for (size_t i = 0; i < count_; ++i) lookups_[i].found = {};
  count_ = next_ = 0;
  version_.reset();
}

// Commands mostly read in the order in which they were looked ahead.
const LookupBatch::Found* LookupBatch::find(const Version& version, std::string_view tree_key) {
  if (count_ == 0 || version_.get() != &version) return nullptr;
  const uint64_t hash = filter_hash(tree_key);
  for (size_t i = 0; i < count_; ++i) {
    const Lookup& lookup = lookups_[next_];
    if (++next_ == count_) next_ = 0;
    if (lookup.hash == hash && lookup.tree_key == tree_key)
      return lookup.state == Lookup::State::open ? nullptr : &lookup.found;
  }
  return nullptr;
}

void LookupBatch::run(const BlockLoader& loader, VersionPtr version) {
  version_ = std::move(version);
  for (size_t i = 0; i < count_; ++i) find_tables(lookups_[i]);
  find_partitions(loader.cache());
  ask_filters(loader.cache());
  find_entries(loader.cache());
  count(loader.counters());
  partitions_.clear();
  in_blocks_.clear();
}

void LookupBatch::add_table(Lookup& lookup, const TableFile& file) {
  const Table* table = file.find_open();
  const size_t section = table ? table->section_of(lookup.tree_key) : 0;
  if (table && section == table->sections().size()) return;
  partitions_.push_back({&lookup, table, section, nullptr});
}

void LookupBatch::find_tables(Lookup& lookup) {
  lookup.state = Lookup::State::absent;
  for (const Version::Tables& run : version_->level0_runs())
    if (const TableFilePtr* file = Version::find_in_run(run, lookup.tree_key)) add_table(lookup, **file);
  for (int level = 1; level < levels_max; ++level)
    if (const TableFilePtr* file = version_->find_in_level(level, lookup.tree_key)) add_table(lookup, **file);
}

void LookupBatch::find_partitions(const BlockCache& cache) {
  for (const Partition& partition : partitions_)
    if (partition.table) cache.prefetch_place(partition.table->number(), partition.offset());
  for (const Partition& partition : partitions_)
    if (partition.table) cache.prefetch_block(partition.table->number(), partition.offset());
  for (Partition& partition : partitions_) {
    if (partition.table) partition.block = cache.find_ahead(partition.table->number(), partition.offset());
    if (partition.block) __builtin_prefetch(partition.block->data());
  }
  for (const Partition& partition : partitions_)
    if (partition.block) PartitionView::prefetch_filter(*partition.block, partition.lookup->hash);
}

// From the newest table on, until one may have the key.
void LookupBatch::ask_filters(const BlockCache& cache) {
  for (const Partition& partition : partitions_) {
    Lookup& lookup = *partition.lookup;
    if (lookup.state != Lookup::State::absent) continue;
    if (!partition.block) {
      lookup.state = Lookup::State::open;
      continue;
    }
    PartitionView view;
    view.reopen(*partition.block);
    ++lookup.checks;
    if (!view.may_hold(lookup.hash)) continue;
    view.prefetch_index();
    lookup.state = Lookup::State::in_block;
    lookup.partition = static_cast<size_t>(&partition - partitions_.data());
    in_blocks_.push_back(&lookup);
  }
  std::erase_if(in_blocks_, [&](Lookup* lookup) { return !find_block(*lookup, cache); });
}

bool LookupBatch::find_block(Lookup& lookup, const BlockCache& cache) const {
  const Partition& partition = partitions_[lookup.partition];
  PartitionView view;
  view.reopen(*partition.block);
  const uint32_t block = view.block_of(lookup.tree_key);
  lookup.state = Lookup::State::open;
  if (block == view.blocks()) return false;
  lookup.file = partition.table->number();
  lookup.offset = view.handle(block, partition.table->sections()[partition.section].offset).offset;
  cache.prefetch_place(lookup.file, lookup.offset);
  return true;
}

// A block that turns out not to have the key (the filter was wrong: older tables may) leaves it open.
void LookupBatch::find_entries(const BlockCache& cache) {
  for (const Lookup* lookup : in_blocks_) cache.prefetch_block(lookup->file, lookup->offset);
  for (Lookup* lookup : in_blocks_) {
    lookup->found.block = cache.find_ahead(lookup->file, lookup->offset);
    if (lookup->found.block && !lookup->found.block->empty()) __builtin_prefetch(&lookup->found.block->back());
  }
  std::erase_if(in_blocks_, [](const Lookup* lookup) { return !lookup->found.block; });
  for (const Lookup* lookup : in_blocks_) BlockCursor(*lookup->found.block).prefetch_restarts();
  for (const Lookup* lookup : in_blocks_) BlockCursor(*lookup->found.block).prefetch_entries(lookup->tree_key);
  for (Lookup* lookup : in_blocks_) {
    BlockCursor cursor(*lookup->found.block);
    if (!cursor.seek(lookup->tree_key) || cursor.key() != lookup->tree_key) continue;
    lookup->state = Lookup::State::found;
    lookup->found.entry = tree_entry(cursor.entry());
  }
}

// Who looks up by itself what was left open counts that.
void LookupBatch::count(ReadCounters& counters) const {
  uint64_t checks = 0, negatives = 0;
  for (size_t i = 0; i < count_; ++i) {
    const Lookup& lookup = lookups_[i];
    if (lookup.state == Lookup::State::open) continue;
    checks += lookup.checks;
    negatives += lookup.checks - (lookup.state == Lookup::State::found ? 1 : 0);
  }
  counters.add(ReadCounters::filter_checks, checks);
  counters.add(ReadCounters::filter_negatives, negatives);
}

}  // namespace sett::storage
