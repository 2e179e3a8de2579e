#pragma once

#include <cstdint>

namespace sett::storage {

// Where a value lies in a value log (storage/vlog): the file, the offset of its record, the size of the value. The
// record's size follows from these and the key that the pointer was found under.
struct ValuePointer {
  uint64_t file = 0, offset = 0, value_bytes = 0;
  friend bool operator==(const ValuePointer&, const ValuePointer&) = default;
};

// What that record takes in its file: storage/vlog/README.md#format.
inline constexpr uint64_t value_record_header_bytes = 24;
inline constexpr uint64_t value_record_bytes(uint64_t tree_key_bytes, uint64_t value_bytes) {
  return value_record_header_bytes + tree_key_bytes + value_bytes;
}

}  // namespace sett::storage
