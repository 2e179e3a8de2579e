#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "storage/lsm/compaction_picker.h"
#include "storage/lsm/version_set.h"
#include "storage/table/table_writer.h"

namespace sett::storage {

struct CompactionTools {
  FileSystem& files;
  VersionSet& versions;  // for numbers and paths
  TableOptions table_options;
  uint64_t table_bytes = 64ull << 20;  // an output ends soon after it has so many
  uint64_t seed = 0;                   // of epochs
};

struct CompactionInput {
  CompactionPlan plan;  // a merge
  VersionPtr version;   // that the plan was made of
  std::function<bool(BucketId)> is_dead;
  int64_t passed_ms = 0;                     // the time index up to then is needless
  std::function<Status(uint64_t)> throttle;  // told of bytes read and written; may wait; not ok: the merge is given up
};

// Merges the tables of the plan: of each key the newest entry, unless it is needless (README.md). Blocks on the disk.
// The outputs are synced, their names too; they are nobody's until an edit names them. After an error none is left, as
// far as they can be removed.
Result<std::vector<TableMeta>> run_compaction(const CompactionTools& tools, const CompactionInput& input);

}  // namespace sett::storage
