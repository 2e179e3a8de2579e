#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "storage/base/bytes.h"
#include "storage/base/crc32c.h"
#include "storage/log/journal.h"

// The log on disk, as written down in storage/log/README.md#the-format. Every number here is persisted: none may
// ever change its meaning. Reader and writer share this file and nothing else.
namespace sett::storage::log_format {

inline constexpr std::string_view magic{"settlog\n", 8};
inline constexpr uint32_t version = 1;

inline constexpr uint64_t block_bytes = 32768;
inline constexpr uint64_t segment_header_bytes = 64;
inline constexpr uint64_t chunk_header_bytes = 15;
inline constexpr uint64_t sequence_bytes = 8;
// With less than this left in a block the rest is zeroes, so that the sequence of a record is never torn apart.
inline constexpr uint64_t chunk_room_bytes_min = chunk_header_bytes + sequence_bytes;
static_assert(block_bytes - chunk_header_bytes <= 0xFFFF, "the length of a chunk is 16 bits");
static_assert(segment_header_bytes + chunk_room_bytes_min <= block_bytes);

enum class ChunkKind : uint8_t {
  // 0 is what unwritten space reads as: never a kind.
  full = 1,    // sequence and a whole record
  first = 2,   // sequence and the beginning of a record
  middle = 3,  // more of it
  last = 4,    // the end of it
  mark = 5,    // nothing: carries the mark forward
  closed = 6,  // nothing: a clean close, the last chunk of its file; the file may end behind it
};
inline constexpr uint8_t chunk_kind_max = 6;

struct SegmentHeader {
  uint64_t epoch = 0;   // random; seeds the checksums of the segment's chunks
  uint64_t number = 0;  // that of the file's name
  uint64_t start_position =
      0;  // where in the whole log the file begins; all before it was synced when this was written
  Sequence previous_sequence = 0;  // of the last record that began before this segment and counts
  Sequence first_sequence = 0;     // of the first record that begins here or later
  uint32_t blocks = 0;             // that the file was made with, before this was written
  uint64_t made_bytes() const { return blocks * block_bytes; }
};

//  0        8         12      16      24       32      40         48      56      60         64
//  | magic  | version | zero  | epoch | number | start | previous | first | blocks | checksum |
inline void put_segment_header(char* at, const SegmentHeader& header) {
  std::memset(at, 0, segment_header_bytes);
  std::memcpy(at, magic.data(), magic.size());
  put_fixed<uint32_t>(at + 8, version);
  put_fixed<uint64_t>(at + 16, header.epoch);
  put_fixed<uint64_t>(at + 24, header.number);
  put_fixed<uint64_t>(at + 32, header.start_position);
  put_fixed<uint64_t>(at + 40, header.previous_sequence);
  put_fixed<uint64_t>(at + 48, header.first_sequence);
  put_fixed<uint32_t>(at + 56, header.blocks);
  put_fixed<uint32_t>(at + 60, crc32c({at, 60}));
}

// The version that a file with our magic names, right or not; 0 for any other file. Both stay where they are in all
// versions.
inline uint32_t segment_version(std::string_view bytes) {
  return bytes.size() >= segment_header_bytes && bytes.starts_with(magic) ? get_fixed<uint32_t>(bytes.data() + 8) : 0;
}
// Of our version: magic and checksum are right.
inline bool is_segment_header(std::string_view bytes) {
  return bytes.size() >= segment_header_bytes && bytes.starts_with(magic) &&
         get_fixed<uint32_t>(bytes.data() + 60) == crc32c(bytes.substr(0, 60));
}
// Of a header of our version.
inline SegmentHeader get_segment_header(const char* at) {
  return {get_fixed<uint64_t>(at + 16), get_fixed<uint64_t>(at + 24), get_fixed<uint64_t>(at + 32),
          get_fixed<uint64_t>(at + 40), get_fixed<uint64_t>(at + 48), get_fixed<uint32_t>(at + 56)};
}

// A chunk's checksum covers the epoch, the position of the chunk in the log, and its bytes behind the checksum.
inline uint32_t epoch_checksum(uint64_t epoch) {
  char bytes[8];
  put_fixed(bytes, epoch);
  return crc32c({bytes, sizeof bytes});
}
inline uint32_t chunk_checksum(uint32_t epoch_checksum, uint64_t position, std::string_view behind) {
  char bytes[8];
  put_fixed(bytes, position);
  return extend_crc32c(extend_crc32c(epoch_checksum, {bytes, sizeof bytes}), behind);
}

//  0          4        6      7      15
//  | checksum | length | kind | mark | payload ...
inline void put_chunk_header(char* at, uint32_t epoch_checksum, uint64_t position, ChunkKind kind, uint64_t mark,
                             uint64_t payload_bytes) {
  put_fixed<uint16_t>(at + 4, static_cast<uint16_t>(payload_bytes));
  put_fixed<uint8_t>(at + 6, static_cast<uint8_t>(kind));
  put_fixed<uint64_t>(at + 7, mark);
  put_fixed<uint32_t>(at, chunk_checksum(epoch_checksum, position, {at + 4, chunk_header_bytes - 4 + payload_bytes}));
}

struct Chunk {
  ChunkKind kind;
  uint64_t mark;
  std::string_view payload;
  uint64_t bytes() const { return chunk_header_bytes + payload.size(); }
};
// How long a chunk at the front of `bytes` (which end with the block or with the file) would be; 0: by its fields there
// is none. For the rest the checksum has to be computed.
inline uint64_t claimed_chunk_bytes(std::string_view bytes, uint64_t position) {
  if (bytes.size() < chunk_header_bytes) return 0;
  const auto kind = get_fixed<uint8_t>(bytes.data() + 6);
  if (kind == 0 || kind > chunk_kind_max || get_fixed<uint64_t>(bytes.data() + 7) > position) return 0;
  const uint64_t claimed = chunk_header_bytes + get_fixed<uint16_t>(bytes.data() + 4);
  return claimed <= bytes.size() ? claimed : 0;
}
// The chunk at the front of `bytes`, if there is a valid one.
inline std::optional<Chunk> get_chunk(std::string_view bytes, uint32_t epoch_checksum, uint64_t position) {
  if (claimed_chunk_bytes(bytes, position) == 0) return std::nullopt;
  const auto length = get_fixed<uint16_t>(bytes.data() + 4);
  const auto kind = get_fixed<uint8_t>(bytes.data() + 6);
  const auto mark = get_fixed<uint64_t>(bytes.data() + 7);
  const auto behind = bytes.substr(4, chunk_header_bytes - 4 + length);
  if (get_fixed<uint32_t>(bytes.data()) != chunk_checksum(epoch_checksum, position, behind)) return std::nullopt;
  const Chunk chunk{static_cast<ChunkKind>(kind), mark, bytes.substr(chunk_header_bytes, length)};
  const bool begins = chunk.kind == ChunkKind::full || chunk.kind == ChunkKind::first;
  if (begins && length < sequence_bytes) return std::nullopt;
  return chunk;
}

inline constexpr std::string_view segment_suffix = ".wal";
inline constexpr uint64_t segment_digits = 20;

inline constexpr std::string_view unfinished_suffix = ".new";  // behind the name of a segment that is being made

// 7 -> "00000000000000000007.wal": names sort as numbers do.
inline std::string segment_name(uint64_t number) {
  std::string digits = std::to_string(number);
  return std::string(segment_digits - digits.size(), '0').append(digits).append(segment_suffix);
}
// Empty for any other name.
inline std::optional<uint64_t> segment_number(std::string_view name) {
  if (name.size() != segment_digits + segment_suffix.size() || !name.ends_with(segment_suffix)) return std::nullopt;
  uint64_t number = 0;
  for (const char c : name.substr(0, segment_digits)) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<uint64_t>(c - '0');
  }
  if (segment_name(number) != name) return std::nullopt;  // more than 64 bits
  return number;
}

// Whether a segment was being made under this name; nothing in such a file counts.
inline bool is_unfinished_name(std::string_view name) {
  return name.ends_with(unfinished_suffix) && segment_number(name.substr(0, name.size() - unfinished_suffix.size()));
}

}  // namespace sett::storage::log_format
