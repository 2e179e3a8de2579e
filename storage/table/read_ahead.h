#pragma once

#include <cstdint>
#include <string>

#include "storage/table/table.h"

namespace sett::storage {

// Data blocks of tables in ascending order, past every cache. Where blocks that are asked for lie near each other, of
// late and on average, they are read together with what lies between them: one read of 256 KB costs what a few of 4 KB
// do. Far apart they are read one by one. Belongs to one thread; blocks on the disk.
class ReadAhead {
 public:
  // `window_bytes`: read at once at most, unless one block is larger.
  explicit ReadAhead(uint64_t window_bytes = window_bytes_max) : window_bytes_(window_bytes) {}

  // What reads from the disk have cost; is added to.
  struct Cost {
    uint64_t reads = 0, bytes = 0;
  };
  // The block's payload, checked. `end`: where in the file the blocks end that may be asked for next. An error is one
  // of this block.
  Result<std::string> read(const Table& table, const table_format::BlockHandle& handle, uint64_t end, Cost& cost);
  // Whether it was read already, with others.
  bool holds(const Table& table, const table_format::BlockHandle& handle) const;

  static constexpr double near_bytes = 16u << 10;           // between two blocks that are asked for
  static constexpr uint64_t window_bytes_max = 256u << 10;  // more hardly pays

 private:
  void note_gap(const Table& table, const table_format::BlockHandle& handle);
  Status read_window(const Table& table, uint64_t offset, uint64_t bytes, Cost& cost);

  uint64_t window_bytes_;
  uint64_t table_ = 0;                      // the number of the last one; 0: none
  uint64_t last_end_ = 0;                   // of the block that was asked for last
  double mean_gap_bytes_ = 2 * near_bytes;  // bytes between blocks that were asked for
  uint64_t window_offset_ = 0;              // in the file
  std::string window_;                      // empty: nothing of the table
};

}  // namespace sett::storage
