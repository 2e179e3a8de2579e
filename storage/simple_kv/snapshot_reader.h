#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "storage/io/file_system.h"
#include "storage/simple_kv/load_progress.h"
#include "storage/simple_kv/snapshot_writer.h"

namespace sett::storage {

// Reads the snapshot file of one shard from beginning to end. Everything is checked before it is shown; anything that
// is not exactly what was written is corruption with file and offset. `visit` sees views that hold during the call, and
// may refuse. `progress` (may be null) is told of the bytes read.
Status read_snapshot(FileSystem& files, const std::string& directory, uint64_t generation, uint32_t shard,
                     const std::function<Status(const SnapshotEntry&)>& visit, LoadProgress* progress = nullptr);

}  // namespace sett::storage
