#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/io/file_system.h"
#include "storage/store.h"

namespace sett::storage {

struct SimpleKvOptions {
  std::string path;
  ShardIndex shards = 0;  // 0: what the data was written with, `default_shards` for a new store
  ShardIndex default_shards = 16;
  std::string hash = "xxh3";  // a name of key_hash.h
  uint32_t buckets_max = 4096;
  bool sync_writes = false;
  int64_t sync_interval_ms = 1000;
  uint64_t wal_segment_bytes = 64ull << 20;
  uint64_t snapshot_log_bytes = 256ull << 20;  // a snapshot begins when the log behind the last one is larger; 0: never
  int64_t snapshot_interval_ms = 3600000;      // ... or older, and anything changed; 0: never
  uint64_t reserve_bytes = 4ull << 20;         // kept for a snapshot on a full disk (disk_reserve.h); 0: nothing
  const std::atomic<bool>* give_up = nullptr;  // becomes true: opening ends early, with `closed`
  bool compress_values = false;                // LZ4 for values in snapshots
};

// Opens, or makes, a store that keeps everything in memory, with a log in <path>/wal and snapshots in
// <path>/last_state. Takes <path>/LOCK (busy: another process has it). Reads the last snapshot (its files in parallel
// where the executor has threads: this call blocks) and replays the log behind it. Another number of shards or another
// hash than the data was written with is no error: the data is spread anew. Corruption names file and offset, and
// nothing is changed then. `files`, `executor` and `clock` must outlive the store; `progress` (may be null) goes from 0
// to 1.
Result<std::unique_ptr<Store>> open_simple_kv(FileSystem& files, Executor& executor, Clock& clock,
                                              const SimpleKvOptions& options, std::atomic<double>* progress);

}  // namespace sett::storage
