#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "storage/io/file_system.h"
#include "storage/vlog/vlog_format.h"

namespace sett::storage {

// Reads one file of a value log. Blocks on the disk. Immutable after open, for any threads.
class VlogReader {
 public:
  // Reads the header. The file may still be appended to.
  static Result<std::shared_ptr<const VlogReader>> open(FileSystem& files, const std::string& path, uint64_t number);

  uint64_t number() const { return number_; }
  const std::string& path() const { return path_; }
  // The value that a pointer found under `tree_key` names, in one read. Anything but just that record is corruption,
  // with file and offset.
  Result<std::string> read(uint64_t offset, std::string_view tree_key, uint64_t value_bytes) const;
  // The same without waiting for the disk; nullopt: the system does not have it in memory, or it is a large one.
  Result<std::optional<std::string>> read_cached(uint64_t offset, std::string_view tree_key,
                                                 uint64_t value_bytes) const;
  // Whether the record that a pointer means lies there; its value and checksum are not looked at.
  Status check_place(uint64_t offset, std::string_view tree_key, uint64_t value_bytes) const;
  uint64_t epoch() const { return epoch_; }

 private:
  friend class VlogScanner;
  VlogReader(std::unique_ptr<RandomAccessFile> file, std::string path, uint64_t number)
      : file_(std::move(file)), path_(std::move(path)), number_(number) {}

  // Of a record that is in memory whole: leaves its value.
  Status check(std::string& record, uint64_t offset, std::string_view tree_key, uint64_t value_bytes) const;

  const std::unique_ptr<RandomAccessFile> file_;
  const std::string path_;
  const uint64_t number_;
  uint64_t epoch_ = 0;
};

// The records of a file from its beginning to its end, one at a time. Belongs to one thread; keeps the reader alive.
class VlogScanner {
 public:
  // `end`: of what is read of the file, which may have grown since it was opened; records that begin there or later are
  // not looked at.
  VlogScanner(std::shared_ptr<const VlogReader> reader, uint64_t end);

  // To the next record. At a record that is not whole valid() is false and the status is corruption, with its offset:
  // where the file was not sealed, this may be a torn tail.
  Status next();
  // For who saves what can be saved: from a record that is not whole to the next one that is, which may begin at every
  // byte. valid() is false where there is none.
  Status skip_damage();
  bool valid() const { return valid_; }
  // Of the record, until the scanner moves.
  uint64_t offset() const { return offset_; }
  Sequence sequence() const { return header_.sequence; }
  std::string_view tree_key() const {
    return std::string_view(record_).substr(vlog_format::record_header_bytes, header_.key_bytes);
  }
  std::string_view value() const {
    return std::string_view(record_).substr(vlog_format::record_header_bytes + header_.key_bytes);
  }

 private:
  Status damaged(const std::string& what);
  Result<bool> try_record(std::string_view header_bytes, uint64_t offset);

  const std::shared_ptr<const VlogReader> reader_;
  const uint64_t end_;
  uint64_t offset_ = 0, next_offset_ = vlog_format::file_header_bytes;
  bool valid_ = false;
  vlog_format::RecordHeader header_;
  std::string record_;
};

}  // namespace sett::storage
