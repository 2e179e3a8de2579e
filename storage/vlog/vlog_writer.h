#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "storage/io/file_system.h"
#include "storage/vlog/vlog_format.h"

namespace sett::storage {

// "<number in 20 digits>.vlog"
std::string vlog_file_name(uint64_t number);

// Appends values to one file of a value log. Belongs to one thread. After an error the file is finished: what it holds
// up to the last sync is good, nothing is appended any more.
class VlogWriter {
 public:
  // Writes the header into a new, empty file. The file's name is durable only after its folder is synced.
  static Result<std::unique_ptr<VlogWriter>> begin(std::unique_ptr<AppendFile> file, uint64_t number, uint64_t epoch);

  // The record's offset. Not on disk before sync().
  Result<uint64_t> append(std::string_view tree_key, std::string_view value, Sequence sequence);
  // Room for a file of so many bytes in all, on the disk; see AppendFile::allocate.
  Status allocate(uint64_t bytes) { return file_->allocate(bytes); }
  Status sync();
  // Gives back what was allocated and not used, syncs, closes. Nothing is appended any more.
  Status seal();

  uint64_t number() const { return number_; }
  uint64_t file_bytes() const { return file_->size(); }
  uint64_t records() const { return records_; }

 private:
  VlogWriter(std::unique_ptr<AppendFile> file, uint64_t number, uint64_t epoch)
      : file_(std::move(file)), number_(number), epoch_(epoch) {}

  const std::unique_ptr<AppendFile> file_;
  const uint64_t number_, epoch_;
  uint64_t records_ = 0;
};

}  // namespace sett::storage
