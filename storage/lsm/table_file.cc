#include "storage/lsm/table_file.h"

namespace sett::storage {

TableMeta table_meta(const table_format::Properties& properties, uint64_t number, uint64_t file_bytes) {
  return {.number = number,
          .file_bytes = file_bytes,
          .entries = properties.entries,
          .tombstones = properties.tombstones,
          .first_sequence = properties.first_sequence,
          .last_sequence = properties.last_sequence,
          .first_expiry_ms = static_cast<int64_t>(properties.first_expiry_ms),
          .smallest = properties.smallest,
          .largest = properties.largest,
          .value_bytes_in = properties.value_bytes_in};
}

Result<const Table*> TableFile::open(FileSystem& files) const {
  if (const Table* already = find_open()) return already;
  // No lock is held over the disk: of two threads that open it at once, one gives its own away.
  auto opened = Table::open(files, path_, meta_.number);
  if (!opened.is_ok()) return opened.status();
  const Table& table = *opened.value();
  if (table_meta(table.properties(), meta_.number, table.file_bytes()) != meta_)
    return Status::corruption(path_, 0, "the table is not the one that the manifest tells of");
  const MutexLock lock(mutex_);
  if (!table_) {
    table_ = std::move(opened).value();
    open_.store(table_.get(), std::memory_order_release);
  }
  return table_.get();
}

uint64_t TableFile::memory_bytes() const {
  const Table* table = find_open();
  return sizeof *this + path_.capacity() + meta_.smallest.capacity() + meta_.largest.capacity() +
         meta_.value_bytes_in.capacity() * sizeof meta_.value_bytes_in[0] + (table ? table->memory_bytes() : 0);
}

Result<std::shared_ptr<const Table>> open_shared(FileSystem& files, const TableFilePtr& file) {
  const auto opened = file->open(files);
  if (!opened.is_ok()) return opened.status();
  return std::shared_ptr<const Table>(file, opened.value());
}

}  // namespace sett::storage
