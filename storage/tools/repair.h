#pragma once

#include <functional>
#include <memory>
#include <string>

#include "storage/base/clock.h"
#include "storage/io/file_system.h"
#include "storage/tools/observer.h"
#include "storage/tools/salvage.h"

namespace sett::storage {

struct RepairTarget {
  std::string backend, path;  // the damaged store
  // Opens a new store of the same kind in an empty folder, with an executor of its own.
  std::function<Result<std::unique_ptr<Store>>(const std::string& path)> open;
  std::function<void()> pause;  // a moment passes, in which the executor goes on
  std::function<void()> stop;   // the executor comes to a stop: before the store is closed
};

// Puts a store in the place of a damaged one that holds all that checks, as README.md says ("Repairing"); what is
// dropped is told, and the damaged files are kept beside it. Takes the store's lock (busy: somebody has it open). A
// store without damage stays as it is. Not ok: nothing was changed, or a start says that the repair has to be run
// again.
Status repair_store(FileSystem& files, const RepairTarget& target, Clock& clock, ToolObserver& observer);

// --- What each kind of store does

// Hand everything that can be read to `salvage`, and finish it. Damage was told of before. `scratch` is a folder for
// files that nobody needs afterwards. Not ok: a file cannot be read, or the new store cannot be written.
Status salvage_badger(FileSystem& files, const std::string& path, const std::string& scratch, Salvage& salvage,
                      ToolObserver& observer);
Status salvage_simple_kv(FileSystem& files, const std::string& path, Salvage& salvage, ToolObserver& observer);

}  // namespace sett::storage
