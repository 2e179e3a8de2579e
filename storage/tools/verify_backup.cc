#include <algorithm>

#include "storage/backup/backup_manifest.h"
#include "storage/base/crc32c.h"
#include "storage/tools/verify.h"

namespace sett::storage {

namespace {

Status check_file(FileSystem& files, const std::string& path, const BackupManifest::File& expected,
                  ToolProgress& progress) {
  constexpr uint64_t piece_bytes = 1 << 20;
  auto file = files.open(path);
  if (!file && file.status().kind() == ErrorKind::not_found)
    return Status::corruption(path, 0, "the file that the backup names is missing");
  if (!file) return file.status();
  if ((*file)->size() != expected.bytes)
    return Status::corruption(path, std::min((*file)->size(), expected.bytes),
                              "the file has " + std::to_string((*file)->size()) + " bytes, the backup says " +
                                  std::to_string(expected.bytes));
  std::string piece;
  uint32_t checksum = 0;
  for (uint64_t offset = 0; offset < expected.bytes; offset += piece.size()) {
    piece.resize(std::min(piece_bytes, expected.bytes - offset));
    const auto got = (*file)->read(offset, piece.data(), piece.size());
    if (!got.is_ok()) return got.status();
    if (got.value() != piece.size()) return Status::corruption(path, offset, "the file ends early");
    checksum = extend_crc32c(checksum, piece);
    progress.add(piece.size());
  }
  if (checksum != expected.checksum)
    return Status::corruption(path, 0, "the checksum of the file is not the one that the backup says");
  return {};
}

}  // namespace

bool verify_backup_files(FileSystem& files, const std::string& folder, const BackupManifest& manifest,
                         ToolObserver& observer) {
  ToolProgress progress(observer, manifest.bytes());
  bool is_good = true;
  for (const BackupManifest::File& file : manifest.files) {
    const std::string path = join_path(folder, file.name);
    const Status status = check_file(files, path, file, progress);
    if (!status) observer.on_damage(status);
    is_good = is_good && status;
  }
  return is_good;
}

void verify_backup(FileSystem& files, const std::string& folder, ToolObserver& observer) {
  const auto read = read_backup_manifest(files, folder);
  if (!read.is_ok()) return observer.on_damage(read.status());
  const std::string path = join_path(folder, backup_manifest_name);
  if (!read.value())
    return observer.on_damage(Status::corruption(path, 0, "there is no such backup, or it is not complete"));
  const BackupManifest& manifest = *read.value();
  observer.on_good_file(path, {});
  if (!verify_backup_files(files, folder, manifest, observer)) return;
  for (const BackupManifest::Store& store : manifest.stores) {
    const std::string of_store = join_path(folder, store.backend);
    if (store.backend == "badger")
      verify_badger(files, of_store, observer);
    else if (store.backend == "simple_kv")
      verify_simple_kv(files, of_store, observer);
    else
      observer.on_damage(Status::corruption(path, 0, "the backup has a store of the unknown kind " + store.backend));
  }
}

}  // namespace sett::storage
