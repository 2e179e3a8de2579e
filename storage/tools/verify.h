#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "storage/io/file_system.h"
#include "storage/log/journal.h"
#include "storage/tools/observer.h"

namespace sett::storage {

struct BackupManifest;

// Check everything that the manifest of a store names: every checksum, and what the files say of each other. Change
// nothing. Nobody has the store open (lock_store). Each file that is good, and each damaged place, is told; what cannot
// be read counts as damage.
void verify_badger(FileSystem& files, const std::string& path, ToolObserver& observer);
void verify_simple_kv(FileSystem& files, const std::string& path, ToolObserver& observer);

// A backup: size and checksum of each file, and then the stores in it.
void verify_backup(FileSystem& files, const std::string& folder, ToolObserver& observer);
// ... the former only. True: nothing is wrong; else each file that is was told.
bool verify_backup_files(FileSystem& files, const std::string& folder, const BackupManifest& manifest,
                         ToolObserver& observer);

// --- What both have

struct LogToVerify {
  std::string directory;
  Sequence after = 0;  // older records are in the manifest's files
  bool must_exist = false;
  Sequence must_reach = 0;
};
// `visit` as in scan_log.
void verify_log(FileSystem& files, const LogToVerify& log,
                const std::function<Status(Sequence, std::string_view)>& visit, ToolObserver& observer,
                ToolProgress& progress);

}  // namespace sett::storage
