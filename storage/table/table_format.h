#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/status.h"

// A table on disk, as written down in storage/table/README.md#format. Every number here is persisted: none may ever
// change its meaning. Reader and writer share this file and nothing else.
namespace sett::storage::table_format {

inline constexpr std::string_view magic{"setttabl", 8};
inline constexpr uint32_t version = 1;
inline constexpr uint64_t footer_bytes = 64;
inline constexpr uint64_t trailer_bytes = 9;
inline constexpr uint32_t blocks_per_section_max = 64;
// Of one block, before compression and after: far more than any is, for who reads a damaged handle.
inline constexpr uint64_t block_bytes_max = 3ull << 30;

enum class Compression : uint8_t { none = 0, lz4 = 1 };

// Where a block's payload lies in its file, and how many bytes it takes there without its trailer.
struct BlockHandle {
  uint64_t offset = 0;
  uint64_t stored_bytes = 0;
  uint64_t end() const { return offset + stored_bytes + trailer_bytes; }
  friend bool operator==(const BlockHandle&, const BlockHandle&) = default;
};

struct Footer {
  uint64_t number = 0;  // that of the file's name
  uint64_t epoch = 0;   // random; seeds the checksums of the table's blocks
  BlockHandle partitions, properties;
};

std::string encode_footer(const Footer& footer);
// `bytes`: the last footer_bytes of the file. unsupported: a newer version.
Result<Footer> decode_footer(std::string_view bytes, const std::string& path, uint64_t offset);

// Appends the payload (at most block_bytes_max), compressed where that is wanted and pays, and its trailer. `offset`:
// where in the file of the table with that epoch it will lie. The handle tells how much it is.
BlockHandle append_block(std::string& out, std::string_view payload, Compression wanted, uint64_t epoch,
                         uint64_t offset);
// `stored`: what the handle names, with the trailer behind it. Checked, decompressed.
Result<std::string> open_block(std::string_view stored, const BlockHandle& handle, uint64_t epoch,
                               const std::string& path);

// Where a block's index is damaged: the block that begins at the front of `bytes`, which lie at `offset` in the file,
// found by its checksum alone. nullopt: none of these bytes ends one.
std::optional<BlockHandle> find_block(std::string_view bytes, uint64_t epoch, uint64_t offset);

// (value-log file, bytes of its records that are pointed to), each file once, ascending.
using ValueBytesIn = std::vector<std::pair<uint64_t, uint64_t>>;

struct Properties {
  uint64_t entries = 0, tombstones = 0, pointers = 0, expiring = 0;
  uint64_t key_bytes = 0, value_bytes = 0;
  uint64_t first_sequence = 0, last_sequence = 0;
  uint64_t first_expiry_ms = 0;   // the earliest; 0: nothing expires
  std::string smallest, largest;  // tree keys
  ValueBytesIn value_bytes_in;    // what the table's pointers name
  friend bool operator==(const Properties&, const Properties&) = default;
};

// Later versions may add fields: what is not known is passed over.
std::string encode_properties(const Properties& properties);
bool decode_properties(std::string_view payload, Properties& properties);

}  // namespace sett::storage::table_format
