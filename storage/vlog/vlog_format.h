#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "storage/base/bytes.h"
#include "storage/base/crc32c.h"
#include "storage/base/status.h"
#include "storage/keys/value_pointer.h"
#include "storage/log/journal.h"

// The value log on disk, as written down in storage/vlog/README.md#format. Every number here is persisted: none may
// ever change its meaning. Reader and writer share this file and nothing else.
namespace sett::storage::vlog_format {

inline constexpr std::string_view magic{"settvlog", 8};
inline constexpr uint32_t version = 1;
inline constexpr uint64_t file_header_bytes = 64;
inline constexpr uint64_t record_header_bytes = 24;
static_assert(record_header_bytes == value_record_header_bytes);
inline constexpr size_t header_checksum_at = 60;

struct FileHeader {
  uint64_t number = 0;  // that of the file's name
  uint64_t epoch = 0;   // random; seeds the checksums of the file's records
};

struct RecordHeader {
  uint32_t checksum = 0, key_bytes = 0, value_bytes = 0;
  Sequence sequence = 0;
};

inline uint64_t record_bytes(uint64_t key_bytes, uint64_t value_bytes) {
  return value_record_bytes(key_bytes, value_bytes);
}

//  0       8         12     16       24      32     60         64
//  | magic | version | zero | number | epoch | zero | checksum |
inline std::string encode_file_header(const FileHeader& header) {
  std::string out(magic);
  append_fixed<uint32_t>(out, version);
  append_fixed<uint32_t>(out, 0);
  append_fixed<uint64_t>(out, header.number);
  append_fixed<uint64_t>(out, header.epoch);
  out.resize(header_checksum_at);
  append_fixed<uint32_t>(out, crc32c(out));
  return out;
}

// `bytes`: the first file_header_bytes of a file.
inline Result<FileHeader> decode_file_header(std::string_view bytes, const std::string& path) {
  if (bytes.size() < file_header_bytes || !bytes.starts_with(magic))
    return Status::corruption(path, 0, "the file does not begin like a value log");
  const auto found_version = get_fixed<uint32_t>(bytes.data() + 8);
  if (found_version > version)
    return Status::error(ErrorKind::unsupported, path + ": written by a newer sett (format " +
                                                     std::to_string(found_version) + ", this one reads up to " +
                                                     std::to_string(version) + ")");
  if (get_fixed<uint32_t>(bytes.data() + header_checksum_at) != crc32c(bytes.substr(0, header_checksum_at)))
    return Status::corruption(path, 0, "the checksum of the value log's header is wrong");
  if (found_version != version) return Status::corruption(path, 0, "the version of the value log is impossible");
  return FileHeader{get_fixed<uint64_t>(bytes.data() + 16), get_fixed<uint64_t>(bytes.data() + 24)};
}

inline uint32_t record_checksum_seed(uint64_t epoch, uint64_t offset) {
  char seed[16];
  put_fixed<uint64_t>(seed, epoch);
  put_fixed<uint64_t>(seed + 8, offset);
  return crc32c({seed, sizeof seed});
}

//  0          4           8             12     16         24    24 + key bytes
//  | checksum | key bytes | value bytes | zero | sequence | key | value
inline void put_record_header(char* at, uint64_t epoch, uint64_t offset, std::string_view key, std::string_view value,
                              Sequence sequence) {
  put_fixed<uint32_t>(at + 4, static_cast<uint32_t>(key.size()));
  put_fixed<uint32_t>(at + 8, static_cast<uint32_t>(value.size()));
  put_fixed<uint32_t>(at + 12, 0);
  put_fixed<uint64_t>(at + 16, sequence);
  uint32_t checksum = extend_crc32c(record_checksum_seed(epoch, offset), {at + 4, record_header_bytes - 4});
  checksum = extend_crc32c(checksum, key);
  put_fixed<uint32_t>(at, extend_crc32c(checksum, value));
}

// `bytes`: at least record_header_bytes.
inline RecordHeader get_record_header(const char* bytes) {
  return {get_fixed<uint32_t>(bytes), get_fixed<uint32_t>(bytes + 4), get_fixed<uint32_t>(bytes + 8),
          get_fixed<uint64_t>(bytes + 16)};
}

// `record`: all of its bytes.
inline bool record_is_whole(std::string_view record, uint64_t epoch, uint64_t offset) {
  return get_fixed<uint32_t>(record.data()) == extend_crc32c(record_checksum_seed(epoch, offset), record.substr(4));
}

}  // namespace sett::storage::vlog_format
