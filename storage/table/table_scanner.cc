#include "storage/table/table_scanner.h"

#include <cassert>

#include "storage/keys/tree_key.h"

namespace sett::storage {

using table_format::BlockHandle;
using table_format::trailer_bytes;

Status TableScanner::damaged(const std::string& what) {
  cursor_.reset();
  return Status::corruption(table_->path(), table_->sections()[section_].offset, what);
}

Status TableScanner::open_section() {
  cursor_.reset();
  block_ = 0;
  if (Status status = table_->read_section(section_, section_bytes_); !status.is_ok()) return status;
  const Table::Section& section = table_->sections()[section_];
  if (section_ + 1 < table_->sections().size()) {
    const Table::Section& behind = table_->sections()[section_ + 1];
    table_->will_read(behind.offset, behind.partition.end() - behind.offset);
  }
  const std::string_view partition = std::string_view(section_bytes_).substr(section.partition.offset - section.offset);
  auto opened = table_format::open_block(partition, section.partition, table_->epoch(), table_->path());
  if (!opened.is_ok()) return opened.status();
  partition_bytes_ = std::move(opened).value();
  return partition_.open(partition_bytes_) ? Status() : damaged("a partition cannot be read");
}

Status TableScanner::open_block() {
  cursor_.reset();
  const Table::Section& section = table_->sections()[section_];
  const BlockHandle handle = partition_.handle(block_, section.offset);
  if (handle.end() > section.partition.offset) return damaged("a block is said to lie outside of its section");
  const std::string_view stored =
      std::string_view(section_bytes_).substr(handle.offset - section.offset, handle.stored_bytes + trailer_bytes);
  auto opened = table_format::open_block(stored, handle, table_->epoch(), table_->path());
  if (!opened.is_ok()) return opened.status();
  block_bytes_ = std::move(opened).value();
  cursor_.emplace(block_bytes_);
  return {};
}

Status TableScanner::go_to_valid() {
  while (!cursor_ || !cursor_->valid()) {
    if (cursor_ && cursor_->damaged()) return damaged("a block cannot be read");
    if (cursor_ && ++block_ == partition_.blocks()) {
      cursor_.reset();
      if (++section_ == table_->sections().size()) return {};
      if (Status status = open_section(); !status.is_ok()) return status;
    }
    if (Status status = open_block(); !status.is_ok()) return status;
    cursor_->seek_first();
  }
  return cursor_->key().size() >= bucket_prefix_bytes ? Status() : damaged("a key has no bucket");
}

Status TableScanner::seek(std::string_view tree_key) {
  cursor_.reset();
  section_ = table_->section_of(tree_key);
  if (section_ == table_->sections().size()) return {};
  if (Status status = open_section(); !status.is_ok()) return status;
  block_ = partition_.block_of(tree_key);
  if (block_ == partition_.blocks()) return damaged("a partition ends before its section does");
  if (Status status = open_block(); !status.is_ok()) return status;
  cursor_->seek(tree_key);
  return go_to_valid();
}

Status TableScanner::next() {
  assert(valid());
  cursor_->next();
  return go_to_valid();
}

}  // namespace sett::storage
