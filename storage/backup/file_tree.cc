#include "storage/backup/file_tree.h"

#include <set>

namespace sett::storage {

Result<std::vector<std::string>> list_tree(FileSystem& files, const std::string& directory,
                                           std::vector<std::string>* folders) {
  std::vector<std::string> found, left{""};
  while (!left.empty()) {
    const std::string folder = std::move(left.back());
    left.pop_back();
    const auto names = files.list(folder.empty() ? directory : join_path(directory, folder));
    if (!names.is_ok() && folder.empty() && names.status().kind() == ErrorKind::not_found) break;
    if (!names.is_ok()) return names.status();
    if (!folder.empty() && folders) folders->push_back(folder);
    for (const std::string& name : names.value()) {
      const std::string path = folder.empty() ? name : join_path(folder, name);
      if (files.list(join_path(directory, path)).is_ok())
        left.push_back(path);
      else
        found.push_back(path);
    }
  }
  return found;
}

bool is_in_folder(std::string_view name, std::string_view folder) {
  return name.size() > folder.size() && name.starts_with(folder) && name[folder.size()] == '/';
}

Status move_tree(FileSystem& files, const std::string& from, const std::string& to,
                 const std::function<bool(std::string_view name)>& stays) {
  const auto names = list_tree(files, from);
  if (!names.is_ok()) return names.status();
  std::set<std::string> changed;
  for (const std::string& name : names.value()) {
    if (stays && stays(name)) continue;
    const std::string path = join_path(to, name), old_path = join_path(from, name);
    if (Status status = files.create_directories(parent_path(path)); !status) return status;
    if (Status status = files.rename(old_path, path); !status) return status;
    // With every folder above, which may be new.
    for (std::string folder = parent_path(path); folder.size() >= to.size(); folder = parent_path(folder))
      changed.insert(folder);
    changed.insert(parent_path(to));
    changed.insert(parent_path(old_path));
  }
  for (const std::string& folder : changed)
    if (Status status = files.sync_directory(folder); !status) return status;
  return {};
}

Status check_moves(FileSystem& files, const std::string& from, const std::string& to,
                   const std::function<bool(std::string_view name)>& stays) {
  constexpr std::string_view tried_name = "MOVES";
  const auto names = list_tree(files, from);
  if (!names.is_ok()) return names.status();
  std::set<std::string> folders;
  for (const std::string& name : names.value())
    if (!stays || !stays(name)) folders.insert(parent_path(join_path(from, name)));
  if (Status status = files.create_directories(to); !status) return status;
  const std::string there = join_path(to, tried_name);
  for (const std::string& folder : folders) {
    const std::string here = join_path(folder, tried_name);
    for (const std::string* left : {&here, &there})  // by a power cut
      if (Status status = files.remove(*left); !status && status.kind() != ErrorKind::not_found) return status;
    const auto made = files.create(here);
    if (!made.is_ok()) return made.status();
    const Status moved = files.rename(here, there);
    if (Status status = files.remove(moved ? there : here); !status) return status;
    if (!moved)
      return Status::error(ErrorKind::unsupported,
                           folder + ": files cannot be moved to " + to +
                               " (another file system?); nothing was changed: " + moved.to_string());
  }
  return {};
}

Status remove_tree(FileSystem& files, const std::string& directory, std::string_view last) {
  const auto exists = files.exists(directory);
  if (!exists.is_ok()) return exists.status();
  if (!exists.value()) return {};
  std::vector<std::string> folders;
  const auto found = list_tree(files, directory, &folders);
  if (!found.is_ok()) return found.status();
  bool has_last = false;
  for (const std::string& name : found.value()) {
    has_last = has_last || name == last;
    if (name == last) continue;
    if (Status status = files.remove(join_path(directory, name)); !status) return status;
  }
  for (; !folders.empty(); folders.pop_back()) {
    const std::string folder = join_path(directory, folders.back());
    if (Status status = files.sync_directory(folder); !status) return status;
    if (Status status = files.remove_directory(folder); !status) return status;
  }
  if (Status status = files.sync_directory(directory); !status) return status;
  if (has_last)
    if (Status status = files.remove(join_path(directory, last)); !status) return status;
  if (Status status = files.remove_directory(directory); !status) return status;
  return files.sync_directory(parent_path(directory));
}

}  // namespace sett::storage
