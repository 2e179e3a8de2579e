#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/lsm/block_loader.h"
#include "storage/lsm/tree_reader.h"
#include "storage/lsm/version.h"

namespace sett::storage {

// Looks up several keys in one version, from memory only, side by side: a step of all at a time, and each step asks the
// processor for the memory that the next one needs, so that the waits of all become one. A look-up by itself waits some
// ten times for memory, one wait after the other (group prefetching: Chen, Ailamaki, Gibbons, Mowry: Improving Hash
// Join Performance through Prefetching, 2004). A version and its blocks never change, so what was found stays right for
// who reads that version. Belongs to one thread.
class LookupBatch {
 public:
  struct Found {
    TreeEntry entry;          // absent or entry
    BlockCache::Block block;  // that its views are into; nullptr: absent
  };

  // To be looked up by the next run(). Far larger keys than most are left out.
  void add(std::string_view tree_key, uint64_t filter_hash);
  bool empty() const { return count_ == 0; }
  // What is not in memory, or damaged, is left open: who looks it up by itself is told.
  void run(const BlockLoader& loader, VersionPtr version);
  // Of the version that was looked into, what run() found of the key; nullptr: nothing. Until clear().
  const Found* find(const Version& version, std::string_view tree_key);
  // Lets go of version and blocks.
  void clear();

  static constexpr size_t key_bytes_max = 1024;

 private:
  struct Lookup {
    enum class State : uint8_t {
      absent,    // no table that was asked may have it
      in_block,  // one may have it, and its block is to be found
      found,
      open,  // nothing is known
    };
    std::string tree_key;
    uint64_t hash = 0;
    State state = State::open;
    uint32_t checks = 0;            // filters that were asked; where the key was found, all but the last said no
    size_t partition = 0;           // the place of the first that may have it
    uint64_t file = 0, offset = 0;  // of the block
    Found found;
  };
  // Of a table whose ends the key is between.
  struct Partition {
    Lookup* lookup = nullptr;
    const Table* table = nullptr;  // nullptr: not opened yet
    size_t section = 0;
    BlockCache::Block block;
    uint64_t offset() const { return table->sections()[section].partition.offset; }
  };
  void find_tables(Lookup& lookup);
  void add_table(Lookup& lookup, const TableFile& file);
  void find_partitions(const BlockCache& cache);
  void ask_filters(const BlockCache& cache);
  bool find_block(Lookup& lookup, const BlockCache& cache) const;
  void find_entries(const BlockCache& cache);
  void count(ReadCounters& counters) const;

  VersionPtr version_;
  std::vector<Lookup> lookups_;        // the first count_ are in use; the others keep their memory
  size_t count_ = 0, next_ = 0;        // next_: where the next find() looks first
  std::vector<Partition> partitions_;  // by key, newest table first
  std::vector<Lookup*> in_blocks_;
};

}  // namespace sett::storage
