#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "storage/io/file_system.h"
#include "storage/keys/mutation.h"
#include "storage/log/journal.h"

namespace sett::storage {

// What last_state/MANIFEST says: which snapshot is the state, how it was made, and where in the log the rest begins.
// Replaced as a whole; format in README.md ("Manifest").
struct Manifest {
  uint64_t generation = 0;  // of the snapshot files
  int64_t created_ms = 0;   // wall clock
  uint32_t shards = 0;
  std::string hash;
  Sequence begin = 0;              // all up to this is in the files; the log is replayed from behind it
  Sequence end = 0;                // the walk was over here: some of what lies between is in the files too
  Sequence log_reaches = 0;        // the log had this record, synced: one that ends before it has lost its end
  int64_t expiry_floor_ms = 0;     // what was due by then is gone for good
  uint64_t bucket_generation = 0;  // the highest ever used in a BucketId
  std::map<std::string, BucketId, std::less<>> buckets;  // as of `begin`
};

std::string encode_manifest(const Manifest& manifest);
// `file` is for the error.
Result<Manifest> decode_manifest(std::string_view bytes, const std::string& file);

inline constexpr std::string_view manifest_name = "MANIFEST", manifest_magic = "settmani";
inline constexpr uint64_t manifest_bytes_max = 64 << 20;  // 4096 names of 255 bytes are some 1 MB
// nullopt: there is none.
Result<std::optional<Manifest>> read_manifest(FileSystem& files, const std::string& directory);
Status write_manifest(FileSystem& files, const std::string& directory, const Manifest& manifest);

}  // namespace sett::storage
