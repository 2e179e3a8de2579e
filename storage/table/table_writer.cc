#include "storage/table/table_writer.h"

#include <algorithm>
#include <cassert>

#include "storage/base/bytes.h"
#include "storage/keys/tree_key.h"
#include "storage/table/table_counts.h"

namespace sett::storage {

using table_format::BlockHandle;
using table_format::Compression;

namespace {
constexpr size_t write_bytes = 256u << 10;            // gathered before a write
constexpr uint64_t section_entries_max = 4096;        // so that a filter is about 10 KB at most
constexpr uint64_t section_bytes_max = 16ull << 20;   // blocks of large values end a section early
constexpr uint64_t separator_bytes_max = 1ull << 20;  // ... and so do large keys
constexpr uint64_t entry_bytes_max = 1ull << 30;      // key and value; then a partition too is a block that can be read
static_assert(section_bytes_max < UINT32_MAX / 2, "a block's place in its section is 32 bits");
}  // namespace

TableWriter::TableWriter(std::unique_ptr<AppendFile> file, uint64_t number, uint64_t epoch, const TableOptions& options)
    : file_(std::move(file)),
      number_(number),
      epoch_(epoch),
      options_(options),
      partition_(options.filter_bits_per_key) {}

Status TableWriter::add(std::string_view tree_key, const TableEntry& entry) {
  assert(tree_key.size() >= bucket_prefix_bytes);
  if (tree_key.size() + entry.value.size() > entry_bytes_max)
    return Status::error(ErrorKind::unsupported, "an entry of " + std::to_string(tree_key.size() + entry.value.size()) +
                                                     " bytes is too large for a table");
  const bool is_large = tree_key.size() + entry.value.size() >= options_.block_bytes;
  if (!block_.empty() && (is_large || block_.payload_bytes() >= options_.block_bytes)) {
    if (Status status = close_block(tree_key); !status.is_ok()) return status;
  }
  count_entry(properties_, tree_key, entry);
  block_.add(tree_key, entry);
  partition_.add_key(tree_key);
  ++section_entries_;
  return {};
}

BlockHandle TableWriter::append(std::string_view payload, Compression compression) {
  return table_format::append_block(buffer_, payload, compression, epoch_, written_bytes_ + buffer_.size());
}

Status TableWriter::write_out(size_t at_least) {
  if (buffer_.size() < at_least || buffer_.empty()) return {};
  if (Status status = file_->append(buffer_); !status.is_ok()) return status;
  written_bytes_ += buffer_.size();
  buffer_.clear();
  return {};
}

bool TableWriter::section_is_full() const {
  return partition_.blocks() == table_format::blocks_per_section_max || section_entries_ >= section_entries_max ||
         written_bytes_ + buffer_.size() - section_offset_ >= section_bytes_max ||
         partition_.separator_bytes() >= separator_bytes_max;
}

// `next_key`: the first of the next block; empty: there is none.
Status TableWriter::close_block(std::string_view next_key) {
  const BlockHandle handle = append(block_.finish(), options_.compression);
  const std::string separator = next_key.empty() ? block_.last_key() : separator_between(block_.last_key(), next_key);
  partition_.add_block(separator, handle.offset - section_offset_, handle.stored_bytes);
  if (next_key.empty()) properties_.largest = block_.last_key();
  block_.clear();
  if (next_key.empty() || section_is_full()) {
    if (Status status = close_section(separator); !status.is_ok()) return status;
  }
  return write_out(write_bytes);
}

Status TableWriter::close_section(std::string_view separator) {
  const BlockHandle handle = append(partition_.finish(), Compression::none);
  append_sized(partitions_, separator);
  append_varint(partitions_, section_offset_);
  append_varint(partitions_, handle.offset);
  append_varint(partitions_, handle.stored_bytes);
  partition_.clear();
  section_offset_ = handle.end();
  section_entries_ = 0;
  return {};
}

Status TableWriter::finish() {
  assert(!block_.empty());
  if (Status status = close_block({}); !status.is_ok()) return status;
  if (partitions_.size() > table_format::block_bytes_max)
    return Status::error(ErrorKind::unsupported, "the keys are too large for one table");
  table_format::Footer footer{.number = number_, .epoch = epoch_, .partitions = {}, .properties = {}};
  footer.partitions = append(partitions_, options_.compression);
  partitions_.clear();
  footer.properties = append(table_format::encode_properties(properties_), Compression::none);
  buffer_ += table_format::encode_footer(footer);
  if (Status status = write_out(0); !status.is_ok()) return status;
  if (Status status = file_->sync(); !status.is_ok()) return status;
  return file_->close();
}

}  // namespace sett::storage
