#include "storage/tools/store_files.h"

#include <charconv>

namespace sett::storage {

Result<std::unique_ptr<FileLock>> lock_store(FileSystem& files, const std::string& path) {
  const std::string name = join_path(path, "LOCK");
  const auto exists = files.exists(name);
  if (!exists.is_ok()) return exists.status();
  if (!exists.value()) return std::unique_ptr<FileLock>();
  auto lock = files.lock(name);
  if (!lock.is_ok() && lock.status().kind() == ErrorKind::busy)
    return Status::error(ErrorKind::busy, path + ": another process has this store open: stop it first");
  return lock;
}

Result<std::vector<std::string>> list_names(FileSystem& files, const std::string& directory) {
  auto names = files.list(directory);
  if (!names.is_ok() && names.status().kind() == ErrorKind::not_found) return std::vector<std::string>();
  return names;
}

uint64_t number_of_file(std::string_view name, std::string_view suffix) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool fits = error == std::errc() && name.substr(static_cast<size_t>(end - name.data())) == suffix;
  return fits ? number : 0;
}

uint64_t size_of_file(FileSystem& files, const std::string& path) {
  const auto file = files.open(path);
  return file.is_ok() ? file.value()->size() : 0;
}

uint64_t bytes_in(FileSystem& files, const std::string& directory, std::string_view suffix) {
  uint64_t bytes = 0;
  const auto names = list_names(files, directory);
  if (!names.is_ok()) return 0;
  for (const std::string& name : names.value())
    if (name.ends_with(suffix)) bytes += size_of_file(files, join_path(directory, name));
  return bytes;
}

}  // namespace sett::storage
