#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "storage/keys/value_pointer.h"
#include "storage/log/journal.h"

namespace sett::storage {

// What lies right below a part of the memtable for one key, as far as its entry counts.
struct Prior {
  enum class Kind : uint8_t { unknown, absent, present };
  Kind kind = Kind::unknown;
  uint64_t value_bytes = 0;  // of present
  int64_t expires_at_ms = 0;
  friend bool operator==(const Prior&, const Prior&) = default;
};

// One key of a memtable with what was last written to it, in one allocation: 16 bytes, then what is rare, then the key
// and the value:
//
//   0        8       10         12           16
//   sequence | flags | key size | value size | [key size u32] [prior value bytes u32, prior expiry i64]
//   [expires_at_ms i64, heap index u32] [pointer 3 * u64] [new length u64]  key  value
//
// The flags say which of the rare fields are there, which is not to say that they are in use. The prior's is there
// unless it was known from the beginning to be absent, so that what is found out later has its place; as long as it is
// unknown, the field has the entry's place in the memtable's list of those. A large entry has room for an
// expiry, so that it need not be copied for one. Behind the value there may be room to grow. The value of a patch is
// its splices in a row: offset, new length, bytes (varint, varint, sized). Made and freed by the memtable.
class MemEntry {
 public:
  enum class Kind : uint8_t {
    value,
    pointer,    // the value has its place in a value log; its bytes are here too
    tombstone,  // the key is gone, whatever lies below
    patch,      // an expiry, splices or both, on what lies below
  };

  Kind kind() const { return static_cast<Kind>((flags_ >> kind_shift) & 3); }
  std::string_view key() const { return {bytes() + header_bytes(), key_bytes()}; }  // of the tree
  Sequence sequence() const { return sequence_; }                                   // of the last write
  Prior prior() const;  // what was below when the first write of the key came to this part

  // 0: never. Of a patch that does not set it: 0, which says nothing.
  int64_t expires_at_ms() const { return has(expiry_field) ? load<int64_t>(offset_of(expiry_field)) : 0; }
  std::string_view value() const { return has_value() ? held() : std::string_view(); }
  bool has_value() const { return kind() == Kind::value || kind() == Kind::pointer; }
  // Of a value or pointer. Of a patch: as it makes it, if that is known.
  uint64_t value_bytes() const;
  ValuePointer pointer() const;  // of a pointer

  // Of a patch.
  bool sets_expiry() const { return flags_ & sets_expiry_flag; }  // expires_at_ms() is the key's, 0 included
  bool spliced() const { return flags_ & spliced_flag; }
  uint64_t new_length() const { return spliced() ? load<uint64_t>(offset_of(length_field)) : 0; }
  // Turns the value that it stands on into the one that it stands for.
  void lay_over(std::string& base_value) const;

  uint64_t memory_bytes() const;  // what the allocator gave for it

  // --- For the memtable that owns it.

  // All that there is to say of an entry; views.
  struct Draft {
    std::string_view key;
    Kind kind = Kind::value;
    Sequence sequence = 0;
    Prior prior = {};
    int64_t expires_at_ms = 0;
    bool sets_expiry = false;
    ValuePointer pointer = {};
    std::optional<uint64_t> new_length = {};
    std::string_view value = {};  // of a patch: its splices
    uint64_t value_bytes = 0;     // at least value.size(); what is missing is zeroes
  };
  Draft draft() const;
  // `spare_bytes`: room to grow behind the value.
  static MemEntry* make(const Draft& draft, uint64_t spare_bytes);
  static void free(MemEntry* entry);
  // In the same place, if that has room and, unless it has to be that place, is not mostly wasted: else false, and
  // nothing has changed. The key is the same; views into the entry's own value are fine. The heap's index stays, and
  // the list's while the prior is unknown.
  bool try_assign(const Draft& draft, bool has_to = false);
  // Copies bytes over the value; they may be part of it.
  void lay(uint64_t offset, std::string_view bytes) {
    if (!bytes.empty()) std::memmove(value_data() + offset, bytes.data(), bytes.size());
  }
  static void append_splice_head(std::string& out, uint64_t offset, uint64_t new_length, uint64_t bytes);

  uint32_t heap_index() const { return load<uint32_t>(offset_of(expiry_field) + sizeof(int64_t)); }
  void set_heap_index(uint32_t index) { store(offset_of(expiry_field) + sizeof(int64_t), index); }
  // Only while the prior is unknown.
  uint32_t unknown_index() const { return load<uint32_t>(offset_of(prior_field)); }
  void set_unknown_index(uint32_t index) { store(offset_of(prior_field), index); }

  // The most that one entry can hold, of key and of value each.
  static constexpr uint64_t bytes_max = UINT32_MAX;
  // The most room that a value is given to grow in.
  static constexpr uint64_t spare_bytes_max = 1 << 20;

 private:
  // Which fields are there, in their order.
  static constexpr uint16_t wide_field = 1, prior_field = 2, expiry_field = 4, pointer_field = 8, length_field = 16,
                            all_fields = 31;
  static constexpr unsigned kind_shift = 5, prior_shift = 7;
  static constexpr uint16_t sets_expiry_flag = 1 << 9, spliced_flag = 1 << 10;
  static constexpr uint64_t fixed_bytes = 16, short_key_max = UINT16_MAX;

  MemEntry() = default;
  bool has(uint16_t field) const { return flags_ & field; }
  static uint64_t bytes_of(uint16_t fields);
  uint64_t offset_of(uint16_t field) const;  // fields before this one
  uint64_t header_bytes() const;
  uint64_t key_bytes() const { return has(wide_field) ? load<uint32_t>(fixed_bytes) : key_bytes_; }
  static uint16_t needed_fields(const Draft& draft);
  void assign_header(const Draft& draft, uint16_t fields);
  void assign_value(const Draft& draft);

  const char* bytes() const { return reinterpret_cast<const char*>(this); }
  char* bytes() { return reinterpret_cast<char*>(this); }
  char* value_data() { return bytes() + header_bytes() + key_bytes(); }
  std::string_view held() const { return {bytes() + header_bytes() + key_bytes(), value_bytes_}; }
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
  uint16_t flags_;
  uint16_t key_bytes_;
  uint32_t value_bytes_;
};

}  // namespace sett::storage
