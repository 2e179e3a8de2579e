#include "storage/log/log_copy.h"

#include <memory>

#include "storage/base/random.h"
#include "storage/log/log_reader.h"
#include "storage/log/log_writer.h"

namespace sett::storage {

using namespace log_format;

namespace {

constexpr uint64_t segment_bytes = 1ull << 40;  // said of each; it ends where its records do
constexpr uint64_t write_bytes = 1 << 20;

// Writes records into segments: a new one where sequences were passed over, as behind a tail that was cut.
class Copier {
 public:
  Copier(FileSystem& files, const std::string& to, Sequence after, uint64_t epoch_seed)
      : files_(files), to_(to), epochs_(epoch_seed), last_(after) {}

  Status take(Sequence sequence, std::string_view record) {
    if (Status status = open_segment_for(sequence); !status) return status;
    const std::string_view parts[] = {record};
    writer_->append(parts, record.size(), sequence, start_, buffer_);
    last_ = copy_.last_record = sequence;
    return buffer_.size() < write_bytes ? Status() : write_out();
  }

  // `next`: the first sequence that the log will give.
  Result<LogCopy> finish(Sequence next) {
    if (Status status = open_segment_for(next); !status) return status;
    writer_->append_closed(writer_->position(), buffer_);
    if (Status status = end_segment(); !status) return status;
    return std::move(copy_);
  }

 private:
  Status open_segment_for(Sequence sequence) {
    if (file_ && sequence == last_ + 1) return {};
    if (Status status = end_segment(); !status) return status;
    const uint64_t number = copy_.names.size() + 1;
    copy_.names.push_back(segment_name(number));
    auto file = files_.create(join_path(to_, copy_.names.back()));
    if (!file) return file.status();
    file_ = std::move(*file);
    writer_ = std::make_unique<LogWriter>(start_, last_, sequence);
    writer_->add_segment({number, epochs_.next(), segment_bytes});
    writer_->begin(buffer_);
    return {};
  }
  Status end_segment() {
    if (!file_) return {};
    start_ = writer_->position();
    if (Status status = write_out(); !status) return status;
    if (Status status = file_->sync(); !status) return status;
    const Status status = file_->close();
    file_.reset();
    return status;
  }
  Status write_out() {
    const Status status = file_->append(buffer_);
    buffer_.clear();
    return status;
  }

  FileSystem& files_;
  const std::string& to_;
  Random epochs_;
  LogCopy copy_;
  Sequence last_;
  uint64_t start_ = 0;  // of the segment being written, in the log
  std::unique_ptr<LogWriter> writer_;
  std::unique_ptr<AppendFile> file_;
  std::string buffer_;
};

}  // namespace

Status read_live_log(FileSystem& files, const std::string& directory, Sequence after, Sequence through,
                     const std::function<Status(Sequence, std::string_view)>& visit) {
  constexpr int tries_max = 10;
  if (after >= through) return {};
  for (int tries = 0;; ++tries) {
    bool is_done = false, has_begun = false;
    Status failed;
    const auto scan = scan_log(files, directory, after, [&](Sequence sequence, std::string_view record) {
      has_begun = true;
      if (sequence <= through) failed = visit(sequence, record);
      is_done = sequence >= through;
      return failed && is_done ? Status::error(ErrorKind::closed, "all that was wanted is read") : failed;
    });
    if (!failed || is_done || scan.is_ok()) return failed;
    // Segments that are needed no longer may go between the look into the folder and the look into them.
    if (scan.status().kind() != ErrorKind::not_found || has_begun || tries == tries_max) return scan.status();
  }
}

Result<LogCopy> copy_live_log(FileSystem& files, const std::string& from, Sequence after, Sequence through,
                              const std::string& to, uint64_t epoch_seed) {
  if (Status status = files.create_directories(to); !status) return status;
  Copier copier(files, to, after, epoch_seed);
  const Status status = read_live_log(files, from, after, through, [&](Sequence sequence, std::string_view record) {
    return copier.take(sequence, record);
  });
  if (!status) return status;
  return copier.finish(std::max(after, through) + 1);
}

}  // namespace sett::storage
