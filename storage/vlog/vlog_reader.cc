#include "storage/vlog/vlog_reader.h"

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

}  // namespace sett::storage
