#pragma once

#include <functional>
#include <string>
#include <vector>

#include "storage/backup/backup_manifest.h"
#include "storage/backup/backup_part.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/base/mutex.h"
#include "storage/io/file_system.h"

namespace sett::storage {

// The one folder of all backups. From any thread; what it is given outlives it and all that it began.
class Backups {
 public:
  // Asks a store for its part.
  using Source = std::function<void(BackupPartDone)>;
  struct State {
    bool is_running = false;
    bool failed = false;  // the last one
    int64_t last_ms = 0;  // when the last good one of this start was complete; wall clock; 0: none
    uint64_t bytes = 0;   // of it, be they shared or not
  };

  Backups(FileSystem& files, Executor& executor, Clock& clock, std::string directory)
      : files_(files), executor_(executor), clock_(clock), directory_(std::move(directory)) {}

  // Makes the backup of that name, one store after the other, on the background lane; `done` comes once, on any thread.
  // busy: another one is under way. already_exists: the name is taken. After a failure nothing of it is left, as far as
  // it can be removed; what cannot is known as incomplete.
  void begin(const std::string& name, std::vector<Source> sources, std::function<void(Status)> done);
  // What backups that never became complete have left. At the start, before begin(). Blocks on the disk.
  Status remove_incomplete();
  State state() const;
  const std::string& directory() const { return directory_; }

 private:
  void ended(const Status& status, uint64_t bytes);

  FileSystem& files_;
  Executor& executor_;
  Clock& clock_;
  const std::string directory_;
  mutable Mutex mutex_;
  State state_ GUARDED_BY(mutex_);
};

}  // namespace sett::storage
