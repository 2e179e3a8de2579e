#include "storage/simple_kv/simple_kv_store.h"

#include "storage/backup/store_replacement.h"
#include "storage/simple_kv/engine.h"

namespace sett::storage {

namespace {

Status bad_option(std::string what) {
  return Status::error(ErrorKind::invalid_argument, std::move(what));
}

}  // namespace

Result<std::unique_ptr<Store>> open_simple_kv(FileSystem& files, Executor& executor, Clock& clock,
                                              const SimpleKvOptions& options, std::atomic<double>* progress) {
  const KeyHash hash = find_key_hash(options.hash);
  if (!hash) return bad_option("unknown hash '" + options.hash + "'; known: " + key_hash_names());
  if (options.shards > MemoryStoreOptions::shards_max)
    return bad_option(std::to_string(options.shards) + " shards: allowed are 1 to " +
                      std::to_string(MemoryStoreOptions::shards_max));
  const std::string state_directory = join_path(options.path, "last_state");
  if (Status status = files.create_directories(state_directory); !status.is_ok()) return status;
  auto lock = files.lock(join_path(options.path, "LOCK"));
  if (!lock.is_ok()) {
    if (lock.status().kind() != ErrorKind::busy) return lock.status();
    return Status::error(ErrorKind::busy, options.path + ": another process has this data directory open");
  }
  if (Status status = check_replaced(files, options.path); !status.is_ok()) return status;
  auto manifest = read_manifest(files, state_directory);
  if (!manifest.is_ok()) return manifest.status();
  ShardIndex shards = options.shards;
  if (shards == 0) shards = manifest.value() ? manifest.value()->shards : options.default_shards;
  if (shards == 0 || shards > MemoryStoreOptions::shards_max)
    return Status::corruption(join_path(state_directory, "MANIFEST"), 0, "the number of shards is impossible");
  MemoryStoreOptions memory_options{
      .backend = "simple_kv", .shards = shards, .hash = hash, .buckets_max = options.buckets_max, .durable = true};
  auto engine = std::make_unique<SimpleKvEngine>(files, executor, clock, options, std::move(memory_options));
  if (Status status = engine->recover(std::move(manifest).value(), std::move(lock).value(), progress); !status.is_ok())
    return status;
  return std::unique_ptr<Store>(std::move(engine));
}

}  // namespace sett::storage
