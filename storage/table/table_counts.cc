#include "storage/table/table_counts.h"

#include <algorithm>

#include "storage/keys/tree_key.h"
#include "storage/keys/value_pointer.h"

namespace sett::storage {

namespace {

void add_value_bytes(table_format::ValueBytesIn& all, uint64_t file, uint64_t bytes) {
  const auto at = std::lower_bound(all.begin(), all.end(), file,
                                   [](const auto& one, uint64_t wanted) { return one.first < wanted; });
  if (at != all.end() && at->first == file)
    at->second += bytes;
  else
    all.emplace(at, file, bytes);
}

}  // namespace

void count_entry(table_format::Properties& properties, std::string_view tree_key, const TableEntry& entry) {
  using Kind = TableEntry::Kind;
  if (properties.entries == 0) {
    properties.smallest = tree_key;
    properties.first_sequence = properties.last_sequence = entry.sequence;
  }
  ++properties.entries;
  properties.tombstones += entry.kind == Kind::tombstone;
  properties.pointers += entry.kind == Kind::pointer;
  if (entry.expires_at_ms != 0) {
    const auto at_ms = static_cast<uint64_t>(entry.expires_at_ms);
    properties.first_expiry_ms = properties.expiring == 0 ? at_ms : std::min(properties.first_expiry_ms, at_ms);
    ++properties.expiring;
  }
  properties.key_bytes += user_key(tree_key).size();
  if (entry.kind == Kind::value) properties.value_bytes += entry.value.size();
  if (entry.kind == Kind::pointer)
    add_value_bytes(properties.value_bytes_in, entry.log_file, value_record_bytes(tree_key.size(), entry.value_bytes));
  properties.first_sequence = std::min(properties.first_sequence, entry.sequence);
  properties.last_sequence = std::max(properties.last_sequence, entry.sequence);
}

}  // namespace sett::storage
