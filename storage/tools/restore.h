#pragma once

#include <string>
#include <vector>

#include "storage/io/file_system.h"
#include "storage/tools/observer.h"

namespace sett::storage {

struct RestoreTarget {
  std::string backend, path;  // of the store's folder, which need not be there
};

// Puts the content of a backup in the place of what the stores hold. Takes their locks (busy: somebody has one open);
// checks every file of the backup before anything is changed; then store by store, as README.md says ("Restoring").
// Stores that are not in the backup stay as they are. Damage of the backup was told when the status is corruption.
Status restore_backup(FileSystem& files, const std::string& folder, const std::vector<RestoreTarget>& targets,
                      ToolObserver& observer);

}  // namespace sett::storage
