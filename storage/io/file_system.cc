#include "storage/io/file_system.h"

namespace sett::storage {

Result<std::string> read_file(FileSystem& files, const std::string& path, uint64_t limit_bytes) {
  auto opened = files.open(path);
  if (!opened) return opened.status();
  const RandomAccessFile& file = **opened;
  if (file.size() > limit_bytes) {
    return Status::corruption(
        path, limit_bytes,
        "holds " + std::to_string(file.size()) + " bytes, at most " + std::to_string(limit_bytes) + " are possible");
  }
  std::string bytes(file.size(), '\0');
  auto got = file.read(0, bytes.data(), bytes.size());
  if (!got) return got.status();
  bytes.resize(*got);
  return bytes;
}

Status replace_file(FileSystem& files, const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  if (auto removed = files.remove(temporary); !removed && removed.kind() != ErrorKind::not_found) return removed;
  auto created = files.create(temporary);
  if (!created) return created.status();
  AppendFile& file = **created;
  if (auto status = file.append(bytes); !status) return status;
  if (auto status = file.sync(); !status) return status;
  if (auto status = file.close(); !status) return status;
  if (auto status = files.rename(temporary, path); !status) return status;
  return files.sync_directory(parent_path(path));
}

std::string parent_path(const std::string& path) {
  const auto slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace sett::storage
