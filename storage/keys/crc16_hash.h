#pragma once

#include <cstdint>
#include <string_view>

namespace sett::storage {

// CRC-16/XMODEM over the key, or over the part between the first '{' and the next '}' where that is not empty: the hash
// slots of Redis Cluster, so that keys with one {tag} share a shard. 16 bits, enough for any allowed number of shards.
uint64_t crc16_hash(std::string_view key);

}  // namespace sett::storage
