#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/keys/mutation.h"
#include "storage/table/table_entry.h"

namespace sett::storage {

// What is on disk as text for people: one line, whatever the bytes are.

inline constexpr size_t key_bytes_shown_max = 256, value_bytes_shown_max = 48;

// In quotes, what is not printable ASCII as \xNN; of more bytes than the limit the first ones and three dots.
std::string quoted(std::string_view bytes, size_t shown_max);
inline std::string quoted_key(std::string_view key) {
  return quoted(key, key_bytes_shown_max);
}
// With its size: "hello" (5 bytes)
std::string value_text(std::string_view value);
// bucket 65536 "key"; of the time index also what is due when. Bytes that are no key of a tree are shown as they are.
std::string tree_key_text(std::string_view tree_key);
// put bucket 65536 "key" = "hello" (5 bytes), expires at 1700000000000
std::string mutation_text(const Mutation& mutation);
// bucket 65536 "key" sequence 300 = ...
std::string entry_text(std::string_view tree_key, const TableEntry& entry);

}  // namespace sett::storage
