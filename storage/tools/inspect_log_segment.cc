#include <optional>

#include "storage/keys/mutation.h"
#include "storage/log/segment_reader.h"
#include "storage/tools/inspect.h"
#include "storage/tools/text.h"

namespace sett::storage {

using namespace log_format;

namespace {

class SegmentPrinter {
 public:
  SegmentPrinter(const RandomAccessFile& file, const SegmentHeader& header, const std::string& path, std::ostream& out)
      : file_bytes_(file.size()), path_(path), out_(out), reader_(file, header, UINT64_MAX) {}

  Result<uint64_t> run() {
    auto step = reader_.next();
    while (step && step->kind != SegmentReader::Step::Kind::end) {
      if (step->kind == SegmentReader::Step::Kind::bad) {
        auto behind = pass_over(step->offset);
        if (!behind) return behind.status();
        if (!*behind) break;
        step = **behind;
        continue;
      }
      take(*step);
      step = reader_.next();
    }
    if (!step) return step.status();
    if (begun_at_) out_ << *begun_at_ << " the record goes on in the next segment, or its end was cut\n";
    return damaged_;
  }

 private:
  // nullopt: nothing but zeroes follows.
  Result<std::optional<SegmentReader::Step>> pass_over(uint64_t bad_offset) {
    auto beyond = reader_.look_beyond(bad_offset);
    if (!beyond) return beyond.status();
    if (!beyond->synced_beyond && beyond->bytes_end == bad_offset) {
      out_ << bad_offset << " zeroes to the end of the file: " << file_bytes_ - bad_offset << " bytes not used yet\n";
      return std::optional<SegmentReader::Step>();
    }
    ++damaged_;
    begun_at_.reset();
    const char* what = beyond->synced_beyond ? "no chunk that is whole; it had been synced, as a later one says"
                                             : "no chunk that is whole: a torn tail, if this is the last segment";
    print_damage(out_, Status::corruption(path_, bad_offset, what));
    auto step = reader_.resume(bad_offset);
    if (!step) return step.status();
    if (step->kind == SegmentReader::Step::Kind::end) return std::optional<SegmentReader::Step>();
    out_ << step->offset << " the next chunk that is whole\n";
    return std::optional(*step);
  }

  void take(const SegmentReader::Step& step) {
    const Chunk& chunk = step.chunk;
    switch (chunk.kind) {
      case ChunkKind::mark:
      case ChunkKind::closed:
        out_ << step.offset << (chunk.kind == ChunkKind::mark ? " mark" : " closed") << ", synced up to " << chunk.mark
             << "\n";
        return;
      case ChunkKind::full:
      case ChunkKind::first:
        begun_at_ = step.offset;
        sequence_ = get_fixed<Sequence>(chunk.payload.data());
        record_.assign(chunk.payload.substr(sequence_bytes));
        if (chunk.kind == ChunkKind::full) print_record();
        return;
      case ChunkKind::middle:
      case ChunkKind::last:
        if (begun_at_)
          record_.append(chunk.payload);
        else
          out_ << step.offset << " more of a record whose beginning is not here, " << chunk.payload.size()
               << " bytes\n";
        if (begun_at_ && chunk.kind == ChunkKind::last) print_record();
        return;
    }
  }

  void print_record() {
    out_ << *begun_at_ << " record " << sequence_ << ", " << record_.size() << " bytes\n";
    begun_at_.reset();
    MutationDecoder decoder(record_);
    for (Mutation mutation; decoder.next(mutation);) out_ << "    " << mutation_text(mutation) << "\n";
    if (decoder.failed()) out_ << "    no batch of mutations: " << value_text(record_) << "\n";
  }

  const uint64_t file_bytes_;
  const std::string& path_;
  std::ostream& out_;
  SegmentReader reader_;
  uint64_t damaged_ = 0;
  std::optional<uint64_t> begun_at_;  // the record at hand
  Sequence sequence_ = 0;
  std::string record_;
};

}  // namespace

Result<uint64_t> inspect_log_segment(FileSystem& files, const std::string& path, std::ostream& out) {
  auto file = files.open(path);
  if (!file) return file.status();
  char bytes[segment_header_bytes];
  auto got = (*file)->read(0, bytes, sizeof bytes);
  if (!got) return got.status();
  const std::string_view front(bytes, *got);
  out << path << ": log segment, " << (*file)->size() << " bytes\n";
  if (segment_version(front) > version)
    return Status::error(ErrorKind::unsupported,
                         path + ": written by a newer sett (format " + std::to_string(segment_version(front)) + ")");
  if (!is_segment_header(front)) {
    // Its epoch is in every checksum.
    if (front.find_first_not_of('\0') == std::string_view::npos) {
      out << "0 no header: the file was made ready and not begun\n";
      return uint64_t{0};
    }
    print_damage(out, Status::corruption(path, 0, "the header, without which no chunk can be checked"));
    return uint64_t{1};
  }
  const SegmentHeader header = get_segment_header(bytes);
  out << "0 header: number " << header.number << ", epoch " << header.epoch << ", position " << header.start_position
      << ", follows record " << header.previous_sequence << ", first record " << header.first_sequence << ", made of "
      << header.blocks << " blocks\n";
  return SegmentPrinter(**file, header, path, out).run();
}

}  // namespace sett::storage
