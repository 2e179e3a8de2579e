#include "storage/simple_kv/snapshot_writer.h"

#include <lz4.h>

#include "storage/base/bytes.h"
#include "storage/simple_kv/snapshot_format.h"

namespace sett::storage {

void encode_snapshot_entry(const SnapshotEntry& entry, std::string& out) {
  append_varint(out, entry.bucket);
  append_varint(out, entry.sequence);
  append_varint(out, static_cast<uint64_t>(entry.expires_at_ms));
  append_sized(out, entry.key);
  append_sized(out, entry.value);
}

Result<std::unique_ptr<SnapshotWriter>> SnapshotWriter::create(FileSystem& files, const std::string& directory,
                                                               uint64_t generation, uint32_t shard, bool compress) {
  auto file = files.create(join_path(directory, snapshot_file_name(generation, shard)));
  if (!file.is_ok()) return file.status();
  std::unique_ptr<SnapshotWriter> writer(new SnapshotWriter(std::move(file).value(), generation, shard, compress));
  //  magic (8)  version (4)  shard (4)  generation (8)  checksum (4)
  std::string header(snapshot_magic);
  append_fixed(header, snapshot_version);
  append_fixed(header, shard);
  append_fixed(header, generation);
  append_fixed(header, crc32c(header));
  if (Status status = writer->file_->append(header); !status.is_ok()) return status;
  return writer;
}

//  kind (1)  stored bytes (4)  raw bytes (4)  entries (4)  checksum (4)  payload (stored bytes)
Status SnapshotWriter::write_block(uint8_t kind, std::string_view payload, uint32_t raw_bytes, uint32_t count) {
  std::string header;
  header.push_back(static_cast<char>(kind));
  append_fixed(header, static_cast<uint32_t>(payload.size()));
  append_fixed(header, raw_bytes);
  append_fixed(header, count);
  append_fixed(header, snapshot_checksum(generation_, shard_, block_++, header, payload));
  if (Status status = file_->append(header); !status.is_ok()) return status;
  return payload.empty() ? Status() : file_->append(payload);
}

Status SnapshotWriter::append_block(std::string_view entries, uint32_t count) {
  if (entries.size() >= snapshot_block_bytes_max)
    return Status::error(ErrorKind::unsupported, "an entry of more than 2 GB does not fit into a snapshot");
  entries_ += count;
  const auto raw_bytes = static_cast<uint32_t>(entries.size());
  if (compress_ && entries.size() <= LZ4_MAX_INPUT_SIZE) {
    std::string packed(static_cast<size_t>(LZ4_compressBound(static_cast<int>(entries.size()))), '\0');
    const int packed_bytes = LZ4_compress_default(entries.data(), packed.data(), static_cast<int>(entries.size()),
                                                  static_cast<int>(packed.size()));
    if (packed_bytes > 0 && static_cast<size_t>(packed_bytes) < entries.size())
      return write_block(static_cast<uint8_t>(SnapshotBlock::lz4),
                         std::string_view(packed).substr(0, static_cast<size_t>(packed_bytes)), raw_bytes, count);
  }
  return write_block(static_cast<uint8_t>(SnapshotBlock::plain), entries, raw_bytes, count);
}

Status SnapshotWriter::finish() {
  std::string total;
  append_fixed(total, entries_);
  Status status = write_block(static_cast<uint8_t>(SnapshotBlock::end), total, static_cast<uint32_t>(total.size()), 0);
  if (status.is_ok()) status = file_->sync();
  if (status.is_ok()) status = file_->close();
  return status;
}

}  // namespace sett::storage
