#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "storage/base/status.h"

namespace sett::storage {

// One store at one sequence, as a backup takes it: what its recovery has to find in a folder of its own.
struct BackupPart {
  struct File {
    std::string from;  // a path
    std::string name;  // in the folder: "tables/00000000000000000007.table"
  };
  std::string backend;
  uint64_t sequence = 0;
  // Whole, on disk, and never changed any more, whoever else has them: a backup may share them.
  std::vector<File> files;
  // Makes the rest in that folder, which has the files by then: what is the backup's own. Synced, but for the names.
  // Returns their names in the folder. Blocks on the disk.
  std::function<Result<std::vector<std::string>>(const std::string& folder)> write_rest;
  // As long as it lives nothing of this is removed.
  std::shared_ptr<void> hold;
};
using BackupPartPtr = std::shared_ptr<const BackupPart>;
using BackupPartDone = std::function<void(Result<BackupPartPtr>)>;  // on any thread

}  // namespace sett::storage
