#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/io/file_system.h"
#include "storage/keys/mutation.h"
#include "storage/log/journal.h"
#include "storage/lsm/table_file.h"

namespace sett::storage {

// What a bucket holds in all tables together, by each key's newest entry; expired or not.
struct BucketTotals {
  uint64_t keys = 0, bytes = 0, expiring = 0;  // bytes: of keys (without the bucket's id) and values
  friend bool operator==(const BucketTotals&, const BucketTotals&) = default;
};

struct VlogMeta {
  uint64_t number = 0;
  uint64_t file_bytes = 0;  // where what counts ended as of the last flush; only the log knows of more
  friend bool operator==(const VlogMeta&, const VlogMeta&) = default;
};

// All that has to be known before the first table is opened. Replaced as a whole; format in README.md ("The manifest").
struct TreeManifest {
  uint64_t next_file_number = 1;   // above all that ever named a file
  Sequence flushed_through = 0;    // all up to this is in the tables; the log is replayed from behind it
  Sequence log_reaches = 0;        // the log had this record, synced: one that ends before it has lost its end
  int64_t passed_ms = 0;           // what was due by then is gone, and so is the time index up to there
  int64_t judged_ms = 0;           // nothing that was due by then is ever alive again, be it there or not
  int64_t created_ms = 0;          // the store; wall clock, like the next
  int64_t last_snapshot_ms = 0;    // 0: never
  uint64_t bucket_generation = 0;  // the highest ever used in a BucketId
  std::map<std::string, BucketId, std::less<>> buckets;  // as of flushed_through, and so are the totals
  std::map<BucketId, BucketTotals> totals;
  std::vector<std::vector<TableMeta>> levels;  // as a Version has them
  std::vector<VlogMeta> value_logs;
  friend bool operator==(const TreeManifest&, const TreeManifest&) = default;
};

std::string encode_tree_manifest(const TreeManifest& manifest);
// `file` is for the error. What comes back can be made a Version: levels, their order and all numbers are checked.
Result<TreeManifest> decode_tree_manifest(std::string_view bytes, const std::string& file);

inline constexpr std::string_view tree_manifest_name = "MANIFEST", tree_manifest_magic = "settbadg";
inline constexpr uint64_t tree_manifest_bytes_max = 1ull << 30;  // a few hundred bytes for each table
// nullopt: there is none.
Result<std::optional<TreeManifest>> read_tree_manifest(FileSystem& files, const std::string& directory);
// When this returns ok the new one is on disk; after an error it is the old or the new one.
Status write_tree_manifest(FileSystem& files, const std::string& directory, const TreeManifest& manifest);

}  // namespace sett::storage
