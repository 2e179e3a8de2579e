#include "storage/log/log_reader.h"

#include <algorithm>

#include "storage/log/segment_reader.h"

namespace sett::storage {

using namespace log_format;

namespace {

Status damaged(const std::string& path, uint64_t offset, const std::string& what) {
  return Status::corruption(path, offset, what + "; nothing was changed: restore a backup, or run settd repair");
}

// Whether there is anything but zeroes behind the place of the header.
Result<bool> has_chunks(const RandomAccessFile& file) {
  std::string window(1 << 20, '\0');
  for (uint64_t offset = segment_header_bytes; offset < file.size();) {
    auto got = file.read(offset, window.data(), window.size());
    if (!got) return got.status();
    if (*got == 0) break;
    if (std::string_view(window).substr(0, *got).find_first_not_of('\0') != std::string_view::npos) return true;
    offset += *got;
  }
  return false;
}

// Reads one header. Empty: the file was made ready and never begun, or the power went while its header was written; a
// header is synced before the first chunk goes behind it, so a bad one in front of chunks is damage. So is a file of
// less than a block: none is given the name of a segment.
Result<std::optional<LogScan::Segment>> read_header(FileSystem& files, const std::string& path, uint64_t number) {
  auto file = files.open(path);
  if (!file) return file.status();
  char bytes[segment_header_bytes];
  auto got = (*file)->read(0, bytes, sizeof bytes);
  if (!got) return got.status();
  const std::string_view header(bytes, *got);
  if (segment_version(header) > version) {  // before the checksum, which a newer version may keep elsewhere
    return Status::error(ErrorKind::unsupported, path + ": written by a newer sett (format " +
                                                     std::to_string(segment_version(header)) +
                                                     ", this one reads up to " + std::to_string(version) + ")");
  }
  if (!is_segment_header(header)) {
    auto begun = has_chunks(**file);
    if (!begun) return begun.status();
    if (*begun) return damaged(path, 0, "the header of the log segment is damaged");
    if ((*file)->size() < block_bytes) return damaged(path, (*file)->size(), "the file is shorter than it was made");
    return std::optional<LogScan::Segment>();
  }
  LogScan::Segment segment{path, (*file)->size(), get_segment_header(bytes)};
  if (segment.header.number != number) {
    return damaged(path, 24, "the log segment says that its number is " + std::to_string(segment.header.number));
  }
  return std::optional(std::move(segment));
}

Status find_segments(FileSystem& files, const std::string& directory, LogScan& scan) {
  auto names = files.list(directory);
  if (!names) return names.status();
  for (const auto& name : *names) {
    const auto path = join_path(directory, name);
    if (is_unfinished_name(name)) scan.unfinished.push_back(path);
    const auto number = segment_number(name);
    if (!number) continue;
    auto segment = read_header(files, path, *number);
    if (!segment) return segment.status();
    if (!*segment) {
      // Segments are made ready in order, each name made durable before the next: the first of these follows the last
      // used.
      const uint64_t follows = scan.segments.empty() ? 1 : scan.segments.back().header.number + 1;
      if (scan.leftovers.empty() && *number != follows) {
        return damaged(path, 0, "the log segment before this one, number " + std::to_string(follows) + ", is missing");
      }
      scan.leftovers.push_back(path);
      continue;
    }
    if (!scan.leftovers.empty()) return damaged(scan.leftovers.back(), 0, "the log segment has no header");
    scan.segments.push_back(std::move(**segment));
  }
  for (size_t i = 0; i < scan.segments.size(); ++i) {
    auto& segment = scan.segments[i];
    if (i + 1 == scan.segments.size()) {
      segment.limit = segment.file_bytes;
      break;
    }
    // The same start means that nothing in this one counts: recovery found it empty.
    const uint64_t start = segment.header.start_position;
    const uint64_t next_start = scan.segments[i + 1].header.start_position;
    if (next_start != start && next_start < start + segment_header_bytes) {
      return damaged(scan.segments[i + 1].path, 32, "the log segment begins before the one in front of it ends");
    }
    segment.limit = next_start - start;
  }
  return {};
}

// Puts the chunks of the segments together to records.
class RecordAssembler {
 public:
  RecordAssembler(LogScan& scan, Sequence after, const std::function<Status(Sequence, std::string_view)>& visit)
      : scan_(scan), after_(after), visit_(visit) {}

