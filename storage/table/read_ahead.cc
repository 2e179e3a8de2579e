#include "storage/table/read_ahead.h"

#include <algorithm>
#include <string_view>

namespace sett::storage {

using table_format::BlockHandle;

bool ReadAhead::holds(const Table& table, const BlockHandle& handle) const {
  return table_ == table.number() && handle.offset >= window_offset_ && handle.end() <= window_offset_ + window_.size();
}

// A running mean: one chance neighbour says little.
void ReadAhead::note_gap(const Table& table, const BlockHandle& handle) {
  constexpr double newest_share = 0.125;
  if (table_ != table.number() || handle.offset < last_end_) return;
  mean_gap_bytes_ += newest_share * (static_cast<double>(handle.offset - last_end_) - mean_gap_bytes_);
}

Status ReadAhead::read_window(const Table& table, uint64_t offset, uint64_t bytes, Cost& cost) {
  if (Status status = table.read_stored(offset, bytes, window_); !status.is_ok()) {
    window_.clear();
    return status;
  }
  window_offset_ = offset;
  ++cost.reads;
  cost.bytes += bytes;
  return {};
}

Result<std::string> ReadAhead::read(const Table& table, const BlockHandle& handle, uint64_t end, Cost& cost) {
  const uint64_t block_bytes = handle.end() - handle.offset;
  note_gap(table, handle);
  if (!holds(table, handle)) {
    table_ = table.number();
    const uint64_t left_bytes = end - std::min(end, handle.offset);
    const uint64_t ahead_bytes = mean_gap_bytes_ <= near_bytes ? std::min(window_bytes_, left_bytes) : 0;
    // What lies behind the block may be damaged, and need not be wanted.
    const bool is_read = ahead_bytes > block_bytes && read_window(table, handle.offset, ahead_bytes, cost).is_ok();
    // While this one is looked through the disk is at the next.
    if (is_read) table.will_read(handle.offset + ahead_bytes, window_bytes_);
    if (!is_read)
      if (Status status = read_window(table, handle.offset, block_bytes, cost); !status.is_ok()) return status;
  }
  last_end_ = handle.end();
  const std::string_view stored = std::string_view(window_).substr(handle.offset - window_offset_, block_bytes);
  auto block = table_format::open_block(stored, handle, table.epoch(), table.path());
  if (block_bytes > window_bytes_) std::string().swap(window_);
  return block;
}

}  // namespace sett::storage
