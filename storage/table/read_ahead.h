#pragma once

#include <cstdint>
#include <string>

#include "storage/table/table.h"

namespace sett::storage {

// Data blocks of tables in ascending order, past every cache. Blocks that were asked for and lie near each other in the
// file are read together with what lies between them: one read of 256 KB costs what a few of 4 KB do, and half of the
// pages are wanted anyway once there is a wanted block every 16 KB. Far apart they are read one by one. Belongs to one
// thread; blocks on the disk.
class ReadAhead {
 public:
  // What a read from the disk has cost; none: reads 0.
  struct Cost {
    uint64_t reads = 0, bytes = 0;
  };
  // The block's payload, checked. `end`: where in the file the blocks end that may be asked for next.
  Result<std::string> read(const Table& table, const table_format::BlockHandle& handle, uint64_t end, Cost& cost);
  // Whether it was read already, with others.
  bool holds(const Table& table, const table_format::BlockHandle& handle) const;

  static constexpr uint64_t near_bytes = 16u << 10;     // between two blocks that are asked for
  static constexpr uint64_t window_bytes = 256u << 10;  // read at once, at most, unless one block is larger

 private:
  uint64_t table_ = 0;          // its number; 0: none
  uint64_t last_end_ = 0;       // of the block that was asked for last
  uint64_t window_offset_ = 0;  // in the file
  std::string window_;
};

}  // namespace sett::storage
