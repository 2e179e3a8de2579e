#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "storage/backup/backup_manifest.h"
#include "storage/backup/backups.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/io/file_system.h"

namespace sett::storage {

// One backup, in steps on the background lane, each of which reads at most about a megabyte. The steps follow each
// other, so its state needs no lock.
//
//   begin     the folder, with the marker that says that it is incomplete
//   pin       the next store's part
//   take      each of its files is linked, and what is the backup's own of that store is written; what cannot be
//   linked,
//             across file systems, is linked to the same one in the last backup, or copied; from then on the store may
//             let go of what it held for this
//   read      all of it is read, for its checksums
//   finish    all names are synced, the manifest is written, the marker goes
class BackupJob : public std::enable_shared_from_this<BackupJob> {
 public:
  struct Tools {
    FileSystem& files;
    Executor& executor;
    Clock& clock;
  };
  using Done = std::function<void(const Status& status, uint64_t bytes)>;
  static void begin(const Tools& tools, const std::string& directory, const std::string& name,
                    std::vector<Backups::Source> sources, Done done);

 private:
  BackupJob(const Tools& tools, const std::string& directory, const std::string& name,
            std::vector<Backups::Source> sources, Done done)
      : tools_(tools),
        directory_(directory),
        folder_(join_path(directory, name)),
        sources_(std::move(sources)),
        done_(std::move(done)) {}

  enum class Action : uint8_t { check, compare, copy };
  struct Task {  // a file on its way
    Action action = Action::check;
    std::string from, name;                // `name` in the backup's folder
    std::unique_ptr<RandomAccessFile> in;  // once it is its turn
    std::unique_ptr<AppendFile> out;
    uint64_t offset = 0;
    uint32_t checksum = 0;
  };

  void post(void (BackupJob::*step)(), int64_t delay_ms = 0);
  void make_folder();
  Status prepare_folder();
  Status find_last_backup();
  void next_part();
  void take_files();
  Status take_all();
  Status take_file(const BackupPart::File& file);
  void read_files();
  Status begin_task();
  Status read_piece();
  Status end_file();
  Status link_or_copy_from(const std::string& from);
  Status make_parent(const std::string& name);
  Status write_rest();
  void finish();
  Status write_manifest();
  void end(const Status& status);

  const Tools tools_;
  const std::string directory_, folder_;
  const std::vector<Backups::Source> sources_;
  const Done done_;
  BackupManifest manifest_;
  std::string last_folder_;  // of the last backup that is complete; empty: none
  std::map<std::string, BackupManifest::File> last_files_;
  std::set<std::string> folders_;  // that were made
  bool is_ours_ = false;           // the folder is this backup's: it goes when that fails
  size_t next_source_ = 0;
  BackupPartPtr part_;           // as long as anything of it is still to be taken from the store
  std::deque<Task> tasks_;       // the first is under way; those that take from the store come before the others
  uint64_t unpaused_bytes_ = 0;  // read since the last pause
};

}  // namespace sett::storage
