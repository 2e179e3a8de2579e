#pragma once

#include <string>
#include <vector>

#include "server/backend_registry.h"

namespace sett::server {

// From the options to an open store: where the YAML's words meet the engines' own.
storage::Result<std::unique_ptr<storage::Store>> open_memory_backend(const BackendContext& context);
storage::Result<std::unique_ptr<storage::Store>> open_simple_kv_backend(const BackendContext& context);
storage::Result<std::unique_ptr<storage::Store>> open_badger_backend(const BackendContext& context);

// Where the durable backends have their files, whether or not they are there.
struct StoreFolder {
  std::string backend, path;
};
std::vector<StoreFolder> store_folders(const config::Options& options);

// The one folder of all backups.
std::string backup_folder(const config::Options& options);

// Backends that have files, whether or not a bucket is sent to them now.
storage::Result<std::vector<std::string>> backends_with_data(const BackendContext& context);

// What a new store gets for `shards: 0`: several times as many as cores, a power of two.
storage::ShardIndex default_shards();

}  // namespace sett::server
