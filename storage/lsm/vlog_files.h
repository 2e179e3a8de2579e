#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "storage/base/mutex.h"
#include "storage/vlog/vlog_reader.h"

namespace sett::storage {

// The value logs of a folder, each opened when it is first read, and open from then on. For any threads.
class VlogFiles {
 public:
  VlogFiles(FileSystem& files, std::string directory) : files_(files), directory_(std::move(directory)) {}

  // May block on the disk. Failures are not remembered.
  Result<std::shared_ptr<const VlogReader>> open(uint64_t number) EXCLUDES(mutex_);
  // nullptr: not opened yet. Never goes to the disk.
  std::shared_ptr<const VlogReader> find_open(uint64_t number) const EXCLUDES(mutex_);
  // Closes it, once nobody reads it any more: its file is gone. It is not opened again.
  void forget(uint64_t number) EXCLUDES(mutex_);

 private:
  FileSystem& files_;
  const std::string directory_;
  mutable Mutex mutex_;
  std::map<uint64_t, std::shared_ptr<const VlogReader>> open_ GUARDED_BY(mutex_);
};

}  // namespace sett::storage