  Status enter(const LogScan::Segment& segment, bool first_read) {
    const auto& header = segment.header;
    segment_ = &segment;
    if (first_read) {
      begun_ = scan_.last_whole = header.previous_sequence;
      skipping_ = true;
    } else if (header.previous_sequence != begun_) {
      if (!open_ || header.previous_sequence != scan_.last_whole) {
        return damaged(segment.path, 40,
                       "the log segment follows record " + std::to_string(header.previous_sequence) + ", but record " +
                           std::to_string(begun_) + " was read before it: a segment is missing");
      }
      open_ = false;  // recovery cut that record away
      begun_ = scan_.last_whole;
    }
    if (header.first_sequence <= begun_) return damaged(segment.path, 48, "the sequences of the log segment go back");
    expected_ = header.first_sequence;
    scan_.highest = std::max({scan_.highest, header.first_sequence - 1, begun_});
    whole_end_ = segment_header_bytes;
    return {};
  }

  Status take(const SegmentReader::Step& step) {
    const Chunk& chunk = step.chunk;
    const uint64_t end = step.offset + chunk.bytes();
    switch (chunk.kind) {
      case ChunkKind::mark:
        if (!open_) whole_end_ = end;
        return {};
      case ChunkKind::closed:
        // Of a log that was closed without a record since its start nothing needs to be kept.
        if (!open_ && whole_end_ > segment_header_bytes) whole_end_ = end;
        return {};
      case ChunkKind::full:
      case ChunkKind::first:
        return begin(step, end);
      case ChunkKind::middle:
      case ChunkKind::last:
        break;
    }
    if (!open_) {
      if (!skipping_) return damaged(segment_->path, step.offset, "the log goes on with a record that never began");
      if (chunk.kind == ChunkKind::last) whole_end_ = end;
      return {};
    }
    record_.append(chunk.payload);
    if (chunk.kind == ChunkKind::middle) return {};
    open_ = false;
    return finish(record_, end);
  }

  bool record_open() const { return open_; }
  uint64_t whole_end() const { return whole_end_; }  // in the segment entered last: what counts so far ends here

 private:
  Status begin(const SegmentReader::Step& step, uint64_t end) {
    skipping_ = false;
    const auto sequence = get_fixed<Sequence>(step.chunk.payload.data());
    if (open_ || sequence != expected_) {
      return damaged(segment_->path, step.offset,
                     "record " + std::to_string(sequence) + " where " + std::to_string(expected_) + " belongs");
    }
    begun_ = sequence;
    expected_ = sequence + 1;
    scan_.highest = std::max(scan_.highest, sequence);
    const auto payload = step.chunk.payload.substr(sequence_bytes);
    if (step.chunk.kind == ChunkKind::full) return finish(payload, end);
    open_ = true;
    record_.assign(payload);
    return {};
  }
  Status finish(std::string_view record, uint64_t end) {
    if (begun_ > after_) {
      if (auto status = visit_(begun_, record); !status) return status;
      ++scan_.records;
      if (scan_.first_record == 0) scan_.first_record = begun_;
      scan_.last_record = begun_;
    }
    scan_.last_whole = begun_;
    whole_end_ = end;
    return {};
  }

