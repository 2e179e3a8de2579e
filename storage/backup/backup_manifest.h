#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/io/file_system.h"

namespace sett::storage {

// What a backup is made of: README.md ("Format"). Written last: a folder without it is no backup.
struct BackupManifest {
  struct Store {
    std::string backend;
    uint64_t sequence = 0;
    friend bool operator==(const Store&, const Store&) = default;
  };
  struct File {
    std::string name;  // in the backup's folder: "badger/tables/00000000000000000007.table"
    uint64_t bytes = 0;
    uint32_t checksum = 0;  // CRC-32C of all its bytes
    friend bool operator==(const File&, const File&) = default;
  };
  int64_t created_ms = 0;  // wall clock
  std::vector<Store> stores;
  std::vector<File> files;
  uint64_t bytes() const;  // of all files
  friend bool operator==(const BackupManifest&, const BackupManifest&) = default;
};

inline constexpr std::string_view backup_manifest_name = "BACKUP", backup_magic = "settback";
// In the folder of a backup from before its first file until after its manifest.
inline constexpr std::string_view backup_marker_name = "INCOMPLETE";

std::string encode_backup_manifest(const BackupManifest& manifest);
// `file` is for the error. Names are such that they stay within the folder.
Result<BackupManifest> decode_backup_manifest(std::string_view bytes, const std::string& file);
// nullopt: the folder has none, or is not there.
Result<std::optional<BackupManifest>> read_backup_manifest(FileSystem& files, const std::string& folder);

// Of one that is incomplete, or no longer wanted: at no moment does what is left look complete.
Status remove_backup(FileSystem& files, const std::string& folder);

// What a backup may be called: 1 to 128 letters, digits, points, dashes and underscores, no point in front.
bool is_backup_name(std::string_view name);

}  // namespace sett::storage
