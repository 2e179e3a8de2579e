#include "storage/table/block_reader.h"

#include <algorithm>

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

bool BlockCursor::read_entry(uint64_t key_bytes_before, Head& head) {
  ByteReader reader(entries_.substr(at_));
  head.shared = reader.varint();
  const uint64_t unshared = reader.varint();
  if (reader.failed() || head.shared > key_bytes_before || !read_table_entry(reader, entry_)) return fail();
  const std::string_view rest = reader.rest();
  if (unshared > rest.size()) return fail();
  head.unshared = rest.substr(0, unshared);
  at_ = entries_.size() - rest.size() + unshared;
  return true;
}

void BlockCursor::prefetch_restarts() const {
  constexpr uint32_t restarts_max = 16;  // of 4 KB of small entries there are three or four
  if (damaged_) return;
  for (uint32_t restart = 0; restart < std::min(restart_count_, restarts_max); ++restart)
    if (const uint32_t at = restart_offset(restart); at < entries_.size()) __builtin_prefetch(entries_.data() + at);
}

void BlockCursor::prefetch_entries(std::string_view key) {
  constexpr size_t line_bytes = 64, bytes_max = 2048;
  if (damaged_ || !seek_restart(last_restart_before(key))) return;
  const size_t end = std::min(entries_.size(), at_ + bytes_max);
  for (size_t at = at_; at < end; at += line_bytes) __builtin_prefetch(entries_.data() + at);
}

bool BlockCursor::next() {
  if (damaged_) return false;
  if (at_ >= entries_.size()) return valid_ = false;
  Head head;
  if (!read_entry(key_.size(), head)) return false;
  key_.resize(head.shared);
  key_.append(head.unshared);
  return valid_ = true;
}

uint32_t BlockCursor::last_restart_before(std::string_view key) {
  uint32_t low = 0, high = restart_count_;
  while (low + 1 < high) {
    const uint32_t middle = low + (high - low) / 2;
    Head head;
    if (!seek_restart(middle) || !read_entry(0, head)) return 0;
    if (head.unshared < key)
      low = middle;
    else
      high = middle;
  }
  return low;
}

// No key on the way is put together. Of an entry that is less it is enough to know how many bytes it has in common with
// the key that is looked for: if the next one shares more than these, it is less for the same reason; if it shares
// fewer, it is greater, because keys ascend; if as many, the rest of it tells.
bool BlockCursor::seek(std::string_view key) {
  if (damaged_ || !seek_restart(last_restart_before(key))) return false;
  uint64_t common = 0, key_bytes_before = 0;
  Head head;
  while (at_ < entries_.size()) {
    if (!read_entry(key_bytes_before, head)) return false;
    key_bytes_before = head.shared + head.unshared.size();
    if (head.shared > common) continue;
    const std::string_view wanted = key.substr(head.shared);
    if (head.shared < common || head.unshared >= wanted) {
      key_.assign(key.substr(0, head.shared)).append(head.unshared);
      return valid_ = true;
    }
    const auto differ = std::mismatch(head.unshared.begin(), head.unshared.end(), wanted.begin(), wanted.end());
    common = head.shared + static_cast<uint64_t>(differ.first - head.unshared.begin());
  }
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
