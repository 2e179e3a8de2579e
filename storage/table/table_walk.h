#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "storage/io/file_system.h"
#include "storage/table/partition.h"
#include "storage/table/table_format.h"

namespace sett::storage {

// What a walk shows of a table, each thing only if its checksum is right. Any of them may be empty. Views hold during
// the call.
struct TableVisitor {
  using Handle = table_format::BlockHandle;
  std::function<void(const table_format::Footer&, uint64_t offset)> footer;
  std::function<void(const Handle&, const table_format::Properties&)> properties;
  std::function<void(const Handle&, const PartitionView&)> partition;       // before the data blocks of its section
  std::function<void(const Handle&, std::string_view payload)> data_block;  // in the order of the file
  std::function<void(const Status&)> damage;                                // corruption, with its offset
  std::function<Status(uint64_t bytes)> progress;                           // of the file; not ok: ends the walk
};

// Goes through a table from its first block to its last and over what is damaged: for inspection, verification and
// repair. A damaged block is passed over; where an index is damaged the blocks that it names are found by their own
// checksums. Not ok: the file cannot be read, or its footer is damaged, without which no checksum can be computed.
// Blocks on the disk; holds a section in memory, or all of the file where the list of sections is damaged.
Status walk_table(FileSystem& files, const std::string& path, const TableVisitor& visitor);

}  // namespace sett::storage
