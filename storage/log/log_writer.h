#pragma once

#include <deque>
#include <span>
#include <string>
#include <string_view>

#include "storage/log/log_format.h"

namespace sett::storage {

// Turns records into the bytes of the log, segment headers and padding included: one unbroken stream, which whoever
// writes it cuts into files where the segments end. Pure: knows no file. One owner at a time.
class LogWriter {
 public:
  struct Segment {
    uint64_t number;
    uint64_t epoch;
    uint64_t bytes;  // whole blocks
  };

  // The stream begins at `start_position` with the header of the first segment added. `previous` as in SegmentHeader;
  // `next` is the first sequence that append() will be given.
  LogWriter(uint64_t start_position, Sequence previous, Sequence next)
      : position_(start_position),
        segment_end_(start_position),
        end_position_(start_position),
        begun_(previous),
        next_(next) {}

  // The stream goes on in this segment behind the last one known.
  void add_segment(const Segment& segment);
  // Writes the header of the first segment, before anything else.
  void begin(std::string& out);

  // The segment ends here, shorter than it was made; the header of the next, which must be known, is appended to `out`.
  void end_segment(std::string& out);

  uint64_t position() const { return position_; }          // of the next byte
  uint64_t end_position() const { return end_position_; }  // behind the last segment known
  uint64_t segment_start() const { return segment_start_; }
  uint64_t segments_ahead() const { return ahead_.size(); }

  // No record of this size takes more of the stream, wherever it begins and however small the segments are.
  static uint64_t framed_bytes_max(uint64_t record_bytes);

  // Appends the record made of `parts` (record_bytes in all) to `out`. The room up to end_position() must suffice.
  void append(std::span<const std::string_view> parts, uint64_t record_bytes, Sequence sequence, uint64_t mark,
              std::string& out);
  // Appends an empty chunk that says: everything before `mark` is synced.
  void append_mark(uint64_t mark, std::string& out) { append_empty(log_format::ChunkKind::mark, mark, out); }
  // ... and that the log was closed here: nothing may follow.
  void append_closed(uint64_t mark, std::string& out) { append_empty(log_format::ChunkKind::closed, mark, out); }

 private:
  void enter_next_segment(std::string& out);
  void append_empty(log_format::ChunkKind kind, uint64_t mark, std::string& out);
  uint64_t make_room(std::string& out);  // what is left of the block, at least chunk_room_bytes_min
  void seal(std::string& out, size_t at, log_format::ChunkKind kind, uint64_t mark);

  std::deque<Segment> ahead_;
  uint32_t epoch_checksum_ = 0;
  uint64_t position_;
  uint64_t segment_start_ = 0;
  uint64_t segment_end_;
  uint64_t end_position_;
  Sequence begun_;  // the last sequence whose record has begun
  Sequence next_;   // the one that begins next
};

}  // namespace sett::storage
