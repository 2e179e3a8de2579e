#include "storage/simple_kv/disk_reserve.h"

#include <algorithm>

namespace sett::storage {

namespace {

constexpr uint64_t share_of_disk = 16;  // of what the store has and could have, the reserve is at most this part
constexpr uint64_t page_bytes = 4096;

Status make_durable(FileSystem& files, const std::string& directory, AppendFile& file, uint64_t bytes) {
  if (Status status = file.allocate(bytes); !status.is_ok()) return status;
  if (Status status = file.sync(); !status.is_ok()) return status;
  if (Status status = file.close(); !status.is_ok()) return status;
  return files.sync_directory(directory);
}

}  // namespace

Status DiskReserve::make(uint64_t own_bytes) {
  if (bytes_max_ == 0 || is_there_ || in_use_.exchange(true)) return {};
  const Status status = make_file(own_bytes);
  in_use_ = false;
  return status.kind() == ErrorKind::no_space ? Status() : status;
}

Status DiskReserve::make_file(uint64_t own_bytes) {
  const auto free = files_.free_bytes(directory_);
  if (!free.is_ok()) return free.status();
  const auto size = size_of_file();
  if (!size.is_ok()) return size.status();
  const uint64_t share = free.value() / share_of_disk + (own_bytes + size.value()) / share_of_disk;
  const uint64_t bytes = std::min(bytes_max_, share / page_bytes * page_bytes);
  bytes_ = size.value();
  if (size.value() > 0 && size.value() >= bytes) {
    is_there_ = true;
    return {};
  }
  is_there_ = size.value() > 0;  // less than it should be, but for nobody else
  if (bytes == 0 || free.value() + size.value() < bytes) return {};
  is_there_ = false;
  const std::string path = join_path(directory_, file_name);
  if (Status removed = files_.remove(path); !removed.is_ok() && removed.kind() != ErrorKind::not_found) return removed;
  auto file = files_.create(path);
  if (!file.is_ok()) return file.status();
  if (Status status = make_durable(files_, directory_, *file.value(), bytes); !status.is_ok()) {
    [[maybe_unused]] const Status removed = files_.remove(path);  // what is left of it, the next call replaces
    return status;
  }
  bytes_ = bytes;
  is_there_ = true;
  return {};
}

// 0 where there is none.
Result<uint64_t> DiskReserve::size_of_file() const {
  const auto file = files_.open(join_path(directory_, file_name));
  if (file.is_ok()) return file.value()->size();
  if (file.status().kind() == ErrorKind::not_found) return uint64_t{0};
  return file.status();
}

bool DiskReserve::give_up() {
  if (in_use_.exchange(true)) return false;
  is_there_ = false;
  // Synced: some file systems hand freed blocks out only after that.
  const bool given =
      files_.remove(join_path(directory_, file_name)).is_ok() && files_.sync_directory(directory_).is_ok();
  in_use_ = false;
  return given;
}

}  // namespace sett::storage
