#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "storage/table/block_reader.h"
#include "storage/table/partition.h"
#include "storage/table/table.h"

namespace sett::storage {

// All entries of a table in order, a section read at a time, past every cache: for compaction, verification, backup.
// Blocks on the disk. Belongs to one thread; keeps the table alive.
class TableScanner {
 public:
  explicit TableScanner(std::shared_ptr<const Table> table) : table_(std::move(table)) {}

  Status seek_first() { return seek({}); }
  Status seek(std::string_view tree_key);  // to the first entry that is not less
  Status next();                           // only where valid(); after an error the scanner is at no entry
  bool valid() const { return cursor_ && cursor_->valid(); }
  // Until the scanner moves.
  std::string_view key() const { return cursor_->key(); }
  const TableEntry& entry() const { return cursor_->entry(); }

 private:
  Status open_section();
  Status open_block();
  Status go_to_valid();  // the first entry from here on, or the end
  Status damaged(const std::string& what);

  const std::shared_ptr<const Table> table_;
  size_t section_ = 0;
  uint32_t block_ = 0;
  std::string section_bytes_, partition_bytes_, block_bytes_;
  PartitionView partition_;
  std::optional<BlockCursor> cursor_;
};

}  // namespace sett::storage
