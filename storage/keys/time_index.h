#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "storage/keys/tree_key.h"

namespace sett::storage {

// The keys of the time index (storage/lsm/README.md): the reserved bucket, when a key is due, and that key. They lie
// behind all other keys of the tree, in the order of time.
inline constexpr BucketId time_index_bucket = UINT64_MAX;
inline constexpr size_t time_index_prefix_bytes = bucket_prefix_bytes + sizeof(int64_t);

inline std::string time_index_key(int64_t due_ms, std::string_view tree_key) {
  static_assert(std::endian::native == std::endian::little);
  const uint64_t big_endian = __builtin_bswap64(static_cast<uint64_t>(due_ms));
  std::string out;
  out.reserve(time_index_prefix_bytes + tree_key.size());
  append_tree_key(out, time_index_bucket, {reinterpret_cast<const char*>(&big_endian), sizeof big_endian});
  return out.append(tree_key);
}
inline bool is_time_index_key(std::string_view tree_key) {
  return bucket_of(tree_key) == time_index_bucket;
}
// Of a key of the time index.
inline int64_t due_ms_of(std::string_view index_key) {
  uint64_t big_endian;
  std::memcpy(&big_endian, index_key.data() + bucket_prefix_bytes, sizeof big_endian);
  return static_cast<int64_t>(__builtin_bswap64(big_endian));
}
inline std::string_view due_key_of(std::string_view index_key) {
  return index_key.substr(time_index_prefix_bytes);
}

}  // namespace sett::storage
