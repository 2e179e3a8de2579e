#include "storage/log/log_salvage.h"

#include <algorithm>
#include <vector>

#include "storage/log/segment_reader.h"

namespace sett::storage {

using namespace log_format;

namespace {

struct Segment {
  std::string path;
  SegmentHeader header;
  uint64_t limit = UINT64_MAX;
};

Result<std::vector<Segment>> find_segments(FileSystem& files, const std::string& directory) {
  const auto names = files.list(directory);
  if (!names.is_ok() && names.status().kind() == ErrorKind::not_found) return std::vector<Segment>();
  if (!names.is_ok()) return names.status();
  std::vector<Segment> found;
  for (const std::string& name : names.value()) {
    if (!segment_number(name)) continue;
    const std::string path = join_path(directory, name);
    const auto file = files.open(path);
    if (!file.is_ok()) return file.status();
    char bytes[segment_header_bytes];
    const auto got = file.value()->read(0, bytes, sizeof bytes);
    if (!got.is_ok()) return got.status();
    const std::string_view front(bytes, got.value());
    if (segment_version(front) > version)
      return Status::error(ErrorKind::unsupported, path + ": written by a newer sett");
    if (is_segment_header(front)) found.push_back({path, get_segment_header(bytes)});
  }
  std::sort(found.begin(), found.end(),
            [](const Segment& a, const Segment& b) { return a.header.number < b.header.number; });
  // A start has cut what lies behind the place where the next one begins.
  for (size_t i = 0; i + 1 < found.size(); ++i) {
    const SegmentHeader& next = found[i + 1].header;
    if (next.number == found[i].header.number + 1 && next.start_position >= found[i].header.start_position)
      found[i].limit = next.start_position - found[i].header.start_position;
  }
  return found;
}

class LogSalvager {
 public:
  LogSalvager(Sequence after, const LogSalvageVisitor& visitor) : last_(after), visitor_(visitor) {}

  Status read(FileSystem& files, const Segment& segment) {
    const auto file = files.open(segment.path);
    if (!file.is_ok()) return file.status();
    // Only what this segment goes on with: not if one between is lost, nor if a start has cut the record.
    const bool follows = segment.header.number == number_ + 1 && segment.header.previous_sequence == sequence_;
    is_open_ = is_open_ && follows;
    number_ = segment.header.number;
    SegmentReader reader(*file.value(), segment.header, segment.limit);
    auto step = reader.next();
    while (step.is_ok() && step.value().kind != SegmentReader::Step::Kind::end) {
      if (step.value().kind == SegmentReader::Step::Kind::bad) {
        is_open_ = false;
        step = reader.resume(step.value().offset);
        continue;
      }
      if (Status status = take(step.value().chunk); !status) return status;
      step = reader.next();
    }
    if (!step.is_ok()) return step.status();
    // What is cut off before the segment's end may be the middle of a record.
    const bool is_whole = segment.limit != UINT64_MAX && step.value().offset >= segment.limit;
    is_open_ = is_open_ && is_whole;
    if (visitor_.progress) visitor_.progress(file.value()->size());
    return {};
  }

 private:
  Status take(const Chunk& chunk) {
    switch (chunk.kind) {
      case ChunkKind::mark:
      case ChunkKind::closed:
        return {};
      case ChunkKind::full:
      case ChunkKind::first:
        sequence_ = get_fixed<Sequence>(chunk.payload.data());
        record_.assign(chunk.payload.substr(sequence_bytes));
        is_open_ = true;
        break;
      case ChunkKind::middle:
      case ChunkKind::last:
        record_.append(chunk.payload);
        break;
    }
    if (chunk.kind == ChunkKind::first || chunk.kind == ChunkKind::middle || !is_open_) return {};
    is_open_ = false;
    if (sequence_ <= last_) return {};
    last_ = sequence_;
    return visitor_.record(sequence_, record_);
  }

  Sequence last_;        // visited, or not wanted
  uint64_t number_ = 0;  // of the segment
  const LogSalvageVisitor& visitor_;
  bool is_open_ = false;  // record_ holds the beginning of record sequence_
  Sequence sequence_ = 0;
  std::string record_;
};

}  // namespace

Status salvage_log(FileSystem& files, const std::string& directory, Sequence after, const LogSalvageVisitor& visitor) {
  const auto segments = find_segments(files, directory);
  if (!segments.is_ok()) return segments.status();
  LogSalvager salvager(after, visitor);
  for (const Segment& segment : segments.value())
    if (Status status = salvager.read(files, segment); !status) return status;
  return {};
}

}  // namespace sett::storage
