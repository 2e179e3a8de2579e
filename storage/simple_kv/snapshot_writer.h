#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "storage/io/file_system.h"
#include "storage/log/journal.h"

namespace sett::storage {

// One entry of a snapshot.
struct SnapshotEntry {
  uint64_t bucket;
  Sequence sequence;
  int64_t expires_at_ms;  // 0: never
  std::string_view key;
  std::string_view value;
};
void encode_snapshot_entry(const SnapshotEntry& entry, std::string& out);

// Writes the snapshot file of one shard, block by block. One thread at a time. Not finished, the file is no snapshot.
class SnapshotWriter {
 public:
  static Result<std::unique_ptr<SnapshotWriter>> create(FileSystem& files, const std::string& directory,
                                                        uint64_t generation, uint32_t shard, bool compress);
  // Entries in a row, as encode_snapshot_entry made them; not empty, below snapshot_block_bytes_max.
  Status append_block(std::string_view entries, uint32_t count);
  // Writes the end, syncs and closes. The name is durable after a sync of the directory.
  Status finish();
  uint64_t bytes() const { return file_->size(); }

 private:
  SnapshotWriter(std::unique_ptr<AppendFile> file, uint64_t generation, uint32_t shard, bool compress)
      : file_(std::move(file)), generation_(generation), shard_(shard), compress_(compress) {}
  Status write_block(uint8_t kind, std::string_view payload, uint32_t raw_bytes, uint32_t count);

  std::unique_ptr<AppendFile> file_;
  const uint64_t generation_;
  const uint32_t shard_;
  const bool compress_;
  uint64_t block_ = 0;
  uint64_t entries_ = 0;
};

}  // namespace sett::storage
