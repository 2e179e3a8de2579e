#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/base/bytes.h"
#include "storage/base/crc32c.h"

namespace sett::storage {

// The constants of a snapshot file, as README.md describes it ("Snapshot files"). Persisted: never changed, only added
// to.
inline constexpr std::string_view snapshot_magic = "settsnap";
inline constexpr uint32_t snapshot_version = 1;
inline constexpr uint64_t snapshot_header_bytes = 28;        // magic 8, version 4, shard 4, generation 8, checksum 4
inline constexpr uint64_t snapshot_block_header_bytes = 17;  // kind 1, stored 4, raw 4, entries 4, checksum 4
inline constexpr uint32_t snapshot_block_bytes_max = 1u << 31;

enum class SnapshotBlock : uint8_t { plain = 1, lz4 = 2, end = 3 };

// Every checksum covers where it stands, so that a block of another file or another place never passes for this one.
inline uint32_t snapshot_checksum(uint64_t generation, uint32_t shard, uint64_t block, std::string_view fields,
                                  std::string_view payload) {
  std::string seed;
  append_fixed(seed, generation);
  append_fixed(seed, shard);
  append_fixed(seed, block);
  return extend_crc32c(extend_crc32c(crc32c(seed), fields), payload);
}

inline std::string snapshot_file_name(uint64_t generation, uint32_t shard) {
  return std::to_string(generation) + "-" + std::to_string(shard) + ".snapshot";
}

}  // namespace sett::storage
