// What a backup takes of SimpleKvEngine: a snapshot just made, and the records behind its beginning up to one sequence.
#include <algorithm>
#include <utility>

#include "storage/backup/backup_part.h"
#include "storage/base/random.h"
#include "storage/log/log_copy.h"
#include "storage/simple_kv/engine.h"
#include "storage/simple_kv/snapshot_format.h"

namespace sett::storage {

namespace {

constexpr int64_t log_poll_ms = 5;

Status write_backup_log_and_manifest(FileSystem& files, const std::string& wal, Manifest manifest, Sequence last,
                                     uint64_t epoch_seed, const std::string& folder, std::vector<std::string>& names) {
  auto copy = copy_live_log(files, wal, manifest.begin, last, join_path(folder, "wal"), epoch_seed);
  if (!copy) return copy.status();
  for (const std::string& name : copy->names) names.push_back("wal/" + name);
  manifest.log_reaches = std::max(manifest.begin, copy->last_record);
  names.push_back("last_state/" + std::string(manifest_name));
  const std::string state = join_path(folder, "last_state");
  if (Status status = files.create_directories(state); !status) return status;
  return write_manifest(files, state, manifest);
}

}  // namespace

struct SimpleKvEngine::Pinned {
  BackupPartDone done;
  std::shared_ptr<void> hold;
  Manifest manifest;
  Sequence last = 0;
};

bool SimpleKvEngine::is_held() const {
  MutexLock guard(snapshot_mutex_);
  return holds_ > 0;
}

// What a snapshot left meanwhile the next one removes.
void SimpleKvEngine::let_go() {
  MutexLock guard(snapshot_mutex_);
  --holds_;
}

void SimpleKvEngine::begin_backup(BackupPartDone done) {
  snapshot([this, alive = alive_, done = std::move(done)](const Status& status) {
    if (!status.is_ok()) return done(status);
    executor_->post(Executor::Lane::background, [this, alive, done] {
      if (alive->load()) pin(done);
    });
  });
}

void SimpleKvEngine::pin(const BackupPartDone& done) {
  auto pinned = std::make_shared<Pinned>();
  pinned->done = done;
  {
    MutexLock guard(snapshot_mutex_);
    ++holds_;
    pinned->manifest = manifest_;
  }
  pinned->hold = std::shared_ptr<void>(nullptr, [this, alive = alive_](void*) {
    if (alive->load()) let_go();
  });
  pinned->last = std::max(journal_->last(), pinned->manifest.end);
  journal_->request_sync();
  wait_for_pinned(std::move(pinned));
}

void SimpleKvEngine::wait_for_pinned(std::shared_ptr<Pinned> pinned) {
  if (journal_->failed()) return pinned->done(Status::error(ErrorKind::io, "a write or sync of the log failed"));
  if (journal_->synced() < pinned->last) {
    executor_->post_after(Executor::Lane::background, log_poll_ms, [this, alive = alive_, pinned] {
      if (alive->load()) wait_for_pinned(pinned);
    });
    return;
  }
  auto part = std::make_shared<BackupPart>();
  part->backend = "simple_kv";
  part->sequence = pinned->last;
  part->hold = pinned->hold;
  const Manifest& manifest = pinned->manifest;
  for (uint32_t shard = 0; shard < manifest.shards; ++shard) {
    const std::string name = snapshot_file_name(manifest.generation, shard);
    part->files.push_back({join_path(state_directory(), name), "last_state/" + name});
  }
  part->write_rest = [&files = files_, wal = wal_directory(), manifest, last = pinned->last,
                      seed = entropy_seed()](const std::string& folder) -> Result<std::vector<std::string>> {
    std::vector<std::string> names;
    if (Status status = write_backup_log_and_manifest(files, wal, manifest, last, seed, folder, names); !status)
      return status;
    return names;
  };
  pinned->done(BackupPartPtr(std::move(part)));
}

}  // namespace sett::storage
