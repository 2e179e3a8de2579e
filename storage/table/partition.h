#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/table/filter.h"
#include "storage/table/table_format.h"

namespace sett::storage {

// A string that is not less than `last` and less than `next`, which follows it; short, where one is found quickly.
// (LevelDB's separators.)
std::string separator_between(std::string_view last, std::string_view next);

// Filter and index of the data blocks of one section, gathered while they are written.
class PartitionBuilder {
 public:
  explicit PartitionBuilder(double filter_bits_per_key) : bits_per_key_(filter_bits_per_key) {}

  void add_key(std::string_view tree_key);
  // The block whose keys were added since the last one; `offset` counts from the section's beginning.
  void add_block(std::string_view separator, uint64_t offset, uint64_t stored_bytes);
  uint32_t blocks() const { return static_cast<uint32_t>(blocks_.size()); }
  uint64_t separator_bytes() const { return separators_.size(); }
  // The partition's payload.
  std::string finish() const;
  void clear();

 private:
  struct Block {
    uint32_t separator_end, offset, stored_bytes;
  };
  const double bits_per_key_;
  std::vector<uint64_t> hashes_;
  std::vector<Block> blocks_;
  std::string separators_;
};

// Reads a partition's payload, which must outlive it.
class PartitionView {
 public:
  // False: these bytes are no partition.
  bool open(std::string_view payload);
  // Of bytes that open() took before: without looking at all of them again.
  void reopen(std::string_view payload);

  // `hash`: filter_hash of the tree key. False: surely no entry of that key in this section.
  bool may_hold(uint64_t hash) const;
  // Have the processor fetch what reopen() and may_hold() will touch; what block_of() will.
  static void prefetch_filter(std::string_view payload, uint64_t hash);
  void prefetch_index() const;
  uint32_t blocks() const { return blocks_; }
  // The only block that can hold the key; blocks(): none can.
  uint32_t block_of(std::string_view tree_key) const;
  // `section_offset`: where the section begins in the file.
  table_format::BlockHandle handle(uint32_t block, uint64_t section_offset) const;

 private:
  bool read_head(std::string_view payload);
  std::string_view separator(uint32_t block) const;

  std::string_view filter_, index_, separators_;
  int probes_ = 1;
  uint32_t blocks_ = 0;
};

}  // namespace sett::storage
