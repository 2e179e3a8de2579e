#include "storage/log/segment_reader.h"

#include <algorithm>

namespace sett::storage {

using namespace log_format;

namespace {
constexpr uint64_t window_bytes = 32 * block_bytes;  // one read of the file

bool all_zero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}
}  // namespace

SegmentReader::SegmentReader(const RandomAccessFile& file, const SegmentHeader& header, uint64_t limit)
    : file_(file),
      header_(header),
      epoch_checksum_(epoch_checksum(header.epoch)),
      limit_(std::min(limit, file.size())) {}

Result<std::string_view> SegmentReader::rest_of_block(uint64_t offset) {
  const uint64_t block = offset - offset % block_bytes;
  const uint64_t end = std::min(limit_, block + block_bytes);
  if (offset >= end) return std::string_view();
  if (block < window_offset_ || end > window_offset_ + window_.size()) {
    window_.resize(std::min(window_bytes, limit_ - block));
    window_offset_ = block;
    auto got = file_.read(block, window_.data(), window_.size());
    if (!got) return got.status();
    if (*got < window_.size()) return Status::error(ErrorKind::io, "the file became shorter while it was read");
  }
  return std::string_view(window_).substr(offset - window_offset_, end - offset);
}

std::optional<Chunk> SegmentReader::chunk_at(std::string_view bytes, uint64_t offset) const {
  return get_chunk(bytes, epoch_checksum_, position(offset));
}

Result<SegmentReader::Step> SegmentReader::next() {
  auto bytes = rest_of_block(offset_);
  if (!bytes) return bytes.status();
  if (block_bytes - offset_ % block_bytes < chunk_room_bytes_min) {
    if (!all_zero(*bytes)) return Step{Step::Kind::bad, offset_};
    const uint64_t block_end = offset_ - offset_ % block_bytes + block_bytes;
    if (block_end > limit_) return Step{Step::Kind::end, offset_};
    offset_ = block_end;
    bytes = rest_of_block(offset_);
    if (!bytes) return bytes.status();
  }
  if (bytes->empty()) return Step{Step::Kind::end, offset_};
  const auto chunk = chunk_at(*bytes, offset_);
  if (!chunk) return Step{Step::Kind::bad, offset_};
  const uint64_t offset = offset_;
  offset_ += chunk->bytes();
  return Step{Step::Kind::chunk, offset, *chunk};
}

Result<SegmentReader::Step> SegmentReader::resume(uint64_t bad_offset) {
  uint64_t search_bytes_left = search_bytes_max;
  for (uint64_t offset = bad_offset + 1; offset < limit_;) {
    auto bytes = rest_of_block(offset);
    if (!bytes) return bytes.status();
    const auto last = bytes->find_last_not_of('\0');
    const uint64_t end = last == std::string_view::npos ? offset : offset + last + 1;
    for (uint64_t at = offset; at < end; ++at) {
      const auto rest = bytes->substr(at - offset);
      if (const auto chunk = chunk_at(rest, at)) {
        offset_ = at + chunk->bytes();
        return Step{Step::Kind::chunk, at, *chunk};
      }
      search_bytes_left -= std::min(search_bytes_left, claimed_chunk_bytes(rest, position(at)));
      if (search_bytes_left == 0) break;
    }
    offset += bytes->size();
  }
  offset_ = limit_;
  return Step{Step::Kind::end, limit_};
}

bool SegmentReader::note(const Chunk& chunk, uint64_t offset, uint64_t bad_position, Beyond& beyond) {
  if (chunk.kind == ChunkKind::full || chunk.kind == ChunkKind::first) {
    beyond.highest_sequence = std::max(beyond.highest_sequence, get_fixed<Sequence>(chunk.payload.data()));
  }
  if (chunk.mark <= bad_position) return false;
  beyond.synced_beyond = true;
  beyond.found_offset = offset;
  return true;
}

Result<SegmentReader::Beyond> SegmentReader::look_beyond(uint64_t bad_offset) {
  Beyond beyond;
  beyond.bytes_end = bad_offset;
  const uint64_t bad_position = position(bad_offset);
  // The length of a bad chunk cannot be trusted, so behind it a chunk may begin anywhere; and damage may reach over the
  // front of the next block, or of several. Positions are part of the checksum: bytes of a record within a value are
  // not taken for a chunk.
  uint64_t search_bytes_left = search_bytes_max;
  for (uint64_t offset = bad_offset; offset < limit_;) {
    auto bytes = rest_of_block(offset);
    if (!bytes) return bytes.status();
    const auto last = bytes->find_last_not_of('\0');
    const uint64_t block_end = offset + bytes->size();
    if (last != std::string_view::npos) {
      beyond.bytes_end = offset + last + 1;
      const bool own_block = offset == bad_offset;
      for (uint64_t at = offset; at <= offset + last;) {
        const auto rest = bytes->substr(at - offset);
        const auto chunk = chunk_at(rest, at);
        if (chunk && note(*chunk, at, bad_position, beyond)) return beyond;
        if (!chunk) {
          if (!own_block && search_bytes_left == 0) break;
          search_bytes_left -= std::min(search_bytes_left, claimed_chunk_bytes(rest, position(at)));
        }
        at += chunk ? chunk->bytes() : 1;
      }
    }
    offset = block_end;
  }
  return beyond;
}

}  // namespace sett::storage
