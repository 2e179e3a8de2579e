#include "storage/vlog/vlog_reader.h"

#include <algorithm>

#include "storage/keys/tree_key.h"

namespace sett::storage {

using namespace vlog_format;

Result<std::shared_ptr<const VlogReader>> VlogReader::open(FileSystem& files, const std::string& path,
                                                           uint64_t number) {
  auto file = files.open(path);
  if (!file.is_ok()) return file.status();
  std::shared_ptr<VlogReader> reader(new VlogReader(std::move(file).value(), path, number));
  char bytes[file_header_bytes];
  const auto got = reader->file_->read(0, bytes, sizeof bytes);
  if (!got.is_ok()) return got.status();
  auto header = decode_file_header({bytes, got.value()}, path);
  if (!header.is_ok()) return header.status();
  if (header->number != number)
    return Status::corruption(path, 0, "the file is value log " + std::to_string(header->number));
  reader->epoch_ = header->epoch;
  return std::shared_ptr<const VlogReader>(std::move(reader));
}

Status VlogReader::check(std::string& record, uint64_t offset, std::string_view tree_key, uint64_t value_bytes) const {
  const RecordHeader header = get_record_header(record.data());
  if (header.key_bytes != tree_key.size() || header.value_bytes != value_bytes ||
      std::string_view(record).substr(record_header_bytes, tree_key.size()) != tree_key)
    return Status::corruption(path_, offset, "the record is not the one that the pointer means");
  if (!record_is_whole(record, epoch_, offset))
    return Status::corruption(path_, offset, "the checksum of a value is wrong");
  record.erase(0, record_header_bytes + tree_key.size());
  return {};
}

Result<std::string> VlogReader::read(uint64_t offset, std::string_view tree_key, uint64_t value_bytes) const {
  const uint64_t bytes = record_bytes(tree_key.size(), value_bytes);
  if (value_bytes > UINT32_MAX || offset > INT64_MAX - bytes)
    return Status::corruption(path_, offset, "a pointer names an impossible size");
  std::string record(bytes, '\0');
  const auto got = file_->read(offset, record.data(), bytes);
  if (!got.is_ok()) return got.status();
  if (got.value() != bytes) return Status::corruption(path_, offset, "the value log ends before its record does");
  if (Status status = check(record, offset, tree_key, value_bytes); !status.is_ok()) return status;
  return record;
}

Result<std::optional<std::string>> VlogReader::read_cached(uint64_t offset, std::string_view tree_key,
                                                           uint64_t value_bytes) const {
  // Larger ones take too long for who may not wait.
  constexpr uint64_t cached_bytes_max = 128u << 10;
  const uint64_t bytes = record_bytes(tree_key.size(), value_bytes);
  if (value_bytes > cached_bytes_max || bytes > cached_bytes_max || offset > INT64_MAX - bytes)
    return std::optional<std::string>();
  std::string record(bytes, '\0');
  if (file_->read_cached(offset, record.data(), bytes) != bytes) return std::optional<std::string>();
  if (Status status = check(record, offset, tree_key, value_bytes); !status.is_ok()) return status;
  return std::optional<std::string>(std::move(record));
}

Status VlogReader::check_place(uint64_t offset, std::string_view tree_key, uint64_t value_bytes) const {
  const uint64_t bytes = record_header_bytes + tree_key.size();
  if (value_bytes > UINT32_MAX || offset > file_->size() || bytes + value_bytes > file_->size() - offset)
    return Status::corruption(path_, offset, "the value log ends before its record does");
  std::string record(bytes, '\0');
  const auto got = file_->read(offset, record.data(), bytes);
  if (!got.is_ok()) return got.status();
  if (got.value() != bytes) return Status::corruption(path_, offset, "the value log ends before its record does");
  const RecordHeader header = get_record_header(record.data());
  if (header.key_bytes != tree_key.size() || header.value_bytes != value_bytes ||
      std::string_view(record).substr(record_header_bytes) != tree_key)
    return Status::corruption(path_, offset, "the record is not the one that the pointer means");
  return {};
}

VlogScanner::VlogScanner(std::shared_ptr<const VlogReader> reader, uint64_t end)
    : reader_(std::move(reader)), end_(end) {}

Status VlogScanner::damaged(const std::string& what) {
  valid_ = false;
  return Status::corruption(reader_->path_, offset_, what);
}

Status VlogScanner::next() {
  valid_ = false;
  offset_ = next_offset_;
  if (offset_ >= end_) return {};
  if (end_ - offset_ < record_header_bytes) return damaged("the value log ends within a record");
  record_.resize(record_header_bytes);
  auto got = reader_->file_->read(offset_, record_.data(), record_header_bytes);
  if (!got.is_ok()) return got.status();
  if (got.value() != record_header_bytes) return damaged("the value log ends within a record");
  header_ = get_record_header(record_.data());
  const uint64_t bytes = record_bytes(header_.key_bytes, header_.value_bytes);
  if (header_.key_bytes < bucket_prefix_bytes) return damaged("a record has no key of the tree");
  if (bytes > end_ - offset_) return damaged("the value log ends within a record, or its size is damaged");
  record_.resize(bytes);
  got = reader_->file_->read(offset_ + record_header_bytes, record_.data() + record_header_bytes,
                             bytes - record_header_bytes);
  if (!got.is_ok()) return got.status();
  if (got.value() != bytes - record_header_bytes) return damaged("the value log ends within a record");
  if (!record_is_whole(record_, reader_->epoch_, offset_)) return damaged("the checksum of a value is wrong");
  next_offset_ = offset_ + bytes;
  valid_ = true;
  return {};
}

// Whether a whole record begins there; then the scanner is at it. Few bytes look like a header: sizes that fit, and
// four zeroes.
Result<bool> VlogScanner::try_record(std::string_view header_bytes, uint64_t offset) {
  const RecordHeader header = get_record_header(header_bytes.data());
  const uint64_t bytes = record_bytes(header.key_bytes, header.value_bytes);
  if (header.key_bytes < bucket_prefix_bytes || bytes > end_ - offset || get_fixed<uint32_t>(header_bytes.data() + 12))
    return false;
  std::string record(bytes, '\0');
  const auto got = reader_->file_->read(offset, record.data(), bytes);
  if (!got.is_ok()) return got.status();
  if (got.value() != bytes || !record_is_whole(record, reader_->epoch_, offset)) return false;
  record_ = std::move(record);
  header_ = header;
  offset_ = offset;
  next_offset_ = offset + bytes;
  return valid_ = true;
}

Status VlogScanner::skip_damage() {
  constexpr uint64_t window_bytes = 1 << 20;
  std::string window;
  for (uint64_t begin = offset_ + 1; begin < end_;) {
    window.resize(std::min(window_bytes, end_ - begin));
    const auto got = reader_->file_->read(begin, window.data(), window.size());
    if (!got.is_ok()) return got.status();
    window.resize(got.value());
    if (window.size() < record_header_bytes) break;
    const uint64_t places = window.size() - record_header_bytes + 1;
    for (uint64_t at = 0; at < places; ++at) {
      const auto found = try_record(std::string_view(window).substr(at), begin + at);
      if (!found.is_ok()) return found.status();
      if (found.value()) return {};
    }
    begin += places;
  }
  offset_ = next_offset_ = end_;
  return {};
}

}  // namespace sett::storage
