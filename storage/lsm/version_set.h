#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/io/file_system.h"
#include "storage/lsm/manifest.h"
#include "storage/lsm/version.h"

namespace sett::storage {

// What a flush, a merge or a collection changes.
struct VersionEdit {
  std::vector<uint64_t> removed_tables;
  std::vector<Version::Added> added_tables;
  std::vector<uint64_t> removed_value_logs;
  std::vector<uint64_t>
      added_value_logs;  // that go where the edit fails; what the manifest says of them is in `change`
  std::function<void(TreeManifest&)> change;  // of what else the manifest says; may be empty
};

// The current version and what the manifest says beside it. From any thread; apply() and remove_needless() block on the
// disk.
class VersionSet {
 public:
  struct Folders {
    std::string base, tables, values;
    bool by_bucket = false;  // new tables go to folders of their buckets (table_folders.h), and none has keys of two
  };
  struct NewTable {
    uint64_t number = 0;
    std::string path;
    std::unique_ptr<AppendFile> file;
  };
  // `manifest` is the one on disk, `version` its tables; every number in use anywhere is below its next_file_number.
  VersionSet(FileSystem& files, Folders folders, TreeManifest manifest, VersionPtr version);

  VersionPtr current() const;
  TreeManifest manifest() const;
  uint64_t next_number() { return next_number_.fetch_add(1); }  // of a file
  bool by_bucket() const { return folders_.by_bucket; }
  // Of a table that create_table() has made; `tree_key` is any of its keys.
  std::string table_path(uint64_t number, std::string_view tree_key) const;
  // Its folder is on disk, its name once that is synced.
  Result<NewTable> create_table(std::string_view tree_key);
  // Removes a file that no manifest names, and its folder if that is a bucket's and empty then. False: it is still
  // there, and the next start removes it.
  bool remove_file(const std::string& path);
  std::string value_log_path(uint64_t number) const;

  // The manifest with the edit, on disk; then it is current. One edit after the other. On failure nothing has changed,
  // but which manifest is on disk is not known: files that it may name stay until a later edit is certain, and are the
  // set's from then on. What a caller must make sure before: that the log is synced through all that the edit stands
  // on, and that the files that it names are.
  Status apply(const VersionEdit& edit);

  // Of recovery: the value logs that there are. The next edit writes it.
  void know_value_logs(std::vector<VlogMeta> files);

  // As long as anybody has what this returns no file is removed that the manifest names, or will name from now on.
  std::shared_ptr<void> hold_files() { return hold_; }
  bool is_held() const { return hold_.use_count() > 1; }

  // Removes files that no manifest names any more and nobody reads, and the folders of buckets that are empty then.
  // Returns how many bytes that gave back.
  uint64_t remove_needless();
  // Of files that remove_needless() has yet to remove.
  uint64_t needless_bytes() const;

 private:
  FileSystem& files_;
  const Folders folders_;
  std::atomic<uint64_t> next_number_;
  const std::shared_ptr<int> hold_ = std::make_shared<int>();

  void remove_if_empty(const std::string& folder) REQUIRES(folders_mutex_);

  Mutex folders_mutex_;  // held over the disk: no folder goes while a table is made in it
  Mutex apply_mutex_;    // held over the disk: one edit at a time
  mutable Mutex mutex_;
  TreeManifest manifest_ GUARDED_BY(mutex_);
  VersionPtr version_ GUARDED_BY(mutex_);
  std::vector<TableFilePtr> needless_tables_ GUARDED_BY(mutex_), uncertain_tables_ GUARDED_BY(mutex_);
  std::vector<VlogMeta> needless_values_ GUARDED_BY(mutex_), uncertain_values_ GUARDED_BY(mutex_);
};

}  // namespace sett::storage
