#include "storage/table/read_ahead.h"

#include <algorithm>
#include <string_view>

namespace sett::storage {

using table_format::BlockHandle;

bool ReadAhead::holds(const Table& table, const BlockHandle& handle) const {
  return table_ == table.number() && handle.offset >= window_offset_ && handle.end() <= window_offset_ + window_.size();
}

Result<std::string> ReadAhead::read(const Table& table, const BlockHandle& handle, uint64_t end, Cost& cost) {
  if (!holds(table, handle)) {
    const bool is_near =
        table_ == table.number() && handle.offset >= last_end_ && handle.offset - last_end_ <= near_bytes;
    const uint64_t window_end = is_near ? std::min(end, handle.offset + window_bytes) : handle.end();
    const uint64_t bytes = std::max(window_end, handle.end()) - handle.offset;
    table_ = 0;  // until the window is whole
    if (Status status = table.read_stored(handle.offset, bytes, window_); !status.is_ok()) return status;
    table_ = table.number();
    window_offset_ = handle.offset;
    cost = {1, bytes};
  }
  last_end_ = handle.end();
  const std::string_view stored =
      std::string_view(window_).substr(handle.offset - window_offset_, handle.end() - handle.offset);
  return table_format::open_block(stored, handle, table.epoch(), table.path());
}

}  // namespace sett::storage
