#include "storage/lsm/vlog_files.h"

#include "storage/vlog/vlog_writer.h"

namespace sett::storage {

std::shared_ptr<const VlogReader> VlogFiles::find_open(uint64_t number) const {
  const MutexLock lock(mutex_);
  const auto at = open_.find(number);
  return at == open_.end() ? nullptr : at->second;
}

Result<std::shared_ptr<const VlogReader>> VlogFiles::open(uint64_t number) {
  if (auto reader = find_open(number)) return reader;
  // No lock is held over the disk: of two threads that open it at once, one gives its own away.
  auto reader = VlogReader::open(files_, join_path(directory_, vlog_file_name(number)), number);
  if (!reader.is_ok()) return reader;
  const MutexLock lock(mutex_);
  return open_.try_emplace(number, std::move(reader).value()).first->second;
}

void VlogFiles::forget(uint64_t number) {
  std::shared_ptr<const VlogReader> closed;  // without the lock
  const MutexLock lock(mutex_);
  const auto at = open_.find(number);
  if (at == open_.end()) return;
  closed = std::move(at->second);
  open_.erase(at);
}

}  // namespace sett::storage
