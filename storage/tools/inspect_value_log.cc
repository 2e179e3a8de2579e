#include "storage/tools/inspect.h"
#include "storage/tools/text.h"
#include "storage/vlog/vlog_reader.h"

namespace sett::storage {

namespace {

// The number that the header says, right or not.
Result<uint64_t> number_of(const RandomAccessFile& file) {
  char bytes[vlog_format::file_header_bytes];
  const auto got = file.read(0, bytes, sizeof bytes);
  if (!got.is_ok()) return got.status();
  return got.value() == sizeof bytes ? get_fixed<uint64_t>(bytes + 16) : uint64_t{0};
}

// Whether a file has nothing but zeroes from there on: room that was allocated ahead.
Result<bool> is_unused(const RandomAccessFile& file, uint64_t offset) {
  std::string window(1 << 20, '\0');
  while (offset < file.size()) {
    const auto got = file.read(offset, window.data(), window.size());
    if (!got.is_ok()) return got.status();
    if (got.value() == 0) break;
    if (std::string_view(window).substr(0, got.value()).find_first_not_of('\0') != std::string_view::npos) return false;
    offset += got.value();
  }
  return true;
}

}  // namespace

Result<uint64_t> inspect_value_log(FileSystem& files, const std::string& path, std::ostream& out) {
  auto file = files.open(path);
  if (!file) return file.status();
  const auto number = number_of(**file);
  if (!number.is_ok()) return number.status();
  out << path << ": value log, " << (*file)->size() << " bytes\n";
  auto reader = VlogReader::open(files, path, number.value());
  if (!reader && reader.status().kind() != ErrorKind::corruption) return reader.status();
  if (!reader) {
    print_damage(out, reader.status());
    return uint64_t{1};
  }
  out << "0 header: number " << number.value() << ", epoch " << (*reader)->epoch() << "\n";
  VlogScanner scanner(*reader, (*file)->size());
  uint64_t damaged = 0;
  for (Status status = scanner.next();; status = scanner.next()) {
    if (!status && status.kind() != ErrorKind::corruption) return status;
    if (!status) {
      const auto unused = is_unused(**file, scanner.offset());
      if (!unused.is_ok()) return unused.status();
      if (unused.value()) {
        out << scanner.offset() << " zeroes to the end of the file: " << (*file)->size() - scanner.offset()
            << " bytes not used yet\n";
        return damaged;
      }
      ++damaged;
      print_damage(out, status);
      if (Status skipped = scanner.skip_damage(); !skipped) return skipped;
    }
    if (!scanner.valid()) return damaged;
    out << scanner.offset() << " " << tree_key_text(scanner.tree_key()) << " sequence " << scanner.sequence() << " = "
        << value_text(scanner.value()) << "\n";
  }
}

}  // namespace sett::storage
