#pragma once

#include <bit>
#include <cstring>
#include <string>
#include <string_view>

#include "storage/keys/mutation.h"

namespace sett::storage {

// Bucket and key as the one byte string that an ordered engine sorts by: the id, big-endian, in front of the key's
// bytes. Keys of a bucket lie together; ("a", "bc") and ("ab", "c") differ, whatever the bytes.
inline constexpr size_t bucket_prefix_bytes = 8;

inline void append_tree_key(std::string& out, BucketId bucket, std::string_view key) {
  static_assert(std::endian::native == std::endian::little);
  const uint64_t big_endian = __builtin_bswap64(bucket);
  char bytes[bucket_prefix_bytes];
  std::memcpy(bytes, &big_endian, sizeof bytes);
  out.append(bytes, sizeof bytes).append(key);
}
inline std::string tree_key(BucketId bucket, std::string_view key) {
  std::string out;
  out.reserve(bucket_prefix_bytes + key.size());
  append_tree_key(out, bucket, key);
  return out;
}
// Of a key that append_tree_key made.
inline BucketId bucket_of(std::string_view tree_key) {
  uint64_t big_endian;
  std::memcpy(&big_endian, tree_key.data(), sizeof big_endian);
  return __builtin_bswap64(big_endian);
}
inline std::string_view user_key(std::string_view tree_key) {
  return tree_key.substr(bucket_prefix_bytes);
}

}  // namespace sett::storage
