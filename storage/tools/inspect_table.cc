#include <string_view>

#include "storage/table/block_reader.h"
#include "storage/table/table_walk.h"
#include "storage/tools/inspect.h"
#include "storage/tools/text.h"

namespace sett::storage {

using table_format::BlockHandle;
using table_format::Footer;
using table_format::Properties;

namespace {

void print_properties(std::ostream& out, const BlockHandle& handle, const Properties& properties) {
  out << handle.offset << " properties: " << properties.entries << " entries, " << properties.tombstones
      << " tombstones, " << properties.pointers << " pointers, " << properties.expiring << " that expire, sequences "
      << properties.first_sequence << " to " << properties.last_sequence << ", first expiry "
      << properties.first_expiry_ms << ", bytes of keys " << properties.key_bytes << ", of values "
      << properties.value_bytes << "\n    smallest " << tree_key_text(properties.smallest) << "\n    largest "
      << tree_key_text(properties.largest) << "\n";
  for (const auto& [file, bytes] : properties.value_bytes_in)
    out << "    points into value log " << file << ": " << bytes << " bytes\n";
}

// False: the block's checksum is right, and yet it cannot be read.
bool print_block(std::ostream& out, const BlockHandle& handle, std::string_view payload) {
  out << handle.offset << " data block, " << handle.stored_bytes << " bytes stored, " << payload.size()
      << " bytes of entries\n";
  BlockCursor cursor(payload);
  for (bool is_at = cursor.seek_first(); is_at; is_at = cursor.next())
    out << "    " << entry_text(cursor.key(), cursor.entry()) << "\n";
  return !cursor.damaged();
}

}  // namespace

Result<uint64_t> inspect_table(FileSystem& files, const std::string& path, std::ostream& out) {
  uint64_t damaged = 0;
  TableVisitor visitor;
  visitor.footer = [&](const Footer& footer, uint64_t offset) {
    out << path << ": table, " << offset + table_format::footer_bytes << " bytes\n"
        << offset << " footer: number " << footer.number << ", epoch " << footer.epoch << ", list of sections at "
        << footer.partitions.offset << ", properties at " << footer.properties.offset << "\n";
  };
  visitor.properties = [&](const BlockHandle& handle, const Properties& properties) {
    print_properties(out, handle, properties);
  };
  visitor.partition = [&](const BlockHandle& handle, const PartitionView& view) {
    out << handle.offset << " partition of " << view.blocks() << " data blocks, " << handle.stored_bytes
        << " bytes stored\n";
  };
  visitor.damage = [&](const Status& status) {
    ++damaged;
    print_damage(out, status);
  };
  visitor.data_block = [&](const BlockHandle& handle, std::string_view payload) {
    if (!print_block(out, handle, payload))
      visitor.damage(Status::corruption(path, handle.offset, "an entry of the block cannot be read"));
  };
  const Status status = walk_table(files, path, visitor);
  if (status) return damaged;
  if (status.kind() != ErrorKind::corruption) return status;
  out << path << ": table\n";
  print_damage(out, status);
  return uint64_t{1};
}

}  // namespace sett::storage
