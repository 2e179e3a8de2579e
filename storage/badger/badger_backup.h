#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "storage/backup/backup_part.h"
#include "storage/badger/engine.h"

namespace sett::storage {

// What a backup takes of the engine: the manifest, its tables, and the records behind it up to one sequence, as a start
// after a crash at that moment would find them; and the value logs that these point into.
//
//   flush     so that there are few records
//   pin       no file is removed, no record released; the manifest, then the last sequence, once it is synced
//   seal      the value log that is written to gives way to another, if any of it is wanted
//   done      tables and value logs are never changed any more; manifest and log of the backup are its own
//
// Its steps follow each other, on the background lane: no lock.
class BadgerBackup : public std::enable_shared_from_this<BadgerBackup> {
 public:
  static void begin(BadgerEngine& engine, BackupPartDone done);

 private:
  BadgerBackup(BadgerEngine& engine, BackupPartDone done) : engine_(engine), done_(std::move(done)) {}

  void pin();
  void find_value_logs();
  void seal(int tries_left);
  void finish();
  void failed(const Status& status) { done_(status); }

  BadgerEngine& engine_;
  const BackupPartDone done_;
  std::shared_ptr<void> hold_;
  TreeManifest manifest_;
  Sequence last_ = 0;
  std::set<uint64_t> value_logs_;
};

}  // namespace sett::storage
