#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "storage/base/executor.h"
#include "storage/base/status.h"
#include "storage/simple_kv/manifest.h"
#include "storage/simple_kv/snapshot_writer.h"
#include "storage/store.h"

namespace sett::storage {

class SimpleKvEngine;

// One snapshot, without fork: the tables are walked shard by shard while writes go on.
//
//   begin    under all shard locks for an instant: the sequence so far, and the catalogue
//   walk     under one shard's lock for some 100 entries at a time, on the foreground lane; what was gathered is
//   written on the
//            background lane before the walk goes on
//   finish   the folder is synced, and the log through the last sequence that a walked entry can have
//   publish  the manifest is replaced; older snapshots go, and the log before `begin`
//
// A failure at any point leaves the previous snapshot in place. There is one job at a time; its steps follow each
// other, so its state needs no lock.
class SnapshotJob : public std::enable_shared_from_this<SnapshotJob> {
 public:
  SnapshotJob(SimpleKvEngine& engine, uint64_t generation);
  void start();
  // The next step ends the job with an error.
  void stop() { stopped_.store(true); }

 private:
  void begin();
  void walk();
  bool gather_some();  // false: the shard's lock was missed
  void next_table();
  void write_gathered();
  void finish_shard();
  void wait_for_log();
  void publish();
  void end(const Status& status);
  void post(Executor::Lane lane, void (SnapshotJob::*step)(), int64_t delay_ms = 0);

  SimpleKvEngine& engine_;
  const std::shared_ptr<std::atomic<bool>> engine_alive_;  // steps may be left in the executor when the store goes
  std::atomic<bool> stopped_{false};
  Manifest manifest_;
  int64_t started_us_ = 0;
  std::vector<BucketId> buckets_;
  ShardIndex shard_ = 0;
  size_t bucket_ = 0;
  uint64_t place_ = 0;  // in the table
  bool shard_walked_ = false;
  bool published_ = false;  // the manifest was replaced, or may have been
  struct Block {
    std::string entries;
    uint32_t count = 0;
  };
  Block gathered_;           // being filled
  std::vector<Block> full_;  // to be written before the walk goes on
  std::unique_ptr<SnapshotWriter> writer_;
};

}  // namespace sett::storage
