#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "storage/io/file_system.h"
#include "storage/simple_kv/load_progress.h"
#include "storage/simple_kv/snapshot_format.h"
#include "storage/simple_kv/snapshot_writer.h"

namespace sett::storage {

// Reads the snapshot file of one shard from beginning to end. Everything is checked before it is shown; anything that
// is not exactly what was written is corruption with file and offset. `visit` sees views that hold during the call, and
// may refuse. `progress` (may be null) is told of the bytes read.
Status read_snapshot(FileSystem& files, const std::string& directory, uint64_t generation, uint32_t shard,
                     const std::function<Status(const SnapshotEntry&)>& visit, LoadProgress* progress = nullptr);

// What a walk shows of a snapshot file, each thing only if its checksum is right. Any of them may be empty.
struct SnapshotVisitor {
  std::function<void(uint64_t generation, uint32_t shard)> header;
  std::function<void(uint64_t offset, SnapshotBlock kind, uint64_t stored_bytes, uint32_t entries)> block;
  std::function<void(const SnapshotEntry&)> entry;  // of the block shown last
  std::function<void(const Status&)> damage;        // corruption, with its offset
};

// Goes through a snapshot file and over what is damaged: for inspection, verification and repair. A block that is
// damaged is passed over if the one behind it is not. Not ok: the file cannot be read, or its header is damaged,
// without which no checksum can be computed.
Status walk_snapshot(FileSystem& files, const std::string& path, const SnapshotVisitor& visitor);

}  // namespace sett::storage
