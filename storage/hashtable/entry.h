#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "storage/log/journal.h"

namespace sett::storage {

// One key with its value in one allocation. A header of 12 bytes, then what is rare, then the bytes:
//
//   0        8       9         10             12
//   sequence | flags | key size | value size | [key size u32, value size u32]  [expires_at_ms i64, heap index u32]  key
//   value
//
// The first bracket is there (flag `wide`) when a size does not fit its short field, the second when the entry has an
// expiry (flag `expiring`), and in a wide entry always: so that a large value need not be copied when an expiry comes
// or goes. Behind the value there may be room to grow, as the allocator gave it. Entries are made, moved and freed by
// the functions here; whoever holds the table's lock owns them.
class Entry {
 public:
  // The value's bytes are uninitialised. `expires_at_ms` 0: never. `spare_bytes`: room to grow behind the value.
  static Entry* make(std::string_view key, uint64_t value_bytes, int64_t expires_at_ms, Sequence sequence,
                     uint64_t spare_bytes = 0);
  static void free(Entry* entry);
  // The entry under another key, with another expiry, at the same place: nullptr (and nothing has changed) if its
  // allocation has no room for that. Never of a small entry.
  static Entry* rename(Entry* entry, std::string_view key, int64_t expires_at_ms, Sequence sequence);
  // The most that one entry can hold, of key and of value each.
  static constexpr uint64_t bytes_max = UINT32_MAX;

  Sequence sequence() const { return sequence_; }
  void set_sequence(Sequence sequence) { sequence_ = sequence; }
  std::string_view key() const { return {bytes() + header_bytes(), key_bytes()}; }
  std::string_view value() const { return {bytes() + header_bytes() + key_bytes(), value_bytes()}; }
  char* value_data() { return bytes() + header_bytes() + key_bytes(); }
  uint64_t key_bytes() const { return wide() ? load<uint32_t>(12) : key_bytes_; }
  uint64_t value_bytes() const { return wide() ? load<uint32_t>(16) : value_bytes_; }
  bool expiring() const { return flags_ & expiring_flag; }
  int64_t expires_at_ms() const { return expiring() ? load<int64_t>(expiry_offset()) : 0; }
  // 0: never. Only where can_expire(at_ms != 0); the place in the heap is not set.
  void set_expires_at_ms(int64_t at_ms);
  bool can_expire(bool expires) const { return expires == expiring() || wide(); }
  uint32_t heap_index() const { return load<uint32_t>(expiry_offset() + 8); }
  void set_heap_index(uint32_t index) { store(expiry_offset() + 8, index); }

  // Whether a value of this size, with or without an expiry, fits into the allocation as it is, without wasting most of
  // it.
  bool can_hold(uint64_t value_bytes, bool expiring) const;
  // Only after can_hold: the old bytes stay, bytes beyond them are uninitialised.
  void set_value_bytes(uint64_t value_bytes);
  uint64_t used_bytes() const { return header_bytes() + key_bytes() + value_bytes(); }
  // What it costs, nearly: what the allocator gives for so many bytes, or gave if there is room to grow, of which what
  // lies far behind the value was never touched.
  uint64_t memory_bytes() const;
  // The most room that a value is given to grow in.
  static constexpr uint64_t spare_bytes_max = 1 << 20;

 private:
  // roomy: the allocation is not the one that make() without spare bytes would have asked for.
  static constexpr uint8_t wide_flag = 1, expiring_flag = 2, roomy_flag = 4;
  static constexpr uint64_t short_key_max = UINT8_MAX, short_value_max = UINT16_MAX;

  Entry() = default;
  bool wide() const { return flags_ & wide_flag; }
  uint64_t expiry_offset() const { return wide() ? 20 : 12; }
  static uint64_t header_bytes(bool wide, bool expiring) { return wide ? 32 : expiring ? 24 : 12; }
  uint64_t header_bytes() const { return header_bytes(wide(), expiring()); }
  uint64_t allocated_bytes() const;
  const char* bytes() const { return reinterpret_cast<const char*>(this); }
  char* bytes() { return reinterpret_cast<char*>(this); }
  template <typename T>
  T load(uint64_t offset) const {
    T value;
    std::memcpy(&value, bytes() + offset, sizeof value);
    return value;
  }
  template <typename T>
  void store(uint64_t offset, T value) {
    std::memcpy(bytes() + offset, &value, sizeof value);
  }

  Sequence sequence_;
  uint8_t flags_;
  uint8_t key_bytes_;
  uint16_t value_bytes_;
};

}  // namespace sett::storage
