#include "storage/tools/restore.h"

#include <algorithm>
#include <memory>
#include <set>

#include "storage/backup/backup_manifest.h"
#include "storage/backup/file_tree.h"
#include "storage/backup/store_replacement.h"
#include "storage/base/crc32c.h"
#include "storage/tools/verify.h"

namespace sett::storage {

namespace {

constexpr std::string_view new_folder = "restored", old_folder = "replaced";

// What is never changed once it is written: the store and the backup may share it.
bool may_be_shared(std::string_view name) {
  return name.ends_with(".table") || name.ends_with(".vlog") || name.ends_with(".snapshot");
}

class Restore {
 public:
  Restore(FileSystem& files, const std::string& folder, const BackupManifest& manifest, const RestoreTarget& target,
          ToolProgress& progress)
      : files_(files),
        folder_(folder),
        manifest_(manifest),
        target_(target),
        new_(join_path(target.path, new_folder)),
        old_(join_path(target.path, old_folder)),
        marker_(join_path(target.path, restore_marker_name)),
        progress_(progress) {}

  Status run() {
    if (Status status = make_new(); !status) return status;
    const auto stays = [](std::string_view name) {
      return name == "LOCK" || name == restore_marker_name || is_in_folder(name, new_folder) ||
             is_in_folder(name, old_folder) || is_in_folder(name, damaged_folder_name);
    };
    if (Status status = check_moves(files_, target_.path, old_, stays); !status) return status;
    if (Status status = set_marker(); !status) return status;
    if (Status status = move_tree(files_, target_.path, old_, stays); !status) return status;
    if (Status status = move_tree(files_, new_, target_.path); !status) return status;
    for (const std::string* done : {&old_, &new_})
      if (Status status = remove_tree(files_, *done); !status) return status;
    if (Status status = files_.remove(marker_); !status) return status;
    return files_.sync_directory(target_.path);
  }

 private:
  Status make_new() {
    if (Status status = remove_tree(files_, new_); !status) return status;
    const std::string prefix = target_.backend + "/";
    std::set<std::string> folders;
    for (const BackupManifest::File& file : manifest_.files) {
      if (!file.name.starts_with(prefix)) continue;
      const std::string to = join_path(new_, file.name.substr(prefix.size()));
      folders.insert(parent_path(to));
      if (Status status = files_.create_directories(parent_path(to)); !status) return status;
      if (Status status = take(file, to); !status) return status;
      progress_.add(file.bytes);
    }
    for (const std::string& made : folders)
      if (Status status = files_.sync_directory(made); !status) return status;
    return {};
  }

  Status take(const BackupManifest::File& file, const std::string& to) {
    const std::string from = join_path(folder_, file.name);
    if (may_be_shared(file.name)) {
      const Status linked = files_.link(from, to);
      if (linked || linked.kind() != ErrorKind::unsupported) return linked;
    }
    return copy(from, file, to);
  }

  Status copy(const std::string& from, const BackupManifest::File& file, const std::string& to) {
    constexpr uint64_t piece_bytes = 1 << 20;
    auto in = files_.open(from);
    if (!in) return in.status();
    auto out = files_.create(to);
    if (!out) return out.status();
    std::string piece;
    uint32_t checksum = 0;
    for (uint64_t offset = 0; offset < file.bytes; offset += piece.size()) {
      piece.resize(std::min(piece_bytes, file.bytes - offset));
      const auto got = (*in)->read(offset, piece.data(), piece.size());
      if (!got.is_ok()) return got.status();
      if (got.value() != piece.size()) return Status::corruption(from, offset, "the file ends early");
      checksum = extend_crc32c(checksum, piece);
      if (Status status = (*out)->append(piece); !status) return status;
    }
    if (checksum != file.checksum)
      return Status::corruption(from, 0, "the checksum of the file is not the one that the backup says");
    if (Status status = (*out)->sync(); !status) return status;
    return (*out)->close();
  }

  Status set_marker() {
    const auto is_there = files_.exists(marker_);  // of a restore that did not end
    if (!is_there.is_ok()) return is_there.status();
    if (is_there.value()) return {};
    const auto made = files_.create(marker_);
    if (!made.is_ok()) return made.status();
    return files_.sync_directory(target_.path);
  }

  FileSystem& files_;
  const std::string& folder_;
  const BackupManifest& manifest_;
  const RestoreTarget& target_;
  const std::string new_, old_, marker_;
  ToolProgress& progress_;
};

}  // namespace

Status restore_backup(FileSystem& files, const std::string& folder, const std::vector<RestoreTarget>& targets,
                      ToolObserver& observer) {
  const auto read = read_backup_manifest(files, folder);
  if (!read.is_ok()) return read.status();
  if (!read.value())
    return Status::error(ErrorKind::not_found, folder + ": there is no such backup, or it is not complete");
  const BackupManifest& manifest = *read.value();
  std::vector<std::unique_ptr<FileLock>> locks;
  std::vector<const RestoreTarget*> wanted;
  for (const BackupManifest::Store& store : manifest.stores) {
    const auto at = std::find_if(targets.begin(), targets.end(),
                                 [&](const RestoreTarget& target) { return target.backend == store.backend; });
    if (at == targets.end())
      return Status::error(ErrorKind::unsupported, folder + " has a store of the unknown kind " + store.backend);
    wanted.push_back(&*at);
  }
  for (const RestoreTarget* target : wanted) {
    if (Status status = files.create_directories(target->path); !status) return status;
    auto lock = files.lock(join_path(target->path, "LOCK"));
    if (!lock && lock.status().kind() == ErrorKind::busy)
      return Status::error(ErrorKind::busy, target->path + ": another process has this store open: stop it first");
    if (!lock) return lock.status();
    locks.push_back(std::move(*lock));
  }
  if (!verify_backup_files(files, folder, manifest, observer))
    return Status::corruption(folder, 0, "the backup is damaged: nothing was changed");
  ToolProgress progress(observer, manifest.bytes());
  for (const RestoreTarget* target : wanted) {
    if (Status status = Restore(files, folder, manifest, *target, progress).run(); !status) return status;
    observer.on_good_file(target->path, "restored from " + join_path(folder, target->backend));
  }
  return {};
}

}  // namespace sett::storage
