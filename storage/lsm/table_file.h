#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "storage/base/mutex.h"
#include "storage/io/file_system.h"
#include "storage/log/journal.h"
#include "storage/table/table.h"

namespace sett::storage {

// What the manifest says of a table: enough to choose and to count without opening it.
struct TableMeta {
  uint64_t number = 0, file_bytes = 0, entries = 0, tombstones = 0;
  Sequence first_sequence = 0, last_sequence = 0;
  int64_t first_expiry_ms = 0;                // the earliest; 0: nothing expires
  std::string smallest, largest;              // tree keys, both in the table
  table_format::ValueBytesIn value_bytes_in;  // what its pointers name
  friend bool operator==(const TableMeta&, const TableMeta&) = default;
};

// Of a table that was just written (TableWriter::properties) or opened.
TableMeta table_meta(const table_format::Properties& properties, uint64_t number, uint64_t file_bytes);

// A table as the manifest knows it, opened when it is first read. For any threads. Does not remove its file.
class TableFile {
 public:
  TableFile(std::string path, TableMeta meta) : meta_(std::move(meta)), path_(std::move(path)) {}

  const TableMeta& meta() const { return meta_; }
  uint64_t number() const { return meta_.number; }
  const std::string& path() const { return path_; }
  bool may_hold(std::string_view tree_key) const { return meta_.smallest <= tree_key && tree_key <= meta_.largest; }
  // Whether a key between the two, both included, may be in it.
  bool overlaps(std::string_view smallest, std::string_view largest) const {
    return meta_.smallest <= largest && smallest <= meta_.largest;
  }

  // nullptr: not yet opened. Never goes to the disk. As long as this object lives.
  const Table* find_open() const noexcept { return open_.load(std::memory_order_acquire); }
  // Opens it unless it is open; may block on the disk. A file that is not the one that `meta` tells of is corruption.
  // Failures are not remembered. The pointer: as find_open().
  Result<const Table*> open(FileSystem& files) const EXCLUDES(mutex_);
  uint64_t memory_bytes() const;  // about; with the open table

 private:
  const TableMeta meta_;
  const std::string path_;
  mutable std::atomic<const Table*> open_ = nullptr;
  mutable Mutex mutex_;
  mutable std::shared_ptr<const Table> table_ GUARDED_BY(mutex_);
};
using TableFilePtr = std::shared_ptr<const TableFile>;

// For who scans: the open table, which keeps `file` alive.
Result<std::shared_ptr<const Table>> open_shared(FileSystem& files, const TableFilePtr& file);

}  // namespace sett::storage