  LogScan& scan_;
  const Sequence after_;
  const std::function<Status(Sequence, std::string_view)>& visit_;
  const LogScan::Segment* segment_ = nullptr;
  bool open_ = false;      // record_ holds the beginning of record begun_
  bool skipping_ = false;  // within the end of a record that began before the first segment read
  std::string record_;
  Sequence begun_ = 0;
  Sequence expected_ = 0;
  uint64_t whole_end_ = segment_header_bytes;
};

Status read_segment(FileSystem& files, const LogScan::Segment& segment, bool is_last, RecordAssembler& records,
                    LogScan& scan) {
  auto file = files.open(segment.path);
  if (!file) return file.status();
  SegmentReader reader(**file, segment.header, segment.limit);
  auto step = reader.next();
  bool closed = false;
  for (; step && step->kind == SegmentReader::Step::Kind::chunk; step = reader.next()) {
    if (auto status = records.take(*step); !status) {
      if (status.kind() != ErrorKind::incomplete) return status;
      // Torn where the record ends, as if its last chunk were bad; a later chunk may say that it was not.
      step->kind = SegmentReader::Step::Kind::bad;
      break;
    }
    closed = step->chunk.kind == ChunkKind::closed;
  }
  if (!step) return step.status();
  if (!is_last) {
    // The next segment was begun only after all of this one had been synced.
    if (step->kind == SegmentReader::Step::Kind::end && step->offset >= segment.limit) return {};
    const bool ended = step->offset >= segment.file_bytes;
    return damaged(segment.path, step->offset,
                   ended ? "the log segment is shorter than the next one says, or a segment between them is missing"
                         : "a synced part of the log is damaged (a later segment follows)");
  }
  auto beyond = reader.look_beyond(step->offset);
  if (!beyond) return beyond.status();
  if (beyond->synced_beyond) {
    return damaged(segment.path, step->offset,
                   "a synced part of the log is damaged (the chunk at byte " + std::to_string(beyond->found_offset) +
                       " was written after it had been synced)");
  }
  // The file had its size before its header, and only a clean close gives the rest of it back.
  const bool ends_here = step->kind == SegmentReader::Step::Kind::end && step->offset == segment.file_bytes;
  if (segment.file_bytes < segment.header.made_bytes() && !(closed && ends_here)) {
    return damaged(segment.path, step->offset,
                   "the file is shorter than it was made (" + std::to_string(segment.file_bytes) + " of " +
                       std::to_string(segment.header.made_bytes()) +
                       " bytes) and does not end as a log that was closed");
  }
  scan.highest = std::max(scan.highest, beyond->highest_sequence);
  scan.cut_offset = records.whole_end();
  // Of a record that is not whole all bytes are cut; of padding and zeroes behind the last one none count.
  const uint64_t cut_end = records.record_open() ? std::max(step->offset, beyond->bytes_end) : beyond->bytes_end;
  const bool cuts = records.record_open() || beyond->bytes_end > step->offset;
  scan.cut_bytes = cuts ? cut_end - scan.cut_offset : 0;
  return {};
}

}  // namespace

Result<LogScan> scan_log(FileSystem& files, const std::string& directory, Sequence after,
                         const std::function<Status(Sequence, std::string_view)>& visit) {
  LogScan scan;
  if (auto status = find_segments(files, directory, scan); !status) return status;
  scan.highest = after;
  size_t first = scan.segments.size();
  for (size_t i = 0; i < scan.segments.size(); ++i) {
    if (scan.segments[i].header.previous_sequence <= after) first = i;
  }
  if (first == scan.segments.size() && (after > 0 || !scan.segments.empty())) {
    const auto path = scan.segments.empty() ? directory : scan.segments.front().path;
    return damaged(path, 0, "the log segment with record " + std::to_string(after + 1) + " is missing");
  }
  RecordAssembler records(scan, after, visit);
  for (size_t i = first; i < scan.segments.size(); ++i) {
    const auto& segment = scan.segments[i];
    const bool is_last = i + 1 == scan.segments.size();
    if (!is_last && segment.limit == 0) continue;  // void
    if (auto status = records.enter(segment, i == first); !status) return status;
    if (auto status = read_segment(files, segment, is_last, records, scan); !status) return status;
  }
  return scan;
}

Status check_reach(const LogScan& scan, const std::string& directory, bool must_exist, Sequence after,
                   Sequence must_reach) {
  if (scan.segments.empty() && must_exist)
    return Status::corruption(directory, 0, "the log that belongs to this store is missing or has lost its beginning");
  const Sequence found = std::max(after, scan.last_record);
  if (found >= must_reach) return {};
  return damaged(directory, 0,
                 "the log ends at record " + std::to_string(found) + ", but it is known to have reached " +
                     std::to_string(must_reach) + ": its last records are missing");
}

}  // namespace sett::storage
