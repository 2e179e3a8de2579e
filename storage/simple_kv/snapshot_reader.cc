#include "storage/simple_kv/snapshot_reader.h"

#include <lz4.h>

#include "storage/base/bytes.h"
#include "storage/simple_kv/snapshot_format.h"

namespace sett::storage {

namespace {

class Reader {
 public:
  // Of the shard and generation that the caller names, or of those that the file names.
  Reader(const RandomAccessFile& file, std::string path, uint64_t generation, uint32_t shard, LoadProgress* progress)
      : file_(file), path_(std::move(path)), generation_(generation), shard_(shard), progress_(progress) {}
  Reader(const RandomAccessFile& file, std::string path)
      : file_(file), path_(std::move(path)), generation_(0), shard_(0), is_any_(true), progress_(nullptr) {}

  Status read_all(const std::function<Status(const SnapshotEntry&)>& visit) {
    if (Status status = read_header(); !status.is_ok()) return status;
    while (true) {
      Block block;
      if (Status status = read_block(block); !status.is_ok()) return status;
      if (block.kind == SnapshotBlock::end) return check_end(block);
      if (Status status = visit_block(block, visit); !status.is_ok()) return status;
    }
  }

  Status walk(const SnapshotVisitor& visitor) {
    if (Status status = read_header(); !status.is_ok()) return status;
    if (visitor.header) visitor.header(generation_, shard_);
    const auto visit = [&visitor](const SnapshotEntry& entry) {
      if (visitor.entry) visitor.entry(entry);
      return Status();
    };
    bool is_whole = true, has_end = false;
    // The size of a damaged block may be what is damaged: after two in a row nothing is where it seems.
    for (int damaged_in_a_row = 0; !has_end && !is_cut_ && damaged_in_a_row < 2;) {
      Block block{};
      Status status = read_block(block);
      has_end = status.is_ok() && block.kind == SnapshotBlock::end;
      if (status.is_ok() && visitor.block) visitor.block(block.offset, block.kind, block.payload.size(), block.entries);
      if (has_end)
        status = is_whole ? check_end(block) : Status();
      else if (status.is_ok())
        status = visit_block(block, visit);
      if (!status.is_ok() && status.kind() != ErrorKind::corruption) return status;
      if (!status.is_ok() && visitor.damage) visitor.damage(status);
      damaged_in_a_row = status.is_ok() ? 0 : damaged_in_a_row + 1;
      is_whole = is_whole && status.is_ok();
    }
    return {};
  }

 private:
  struct Block {
    uint64_t offset;
    SnapshotBlock kind;
    uint32_t raw_bytes, entries;
    std::string payload;
  };

  Status corrupt(uint64_t offset, std::string what) const { return Status::corruption(path_, offset, std::move(what)); }

  Status read_exactly(uint64_t bytes, std::string& out) {
    is_cut_ = bytes > file_.size() - std::min(position_, file_.size());
    if (is_cut_) return corrupt(position_, "the snapshot ends early");
    out.resize(bytes);
    const auto got = file_.read(position_, out.data(), bytes);
    if (!got.is_ok()) return got.status();
    is_cut_ = got.value() != bytes;
    if (is_cut_) return corrupt(position_, "the snapshot ends early");
    position_ += bytes;
    if (progress_) progress_->add(bytes);
    return {};
  }

  Status read_header() {
    std::string header;
    if (Status status = read_exactly(snapshot_header_bytes, header); !status.is_ok()) return status;
    ByteReader fields(std::string_view(header).substr(snapshot_magic.size()));
    const auto version = fields.fixed<uint32_t>();
    const auto shard = fields.fixed<uint32_t>();
    const auto generation = fields.fixed<uint64_t>();
    const auto checksum = fields.fixed<uint32_t>();
    if (!header.starts_with(snapshot_magic)) return corrupt(0, "this is no snapshot of sett");
    if (version > snapshot_version)
      return Status::error(ErrorKind::unsupported, path_ + ": written by a newer sett (format " +
                                                       std::to_string(version) + ", this one reads up to " +
                                                       std::to_string(snapshot_version) + ")");
    if (checksum != crc32c(std::string_view(header).substr(0, header.size() - sizeof checksum)))
      return corrupt(0, "the checksum of the header is wrong");
    if (is_any_) {
      shard_ = shard;
      generation_ = generation;
    }
    if (shard != shard_ || generation != generation_)
      return corrupt(0, "the snapshot belongs to another shard or time");
    return {};
  }

