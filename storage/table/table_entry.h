#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/base/bytes.h"
#include "storage/log/journal.h"

namespace sett::storage {

// What a table says of one key.
struct TableEntry {
  enum class Kind : uint8_t {  // persisted: never renumbered
    value = 1,                 // the value itself
    pointer = 2,               // it lies in a value log
    tombstone = 3,             // the key is gone: hides what lies below
  };

  Kind kind = Kind::tombstone;
  Sequence sequence = 0;
  int64_t expires_at_ms = 0;  // 0: never
  std::string_view value;     // of Kind::value
  // Of Kind::pointer: the record in the value log, and the size of its value.
  uint64_t log_file = 0, log_offset = 0, value_bytes = 0;
};

// Everything of an entry but its key, as in README.md#format.
void append_table_entry(std::string& out, const TableEntry& entry);
// False: the bytes are no entry. Views into them.
bool read_table_entry(ByteReader& reader, TableEntry& entry);

}  // namespace sett::storage
