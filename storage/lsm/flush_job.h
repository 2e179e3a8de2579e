#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/lsm/manifest.h"
#include "storage/lsm/part_merger.h"
#include "storage/lsm/tree_reader.h"
#include "storage/lsm/version_set.h"
#include "storage/table/table_writer.h"

namespace sett::storage {

// Sealed memtables, and what their entries stand on.
struct FlushInput {
  std::vector<PartMerger::Parts> memtables;  // from the newest to the oldest, none left out between
  VersionPtr version;                        // with everything older
  int64_t passed_ms = 0;                     // the time index says nothing of what was due by then
  std::function<bool(BucketId)> is_dead;     // no name is bound to it any more
  std::function<bool()> is_given_up;         // true: end early, with `closed`
};

// What is due when, as far as the flush changes it.
struct DueChange {
  int64_t due_ms = 0;
  std::string tree_key;
  uint64_t value_bytes = 0;
  bool is_due = false;  // else: no longer then
};

struct FlushResult {
  std::vector<TableMeta> tables;  // nothing was left to write: none; by bucket, if tables are (VersionSet::Folders)
  std::optional<VlogMeta> value_log;
  struct Delta {
    int64_t keys = 0, bytes = 0, expiring = 0;
  };
  std::map<BucketId, Delta> deltas;
  std::vector<DueChange> due_changes;
};

struct FlushTools {
  FileSystem& files;
  const TreeReader& reader;
  VersionSet& versions;  // for numbers and paths
  TableOptions table_options;
  uint64_t value_threshold = 0;  // values that grew above it go to a value log of the flush's own
  uint64_t seed = 0;             // of epochs
};

// Writes the table (or tables, by bucket) of sealed memtables, in the order of the keys, of each key what the newest
// says, and finds out on the way what that replaced. Blocks on the disk. The tables are synced, their names too; they
// are nobody's until an edit names them. After an error no file is left, as far as they can be removed.
Result<FlushResult> run_flush(const FlushTools& tools, const FlushInput& input);

}  // namespace sett::storage
