#include "storage/table/table_entry.h"

#include <cassert>

namespace sett::storage {

namespace {
constexpr uint8_t expires_flag = 8;
}

void append_table_entry(std::string& out, const TableEntry& entry) {
  assert(entry.expires_at_ms >= 0);
  const bool expires = entry.expires_at_ms != 0;
  out.push_back(static_cast<char>(static_cast<uint8_t>(entry.kind) | (expires ? expires_flag : 0)));
  append_varint(out, entry.sequence);
  if (expires) append_varint(out, static_cast<uint64_t>(entry.expires_at_ms));
  switch (entry.kind) {
    case TableEntry::Kind::value:
      append_sized(out, entry.value);
      break;
    case TableEntry::Kind::pointer:
      append_varint(out, entry.log_file);
      append_varint(out, entry.log_offset);
      append_varint(out, entry.value_bytes);
      break;
    case TableEntry::Kind::tombstone:
      break;
  }
}

bool read_table_entry(ByteReader& reader, TableEntry& entry) {
  entry = {};
  const auto kind = reader.fixed<uint8_t>();
  entry.kind = static_cast<TableEntry::Kind>(kind & ~expires_flag);
  entry.sequence = reader.varint();
  if (kind & expires_flag) {
    entry.expires_at_ms = static_cast<int64_t>(reader.varint());
    if (entry.expires_at_ms <= 0) return false;
  }
  switch (entry.kind) {
    case TableEntry::Kind::value:
      entry.value = reader.sized();
      entry.value_bytes = entry.value.size();
      break;
    case TableEntry::Kind::pointer:
      entry.log_file = reader.varint();
      entry.log_offset = reader.varint();
      entry.value_bytes = reader.varint();
      break;
    case TableEntry::Kind::tombstone:
      break;
    default:
      return false;
  }
  return !reader.failed();
}

}  // namespace sett::storage
