#include "storage/log/segment_files.h"

#include <algorithm>
#include <cassert>

namespace sett::storage {

using namespace log_format;

namespace {

Status make_ready(FileSystem& files, const std::string& directory, const std::string& unfinished,
                  const PreparedSegment& segment) {
  if (auto status = segment.file->allocate(segment.bytes); !status) return status;
  // A header may reach the disk before a size that was not synced: the file would look cut short.
  if (auto status = segment.file->sync(); !status) return status;
  if (auto status = files.rename(unfinished, segment.path); !status) return status;
  return files.sync_directory(directory);
}

// What cannot be removed is an unfinished or an empty file: the next recovery does.
Status remove_if_there(FileSystem& files, const std::string& path) {
  auto status = files.remove(path);
  return status.kind() == ErrorKind::not_found ? Status() : status;
}

}  // namespace

Result<PreparedSegment> prepare_segment(FileSystem& files, const std::string& directory, uint64_t number,
                                        uint64_t epoch, uint64_t bytes) {
  PreparedSegment segment{number, epoch, bytes, join_path(directory, segment_name(number)), nullptr};
  const std::string unfinished = segment.path + std::string(unfinished_suffix);
  if (auto status = remove_if_there(files, unfinished); !status) return status;  // of a try that failed
  auto file = files.create(unfinished);
  if (!file) return file.status();
  segment.file = std::move(*file);
  if (auto status = make_ready(files, directory, unfinished, segment); !status) {
    if (auto closed = segment.file->close(); !closed) return closed;
    for (const auto& path : {unfinished, segment.path}) {
      if (auto removed = remove_if_there(files, path); !removed && status.kind() == ErrorKind::no_space) return removed;
    }
    return status;
  }
  return segment;
}

Result<PreparedSegment> prepare_segment_that_fits(FileSystem& files, const std::string& directory, uint64_t number,
                                                  uint64_t epoch, uint64_t bytes, uint64_t bytes_min, uint64_t free) {
  constexpr uint64_t share = 4;  // of what is free, a segment takes at most this part, but for the smallest
  while (true) {
    const bool smallest = bytes <= bytes_min;
    if (bytes <= free / (smallest ? 1 : share)) {
      auto prepared = prepare_segment(files, directory, number, epoch, bytes);
      if (prepared || prepared.status().kind() != ErrorKind::no_space) return prepared;
    }
    if (smallest) {
      return Status::error(ErrorKind::no_space,
                           directory + " has no room for a segment of " + std::to_string(bytes) + " bytes");
    }
    bytes = std::max(bytes_min, bytes / 2 / block_bytes * block_bytes);
  }
}

Status SegmentFiles::enter(PreparedSegment next, std::string_view header_bytes) {
  assert(is_segment_header(header_bytes));
  const SegmentHeader header = get_segment_header(header_bytes.data());
  active_ = std::move(next);
  active_start_ = header.start_position;
  assert(header.number == active_.number);
  kept_.push_back({header.number, header.start_position, header.previous_sequence});
  if (auto status = active_.file->append(header_bytes.substr(0, segment_header_bytes)); !status) return status;
  return active_.file->sync();
}

Status SegmentFiles::write(std::string_view stream, const std::function<PreparedSegment()>& next) {
  while (true) {
    const uint64_t count = std::min<uint64_t>(stream.size(), active_end() - position());
    if (count > 0) {
      if (auto status = active_.file->append(stream.substr(0, count)); !status) return status;
      stream.remove_prefix(count);
    }
    if (stream.empty()) return {};
    if (auto status = active_.file->sync(); !status) return status;
    if (auto status = active_.file->close(); !status) return status;
    if (auto status = enter(next(), stream); !status) return status;
    stream.remove_prefix(segment_header_bytes);
  }
}

Status SegmentFiles::finish(bool closed) {
  if (closed) {
    // Only a file that ends with this chunk may be shorter than it was made: the chunk first, for good.
    if (auto status = active_.file->sync(); !status) return status;
    if (auto status = active_.file->trim(); !status) return status;
  }
  return active_.file->close();
}

std::vector<uint64_t> SegmentFiles::release(Sequence through) {
  std::vector<uint64_t> needless;
  while (needless.size() + 1 < kept_.size() && kept_[needless.size() + 1].previous_sequence <= through)
    needless.push_back(kept_[needless.size()].number);
  kept_.erase(kept_.begin(), kept_.begin() + static_cast<std::ptrdiff_t>(needless.size()));
  return needless;
}

Status remove_segments(FileSystem& files, const std::string& directory, std::vector<uint64_t>& numbers) {
  if (numbers.empty()) return {};
  Status outcome;
  size_t removed = 0;
  while (removed < numbers.size() && outcome.is_ok()) {
    outcome = files.remove(join_path(directory, segment_name(numbers[removed])));
    if (outcome.is_ok() || outcome.kind() == ErrorKind::not_found) {
      outcome = {};
      ++removed;
    }
  }
  numbers.erase(numbers.begin(), numbers.begin() + static_cast<std::ptrdiff_t>(removed));
  if (auto status = files.sync_directory(directory); !status) return status;
  return outcome;
}

}  // namespace sett::storage
