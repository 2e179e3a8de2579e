#include "storage/backup/backups.h"

#include <memory>
#include <utility>

#include "storage/backup/backup_job.h"

namespace sett::storage {

void Backups::begin(const std::string& name, std::vector<Source> sources, std::function<void(Status)> done) {
  if (!is_backup_name(name)) return done(Status::error(ErrorKind::invalid_argument, "this is no name of a backup"));
  bool is_free = false;
  {
    MutexLock lock(mutex_);
    is_free = !std::exchange(state_.is_running, true);
  }
  if (!is_free) return done(Status::error(ErrorKind::busy, "another backup is under way"));
  BackupJob::begin({.files = files_, .executor = executor_, .clock = clock_}, directory_, name, std::move(sources),
                   [this, done = std::move(done)](const Status& status, uint64_t bytes) {
                     ended(status, bytes);
                     done(status);
                   });
}

void Backups::ended(const Status& status, uint64_t bytes) {
  MutexLock lock(mutex_);
  state_.is_running = false;
  state_.failed = !status;
  if (!status) return;
  state_.last_ms = clock_.wall_ms();
  state_.bytes = bytes;
}

Backups::State Backups::state() const {
  MutexLock lock(mutex_);
  return state_;
}

// Only what says so of itself: the folder may hold anything else.
Status Backups::remove_incomplete() {
  const auto names = files_.list(directory_);
  if (!names.is_ok()) return names.status().kind() == ErrorKind::not_found ? Status() : names.status();
  for (const std::string& name : names.value()) {
    const std::string folder = join_path(directory_, name), marker = join_path(folder, backup_marker_name);
    const auto is_marked = files_.exists(marker);
    if (!is_marked.is_ok() || !is_marked.value()) continue;
    const auto is_complete = files_.exists(join_path(folder, backup_manifest_name));
    if (!is_complete.is_ok()) return is_complete.status();
    if (Status status = is_complete.value() ? files_.remove(marker) : remove_backup(files_, folder); !status)
      return status;
  }
  return {};
}

}  // namespace sett::storage
