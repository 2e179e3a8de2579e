#include "server/backends.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <thread>

#include "server/process_memory.h"
#include "storage/badger/badger_store.h"
#include "storage/keys/key_hash.h"
#include "storage/log/counting_journal.h"
#include "storage/memory/memory_store.h"
#include "storage/simple_kv/simple_kv_store.h"

namespace sett::server {

using storage::ErrorKind;
using storage::Result;
using storage::Status;
using storage::Store;

namespace {

constexpr uint64_t badger_wal_segment_bytes = 16ull << 20;  // one or two are allocated ahead
constexpr uint64_t memory_share = 4;  // of what may be used, for badger where its limit is not set
constexpr storage::ShardIndex shards_per_core = 8, default_shards_min = 16, default_shards_max = 256;

struct OwnedJournal {
  storage::CountingJournal counting_journal;
};
// A memory store with the journal that counts its writes; the base that comes first is there first.
class OwningMemoryStore final : private OwnedJournal, public storage::MemoryStore {
 public:
  OwningMemoryStore(storage::MemoryStoreOptions options, storage::Executor& executor, storage::Clock& clock)
      : MemoryStore(std::move(options), &counting_journal, executor, clock) {}
};

std::string simple_kv_path(const config::Options& options) {
  const std::string& path = options.simple_kv.path;
  return path.empty() ? storage::join_path(options.server.data_dir, "simple_kv") : path;
}

std::string badger_path(const config::Options& options) {
  const std::string& path = options.badger.path;
  return path.empty() ? storage::join_path(options.server.data_dir, "badger") : path;
}

Status check_shards(int64_t shards) {
  if (shards >= 0 && shards <= storage::MemoryStoreOptions::shards_max) return {};
  return Status::error(ErrorKind::invalid_argument, "store.shards: " + std::to_string(shards) + " is not in 0 to " +
                                                        std::to_string(storage::MemoryStoreOptions::shards_max));
}

// Of a thread that merges tables for somebody who limits what that may do to the disk.
void pause_merge(int64_t us) {
  std::this_thread::sleep_for(std::chrono::microseconds(us));
}

}  // namespace

storage::ShardIndex default_shards() {
  const storage::ShardIndex cores = std::max(1u, std::thread::hardware_concurrency());
  return std::clamp(std::bit_ceil(cores * shards_per_core), default_shards_min, default_shards_max);
}

Result<std::unique_ptr<Store>> open_memory_backend(const BackendContext& context) {
  if (const Status status = check_shards(context.options.store.shards); !status.is_ok()) return status;
  const auto hash = storage::find_key_hash(context.options.store.hash);
  if (!hash)
    return Status::error(ErrorKind::invalid_argument, "store.hash: unknown hash '" + context.options.store.hash +
                                                          "'; known: " + storage::key_hash_names());
  const auto shards = static_cast<storage::ShardIndex>(context.options.store.shards);
  storage::MemoryStoreOptions options{.shards = shards == 0 ? default_shards() : shards,
                                      .hash = hash,
                                      .buckets_max = static_cast<uint32_t>(context.options.store.max_buckets),
                                      .memory_max = static_cast<uint64_t>(context.options.memory.max_memory)};
  return std::unique_ptr<Store>(
      std::make_unique<OwningMemoryStore>(std::move(options), context.executor, context.clock));
}

std::vector<StoreFolder> store_folders(const config::Options& options) {
  return {{"simple_kv", simple_kv_path(options)}, {"badger", badger_path(options)}};
}

std::string backup_folder(const config::Options& options) {
  const std::string& path = options.server.backup_dir;
  return path.empty() ? storage::join_path(options.server.data_dir, "backups") : path;
}

Result<std::vector<std::string>> backends_with_data(const BackendContext& context) {
  std::vector<std::string> names;
  for (const auto& [name, path] : store_folders(context.options)) {
    if (name == "badger" && context.options.badger.memory_mode) continue;  // what lies there is not looked at
    const auto found = context.files.list(path);
    if (!found.is_ok() && found.status().kind() != ErrorKind::not_found) return found.status();
    if (found.is_ok() && !found.value().empty()) names.push_back(name);
  }
  return names;
}

Result<std::unique_ptr<Store>> open_simple_kv_backend(const BackendContext& context) {
  if (const Status status = check_shards(context.options.store.shards); !status.is_ok()) return status;
  const auto& from = context.options.simple_kv;
  const storage::SimpleKvOptions options{.path = simple_kv_path(context.options),
                                         .shards = static_cast<storage::ShardIndex>(context.options.store.shards),
                                         .default_shards = default_shards(),
                                         .hash = context.options.store.hash,
                                         .buckets_max = static_cast<uint32_t>(context.options.store.max_buckets),
                                         .sync_writes = from.sync_writes,
                                         .sync_interval_ms = from.sync_interval_ms,
                                         .wal_segment_bytes = static_cast<uint64_t>(from.wal_segment_size),
                                         .snapshot_log_bytes = static_cast<uint64_t>(from.snapshot_log_size),
                                         .snapshot_interval_ms = from.snapshot_interval_ms,
                                         .give_up = context.give_up,
                                         .compress_values = from.compress_values};
  return storage::open_simple_kv(context.files, context.executor, context.clock, options, context.progress);
}

Result<std::unique_ptr<Store>> open_badger_backend(const BackendContext& context) {
  if (const Status status = check_shards(context.options.store.shards); !status.is_ok()) return status;
  const auto& from = context.options.badger;
  const auto shards = static_cast<storage::ShardIndex>(context.options.store.shards);
  // Where little disk may be used, the log's files have to be small to be given back in time.
  constexpr uint64_t wal_segments_of_disk = 16;
  const uint64_t wal_segment =
      from.max_disk_size == 0
          ? badger_wal_segment_bytes
          : std::min(badger_wal_segment_bytes, static_cast<uint64_t>(from.max_disk_size) / wal_segments_of_disk);
  const uint64_t memory_limit =
      from.memory_limit == 0 ? usable_memory_bytes() / memory_share : static_cast<uint64_t>(from.memory_limit);
  const storage::BadgerOptions options{.path = badger_path(context.options),
                                       .shards = shards == 0 ? default_shards() : shards,
                                       .hash = context.options.store.hash,
                                       .buckets_max = static_cast<uint32_t>(context.options.store.max_buckets),
                                       .sync_writes = from.sync_writes,
                                       .wal_segment_bytes = wal_segment,
                                       .mem_table_bytes = static_cast<uint64_t>(from.mem_table_size),
                                       .mem_tables = static_cast<uint32_t>(from.num_mem_tables),
                                       .value_threshold = static_cast<uint64_t>(from.value_threshold),
                                       .value_log_file_bytes = static_cast<uint64_t>(from.value_log_file_size),
                                       .value_log_records_max = static_cast<uint64_t>(from.value_log_max_entries),
                                       .level0_tables = static_cast<uint32_t>(from.num_level0_tables),
                                       .level0_tables_stall = static_cast<uint32_t>(from.num_level0_tables_stall),
                                       .block_bytes = static_cast<uint64_t>(from.block_size),
                                       .filter_bits_per_key = static_cast<double>(from.filter_bits_per_key),
                                       .compress = from.compression == "lz4",
                                       .cache_bytes = static_cast<uint64_t>(from.cache_size),
                                       .memory_limit_bytes = memory_limit,
                                       .compaction_threads = static_cast<uint32_t>(from.compaction_threads),
                                       .background_io_bytes_per_s = static_cast<uint64_t>(from.background_io_limit),
                                       .pause = pause_merge,
                                       .max_disk_bytes = static_cast<uint64_t>(from.max_disk_size),
                                       .gc_enabled = from.value_log_gc_enabled,
                                       .gc_discard_ratio = from.value_log_gc_discard_ratio,
                                       .gc_interval_ms = from.value_log_gc_interval_in_seconds * 1000,
                                       .space_amplification_max = from.space_amplification_max,
                                       .tables_by_bucket = !from.single_bucket_mode,
                                       .in_memory = from.memory_mode,
                                       .give_up = context.give_up};
  return storage::open_badger(context.files, context.executor, context.clock, options, context.progress);
}

}  // namespace sett::server