  Status read_block(Block& block) {
    block.offset = position_;
    std::string header;
    if (Status status = read_exactly(snapshot_block_header_bytes, header); !status.is_ok()) return status;
    ByteReader fields(header);
    block.kind = static_cast<SnapshotBlock>(fields.fixed<uint8_t>());
    const auto stored_bytes = fields.fixed<uint32_t>();
    block.raw_bytes = fields.fixed<uint32_t>();
    block.entries = fields.fixed<uint32_t>();
    const auto checksum = fields.fixed<uint32_t>();
    if (Status status = read_exactly(stored_bytes, block.payload); !status.is_ok()) return status;
    const auto covered = std::string_view(header).substr(0, header.size() - sizeof checksum);
    if (checksum != snapshot_checksum(generation_, shard_, block_++, covered, block.payload))
      return corrupt(block.offset, "the checksum of a block is wrong");
    return {};
  }

  Status visit_block(const Block& block, const std::function<Status(const SnapshotEntry&)>& visit) {
    std::string unpacked;
    std::string_view entries = block.payload;
    if (block.kind == SnapshotBlock::lz4) {
      if (block.raw_bytes > LZ4_MAX_INPUT_SIZE) return corrupt(block.offset, "the size of a block is impossible");
      unpacked.resize(block.raw_bytes);
      const int got = LZ4_decompress_safe(block.payload.data(), unpacked.data(), static_cast<int>(block.payload.size()),
                                          static_cast<int>(unpacked.size()));
      if (got < 0 || static_cast<uint32_t>(got) != block.raw_bytes)
        return corrupt(block.offset, "a block cannot be decompressed");
      entries = unpacked;
    } else if (block.kind != SnapshotBlock::plain) {
      return corrupt(block.offset, "a block is of an unknown kind");
    }
    ByteReader reader(entries);
    for (uint32_t i = 0; i < block.entries; ++i) {
      SnapshotEntry entry{};
      entry.bucket = reader.varint();
      entry.sequence = reader.varint();
      entry.expires_at_ms = static_cast<int64_t>(reader.varint());
      entry.key = reader.sized();
      entry.value = reader.sized();
      if (reader.failed() || entry.expires_at_ms < 0)
        return corrupt(block.offset, "an entry of a block does not parse");
      if (Status status = visit(entry); !status.is_ok()) return status;
    }
    if (!reader.at_end()) return corrupt(block.offset, "a block has more bytes than entries");
    entries_ += block.entries;
    return {};
  }

  Status check_end(const Block& block) const {
    ByteReader reader(block.payload);
    if (reader.fixed<uint64_t>() != entries_ || !reader.at_end())
      return corrupt(block.offset, "the snapshot has another number of entries than it says");
    if (position_ != file_.size()) return corrupt(position_, "there are bytes behind the end of the snapshot");
    return {};
  }

  const RandomAccessFile& file_;
  const std::string path_;
  uint64_t generation_;
  uint32_t shard_;
  const bool is_any_ = false;
  LoadProgress* const progress_;
  bool is_cut_ = false;  // the file has less than was to be read
  uint64_t position_ = 0, block_ = 0, entries_ = 0;
};

}  // namespace

Status read_snapshot(FileSystem& files, const std::string& directory, uint64_t generation, uint32_t shard,
                     const std::function<Status(const SnapshotEntry&)>& visit, LoadProgress* progress) {
  const std::string path = join_path(directory, snapshot_file_name(generation, shard));
  auto file = files.open(path);
  if (!file.is_ok()) {
    if (file.status().kind() != ErrorKind::not_found) return file.status();
    return Status::corruption(path, 0, "the snapshot that the manifest names is missing");
  }
  return Reader(*file.value(), path, generation, shard, progress).read_all(visit);
}

Status walk_snapshot(FileSystem& files, const std::string& path, const SnapshotVisitor& visitor) {
  const auto file = files.open(path);
  if (!file.is_ok()) return file.status();
  return Reader(*file.value(), path).walk(visitor);
}

}  // namespace sett::storage
