#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "storage/io/file_system.h"
#include "storage/table/block_builder.h"
#include "storage/table/partition.h"
#include "storage/table/table_format.h"

namespace sett::storage {

struct TableOptions {
  uint64_t block_bytes = 4096;  // of a data block before compression; an entry larger than this has one of its own
  double filter_bits_per_key = 12;
  table_format::Compression compression = table_format::Compression::lz4;
};

// Writes one table from its smallest entry to its largest. Belongs to one thread. After an error the file is worth
// nothing and the writer is given up.
class TableWriter {
 public:
  // `number` is that of the file's name, `epoch` random.
  TableWriter(std::unique_ptr<AppendFile> file, uint64_t number, uint64_t epoch, const TableOptions& options);

  // `tree_key` is greater than the one before. The views need not outlive the call.
  Status add(std::string_view tree_key, const TableEntry& entry);
  // Writes what is left, syncs and closes. At least one entry was added. The file's name is durable only after its
  // folder is synced.
  Status finish();

  const table_format::Properties& properties() const { return properties_; }
  // Of the file as it would be if it ended now, nearly; after finish() its size.
  uint64_t file_bytes() const {
    return written_bytes_ + buffer_.size() + (block_.empty() ? 0 : block_.payload_bytes()) +
           partition_.separator_bytes() + partitions_.size();
  }

 private:
  bool section_is_full() const;
  Status close_block(std::string_view next_key);
  Status close_section(std::string_view separator);
  table_format::BlockHandle append(std::string_view payload, table_format::Compression compression);
  Status write_out(size_t at_least);

  const std::unique_ptr<AppendFile> file_;
  const uint64_t number_, epoch_;
  const TableOptions options_;
  table_format::Properties properties_;
  BlockBuilder block_;
  PartitionBuilder partition_;
  uint64_t section_offset_ = 0;
  uint64_t section_entries_ = 0;
  std::string partitions_;  // the list, as it will be written
  std::string buffer_;
  uint64_t written_bytes_ = 0;
};

}  // namespace sett::storage
