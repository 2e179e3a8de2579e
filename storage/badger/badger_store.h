#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/io/file_system.h"
#include "storage/store.h"

namespace sett::storage {

struct BadgerOptions {
  std::string path;
  ShardIndex shards = 16;     // of memory only: any number opens any data
  std::string hash = "xxh3";  // a name of key_hash.h
  uint32_t buckets_max = 4096;
  bool sync_writes = false;
  int64_t sync_interval_ms = 1000;
  uint64_t wal_segment_bytes = 64ull << 20;
  uint64_t mem_table_bytes = 10ull << 20;  // then the memtable is sealed and flushed
  uint32_t mem_tables = 1;                 // full ones that may wait for their flush before writes wait; at most
  uint64_t value_threshold = 1ull << 20;   // larger values go to the value log
  uint64_t value_log_file_bytes = (1ull << 30) - 1;
  uint64_t value_log_records_max = 1000000;
  uint32_t level0_tables = 1;        // from so many on they are merged
  uint32_t level0_tables_stall = 2;  // with so many and as many again writes wait; from here on they are slowed
  uint64_t table_bytes = 64ull << 20;
  uint64_t block_bytes = 4096;
  double filter_bits_per_key = 12;
  bool compress = true;                // LZ4 for blocks
  uint64_t cache_bytes = 64ull << 20;  // at most; 0: what memory_limit_bytes leaves
  // Of memtables, cache, filters, indexes and buffers together; memtables are made fewer, and then smaller, to fit. 0:
  // none.
  uint64_t memory_limit_bytes = 0;
  uint64_t look_ahead_from_entries = 10'000;  // of tables: so few lie in the processor's caches anyway
  uint32_t compaction_threads = 1;
  uint64_t background_io_bytes_per_s = 0;  // of merges and collections; flushes count, but never wait. 0: no limit
  // For that, in a merge, which has a thread of its own; may be empty without a limit.
  std::function<void(int64_t us)> pause;
  uint64_t max_disk_bytes = 0;  // of all files together; 0: as much as there is
  bool gc_enabled = true;
  double gc_discard_ratio = 0.5;
  int64_t gc_interval_ms = 120000;
  double space_amplification_max = 1.3;
  bool tables_by_bucket = false;               // cut at the borders of buckets, in folders of theirs; may change
  bool in_memory = false;                      // over files of its own in memory: nothing outlives the store
  const std::atomic<bool>* give_up = nullptr;  // becomes true: opening ends early, with `closed`
  uint64_t seed = 0;                           // of epochs, cursors; 0: drawn from the system

  // For all memtables together: those that wait, and the active one.
  uint64_t memtables_room() const { return mem_table_bytes * (uint64_t{mem_tables} + 1); }
};

// Opens, or makes, a store of an LSM tree with value logs (README.md). Takes <path>/LOCK (busy: another process has
// it). Reads the manifest and replays the log behind it; tables are opened when they are first read. Corruption names
// file and offset, and nothing is changed then. `files` (not used where `in_memory`), `executor` and `clock` must
// outlive the store; `progress` (may be null) goes from 0 to 1.
Result<std::unique_ptr<Store>> open_badger(FileSystem& files, Executor& executor, Clock& clock,
                                           const BadgerOptions& options, std::atomic<double>* progress);

}  // namespace sett::storage
