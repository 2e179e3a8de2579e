#include "storage/vlog/vlog_writer.h"

#include <cassert>

namespace sett::storage {

using namespace vlog_format;

std::string vlog_file_name(uint64_t number) {
  constexpr size_t digits = 20;
  const std::string text = std::to_string(number);
  return std::string(digits - text.size(), '0') + text + ".vlog";
}

Result<std::unique_ptr<VlogWriter>> VlogWriter::begin(std::unique_ptr<AppendFile> file, uint64_t number,
                                                      uint64_t epoch) {
  if (Status status = file->append(encode_file_header({number, epoch})); !status.is_ok()) return status;
  return std::unique_ptr<VlogWriter>(new VlogWriter(std::move(file), number, epoch));
}

Result<uint64_t> VlogWriter::append(std::string_view tree_key, std::string_view value, Sequence sequence) {
  assert(tree_key.size() <= UINT32_MAX && value.size() <= UINT32_MAX);
  const uint64_t offset = file_->size();
  // The value goes to the file from where it is: it may be large.
  std::string front(record_header_bytes, '\0');
  put_record_header(front.data(), epoch_, offset, tree_key, value, sequence);
  front.append(tree_key);
  if (Status status = file_->append(front); !status.is_ok()) return status;
  if (Status status = file_->append(value); !status.is_ok()) return status;
  ++records_;
  return offset;
}

Status VlogWriter::sync() {
  return file_->sync();
}

Status VlogWriter::seal() {
  if (Status status = file_->trim(); !status.is_ok()) return status;
  if (Status status = file_->sync(); !status.is_ok()) return status;
  return file_->close();
}

}  // namespace sett::storage
