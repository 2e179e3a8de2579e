#include "storage/log/log_writer.h"

#include <algorithm>
#include <cassert>

#include "storage/base/huge_pages.h"

namespace sett::storage {

using namespace log_format;

namespace {

// Copies a number of bytes at a time from a row of parts.
class PartsCursor {
 public:
  explicit PartsCursor(std::span<const std::string_view> parts) : parts_(parts) {}
  void copy(uint64_t bytes, std::string& out) {
    while (bytes > 0) {
      const std::string_view part = parts_.front().substr(taken_);
      const uint64_t count = std::min<uint64_t>(bytes, part.size());
      out.append(part.data(), count);
      bytes -= count;
      taken_ += count;
      if (taken_ == parts_.front().size()) {
        parts_ = parts_.subspan(1);
        taken_ = 0;
      }
    }
  }

 private:
  std::span<const std::string_view> parts_;
  uint64_t taken_ = 0;
};

}  // namespace

void LogWriter::add_segment(const Segment& segment) {
  assert(segment.bytes >= block_bytes && segment.bytes % block_bytes == 0);
  ahead_.push_back(segment);
  end_position_ += segment.bytes;
}

void LogWriter::begin(std::string& out) {
  enter_next_segment(out);
}

void LogWriter::end_segment(std::string& out) {
  end_position_ -= segment_end_ - position_;
  enter_next_segment(out);
}

uint64_t LogWriter::framed_bytes_max(uint64_t record_bytes) {
  constexpr uint64_t overhead = chunk_header_bytes + segment_header_bytes;  // of a block, were each one a segment
  const uint64_t payload = record_bytes + sequence_bytes;
  // Two blocks more than it fills: it may begin and end anywhere in one.
  const uint64_t blocks = payload / (block_bytes - overhead) + 2;
  return payload + blocks * overhead + chunk_room_bytes_min;
}

void LogWriter::enter_next_segment(std::string& out) {
  assert(!ahead_.empty());
  const Segment segment = ahead_.front();
  ahead_.pop_front();
  segment_start_ = position_;
  segment_end_ = position_ + segment.bytes;
  epoch_checksum_ = epoch_checksum(segment.epoch);
  const size_t at = out.size();
  out.resize(at + segment_header_bytes);
  put_segment_header(out.data() + at, {segment.epoch, segment.number, segment_start_, begun_, next_,
                                       static_cast<uint32_t>(segment.bytes / block_bytes)});
  position_ += segment_header_bytes;
}

uint64_t LogWriter::make_room(std::string& out) {
  uint64_t left = block_bytes - (position_ - segment_start_) % block_bytes;
  if (left < chunk_room_bytes_min) {
    out.append(left, '\0');
    position_ += left;
    left = block_bytes;
  }
  if (position_ == segment_end_) {
    enter_next_segment(out);
    left = block_bytes - segment_header_bytes;
  }
  return left;
}

void LogWriter::seal(std::string& out, size_t at, ChunkKind kind, uint64_t mark) {
  const uint64_t bytes = out.size() - at;
  put_chunk_header(out.data() + at, epoch_checksum_, position_, kind, mark, bytes - chunk_header_bytes);
  position_ += bytes;
}

void LogWriter::append(std::span<const std::string_view> parts, uint64_t record_bytes, Sequence sequence, uint64_t mark,
                       std::string& out) {
  assert(sequence == next_);
  // All at once: growing as it fills would copy a large record again and again.
  if (out.capacity() - out.size() < record_bytes) {
    const uint64_t room = framed_bytes_max(record_bytes);
    out.reserve(out.size() + room);
    prefer_huge_pages(out.data() + out.size(), room);
  }
  PartsCursor cursor(parts);
  uint64_t left = record_bytes;
  bool first = true;
  do {
    const uint64_t room = make_room(out) - chunk_header_bytes - (first ? sequence_bytes : 0);
    const uint64_t count = std::min(left, room);
    const size_t at = out.size();
    out.append(chunk_header_bytes, '\0');
    if (first) append_fixed(out, sequence);
    cursor.copy(count, out);
    left -= count;
    const ChunkKind begun = left == 0 ? ChunkKind::full : ChunkKind::first;
    const ChunkKind going_on = left == 0 ? ChunkKind::last : ChunkKind::middle;
    seal(out, at, first ? begun : going_on, mark);
    first = false;
    begun_ = sequence;
    next_ = sequence + 1;
  } while (left > 0);
}

void LogWriter::append_empty(ChunkKind kind, uint64_t mark, std::string& out) {
  make_room(out);
  const size_t at = out.size();
  out.append(chunk_header_bytes, '\0');
  seal(out, at, kind, mark);
}

}  // namespace sett::storage
