#include "storage/log/log.h"

#include <algorithm>
#include <utility>

#include "storage/base/random.h"
#include "storage/log/log_core.h"
#include "storage/log/log_reader.h"

namespace sett::storage {

namespace {

using log_format::block_bytes;
using log_format::segment_header_bytes;

class DiskLog final : public Log {
 public:
  explicit DiskLog(std::shared_ptr<LogCore> core) : core_(std::move(core)) {}
  ~DiskLog() override { core_->abandon(); }

  Appended append(std::span<const std::string_view> parts, Urgency urgency) override {
    return core_->append(parts, urgency);
  }
  Sequence last() const override { return core_->last(); }
  Sequence written() const override { return core_->written(); }
  Sequence synced() const override { return core_->synced(); }
  Sequence safe() const override { return core_->sync_writes() ? core_->synced() : core_->written(); }
  bool failed() const override { return core_->failed(); }
  bool keeps_records() const override { return true; }
  void write_if_small() override { core_->write_if_small(); }
  void request_sync() override { core_->request_sync(); }
  void set_progress_listener(std::function<void()> listener) override {
    core_->set_progress_listener(std::move(listener));
  }
  void announce_progress() override { core_->notify(); }
  void release(Sequence through) override { core_->release(through); }
  void keep_free(uint64_t bytes, uint64_t as_of) override { core_->keep_free(bytes, as_of); }
  void hold_when_full(bool hold, uint64_t as_of) override { core_->hold_when_full(hold, as_of); }
  LogStats stats() const override { return core_->stats(); }
  Status close() override { return core_->close(); }

 private:
  const std::shared_ptr<LogCore> core_;  // tasks on the executor hold it weakly and may outlive this object
};

Status remove_all(FileSystem& files, const std::string& directory, const std::vector<std::string>& paths) {
  for (const auto& path : paths) {
    if (auto status = files.remove(path); !status) return status;
  }
  return paths.empty() ? Status() : files.sync_directory(directory);
}

// The last first, each for good: a power cut leaves no gap, which would look like a lost segment.
Status remove_leftovers(FileSystem& files, const std::string& directory, const std::vector<std::string>& paths) {
  for (auto path = paths.rbegin(); path != paths.rend(); ++path) {
    if (auto status = remove_all(files, directory, {*path}); !status) return status;
  }
  return {};
}

// What was read may be in the memory of the operating system only (after kill -9): the header of the new segment will
// say that it is on disk, so it has to be. Bytes behind what counts stay for now: with them the highest sequence would
// go.
Status sync_found(FileSystem& files, const LogScan& scan) {
  if (scan.segments.empty()) return {};
  const auto& last = scan.segments.back();
  return files.truncate(last.path, last.file_bytes);
}

// The new segment's header is durable and says where the old ones end: now what lies behind can go. A crash in between
// is harmless, the next start does it again.
Status cut_tails(FileSystem& files, const std::string& directory, const LogScan& scan) {
  std::vector<std::string> empty;
  for (size_t i = 0; i < scan.segments.size(); ++i) {
    const auto& segment = scan.segments[i];
    uint64_t end = segment.limit;
    if (i + 1 == scan.segments.size()) end = scan.cut_offset == segment_header_bytes ? 0 : scan.cut_offset;
    if (end == 0) {
      empty.push_back(segment.path);
    } else if (end < segment.file_bytes) {
      if (auto status = files.truncate(segment.path, end); !status) return status;
    }
  }
  return remove_all(files, directory, empty);
}

LogCore::Start start_after(const LogScan& scan) {
  LogCore::Start start;
  start.previous = scan.last_whole;
  start.floor = scan.highest;
  start.first.number = 1;
  if (scan.segments.empty()) return start;
  const auto& last = scan.segments.back();
  start.first.number = last.header.number + 1;
  start.position = last.header.start_position;
  if (scan.cut_offset > segment_header_bytes) start.position += scan.cut_offset;
  for (size_t i = 0; i < scan.segments.size(); ++i) {
    const bool is_last = i + 1 == scan.segments.size();
    const bool empty = is_last ? scan.cut_offset == segment_header_bytes : scan.segments[i].limit == 0;
    const auto& header = scan.segments[i].header;
    if (!empty) start.old_segments.push_back({header.number, header.start_position, header.previous_sequence});
  }
  return start;
}

// On a disk that is all but full a single block has to do: whoever frees space needs a log.
Result<PreparedSegment> prepare_first(FileSystem& files, const LogOptions& options, uint64_t number, uint64_t epoch) {
  const auto free = files.free_bytes(options.directory);
  auto prepared = prepare_segment_that_fits(files, options.directory, number, epoch, options.segment_bytes,
                                            options.segment_bytes_min(), free.is_ok() ? free.value() : UINT64_MAX);
  if (prepared || prepared.status().kind() != ErrorKind::no_space) return prepared;
  return prepare_segment(files, options.directory, number, epoch, block_bytes);
}

}  // namespace

uint64_t LogOptions::last_part_bytes() const {
  constexpr uint64_t share = 16, bytes_max = 256u << 10;
  return std::min(emergency_bytes / share, bytes_max);
}

uint64_t LogOptions::segment_bytes_min() const {
  const uint64_t emergency_blocks = (emergency_bytes + block_bytes - 1) / block_bytes;
  return std::clamp<uint64_t>(emergency_blocks * block_bytes, block_bytes, std::max(block_bytes, segment_bytes));
}

Result<Log::Opened> Log::open(FileSystem& files, Executor& executor, Clock& clock, LogOptions options, Sequence after,
                              const Visitor& visit) {
  if (auto status = files.create_directories(options.directory); !status) return status;
  auto scan = scan_log(files, options.directory, after, visit);
  if (!scan) return scan.status();
  if (Status status = check_reach(*scan, options.directory, options.must_exist, after, options.must_reach); !status)
    return status;

  const uint64_t blocks = (options.segment_bytes + block_bytes - 1) / block_bytes;
  options.segment_bytes = std::max<uint64_t>(1, blocks) * block_bytes;
  Random epochs(options.epoch_seed != 0 ? options.epoch_seed : entropy_seed());
  if (options.sync_pointed_to) {
    if (auto status = options.sync_pointed_to(); !status) return status;
  }
  if (auto status = remove_all(files, options.directory, scan->unfinished); !status) return status;
  if (auto status = remove_leftovers(files, options.directory, scan->leftovers); !status) return status;
  if (auto status = sync_found(files, *scan); !status) return status;
  LogCore::Start start = start_after(*scan);
  auto first = prepare_first(files, options, start.first.number, epochs.next());
  if (!first && first.status().kind() == ErrorKind::no_space && options.make_room) {
    options.make_room();
    first = prepare_first(files, options, start.first.number, epochs.next());
  }
  if (!first) return first.status();
  start.first = std::move(*first);
  const std::string directory = options.directory;
  auto core = std::make_shared<LogCore>(files, executor, clock, std::move(options), epochs.next(), std::move(start));
  if (auto status = core->begin(); !status) return status;
  if (auto status = cut_tails(files, directory, *scan); !status) return status;
  core->post_work();

  LogRecovery recovery;
  recovery.segments = scan->segments.size();
  recovery.records = scan->records;
  recovery.cut_bytes = scan->cut_bytes;
  recovery.first_sequence = scan->first_record;
  recovery.last_sequence = scan->last_record;
  return Opened{std::make_unique<DiskLog>(std::move(core)), recovery};
}

}  // namespace sett::storage
