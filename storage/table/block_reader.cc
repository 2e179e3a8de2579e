#include "storage/table/block_reader.h"

namespace sett::storage {

BlockCursor::BlockCursor(std::string_view payload) {
  constexpr size_t number_bytes = sizeof(uint32_t);
  if (payload.size() < number_bytes) {
    damaged_ = true;
    return;
  }
  restart_count_ = get_fixed<uint32_t>(payload.data() + payload.size() - number_bytes);
  const uint64_t restart_bytes = uint64_t{restart_count_} * number_bytes;
  if (restart_count_ == 0 || restart_bytes > payload.size() - number_bytes) {
    damaged_ = true;
    return;
  }
  const size_t entries_bytes = payload.size() - number_bytes - restart_bytes;
  entries_ = payload.substr(0, entries_bytes);
  restarts_ = payload.substr(entries_bytes, restart_bytes);
}

bool BlockCursor::fail() {
  damaged_ = true;
  return valid_ = false;
}

uint32_t BlockCursor::restart_offset(uint32_t restart) const {
  return get_fixed<uint32_t>(restarts_.data() + restart * sizeof(uint32_t));
}

// The next() after this reads the restart's entry.
bool BlockCursor::seek_restart(uint32_t restart) {
  valid_ = false;
  if (damaged_) return false;
  at_ = restart_offset(restart);
  key_.clear();
  return at_ < entries_.size() || fail();
}

bool BlockCursor::next() {
  if (damaged_) return false;
  if (at_ >= entries_.size()) return valid_ = false;
  ByteReader reader(entries_.substr(at_));
  const uint64_t shared = reader.varint();
  const uint64_t unshared = reader.varint();
  if (reader.failed() || shared > key_.size() || !read_table_entry(reader, entry_)) return fail();
  const std::string_view rest = reader.rest();
  if (unshared > rest.size()) return fail();
  key_.resize(shared);
  key_.append(rest.substr(0, unshared));
  at_ = entries_.size() - rest.size() + unshared;
  return valid_ = true;
}

uint32_t BlockCursor::last_restart_before(std::string_view key) {
  uint32_t low = 0, high = restart_count_;
  while (low + 1 < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (!seek_restart(middle) || !next()) return 0;
    if (key_ < key)
      low = middle;
    else
      high = middle;
  }
  return low;
}

bool BlockCursor::seek(std::string_view key) {
  if (damaged_ || !seek_restart(last_restart_before(key))) return false;
  while (next())
    if (key_ >= key) return true;
  return false;
}

bool BlockCursor::seek_before(std::string_view key) {
  if (damaged_ || !seek_restart(last_restart_before(key))) return false;
  size_t found = 0;  // place behind the entry wanted
  const size_t begin = at_;
  while (next() && key_ < key) found = at_;
  if (damaged_ || found == 0) return valid_ = false;
  // Keys build on the ones before: the way is gone once more, one step less.
  at_ = begin;
  key_.clear();
  while (at_ < found && next()) {
  }
  return valid_;
}

bool BlockCursor::seek_last() {
  if (damaged_ || !seek_restart(restart_count_ - 1)) return false;
  bool found = false;
  while (at_ < entries_.size()) {
    if (!next()) return false;
    found = true;
  }
  return found;
}

}  // namespace sett::storage
