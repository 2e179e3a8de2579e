#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "storage/keys/mutation.h"
#include "storage/lsm/version.h"

namespace sett::storage {

// A table that lies over more than so many times the bytes of a whole one in the level below is cut, where keys allow.
inline constexpr uint64_t overlapped_tables_max = 10;

struct PickerOptions {
  uint32_t level0_tables = 1;          // from so many on a group of level 0 is merged into the next
  uint64_t table_bytes = 64ull << 20;  // of a table that a merge makes
  uint64_t base_bytes = 256ull << 20;  // of the first level below 0 that is in use, at most
  uint32_t level_multiplier = 10;      // a level is so many times as large as the one above
  double tombstones_share = 0.25;      // at rest a table with more of them than this is merged
  double garbage_share = 0.15;         // at rest merges go on until less of all entries than this is needless
};

// Somebody asks for all that is needless in the tables of a moment to go, whatever it takes. What is written later is
// none of it, so it comes to an end also while writes go on.
struct MergeWish {
  Sequence through = 0;           // of the last entry that was in a table then
  uint64_t below_number = 0;      // of the tables that there were then
  std::string smallest, largest;  // tree keys: tables that may hold one between them, both included; "" and "": all
  bool for_values = false;        // only as far as it shows which values in value logs are dead
};

// What the choice stands on.
struct PickerInput {
  VersionPtr version;
  std::set<uint64_t> busy;                // tables that a merge is at, as input or target
  std::function<bool(BucketId)> is_dead;  // no name is bound to it
  int64_t passed_ms = 0;                  // the time index up to then is needless
  uint64_t live_keys = 0;                 // in all tables together, by each key's newest entry
  bool is_at_rest = false;                // nothing else wants the disk
  std::optional<MergeWish> wish;
};

struct CompactionPlan {
  enum class Kind : uint8_t {
    merge,
    move,  // nothing overlaps below: the tables change their level as they are
    drop,  // nothing in them lives
  };
  Kind kind = Kind::merge;
  int from_level = 0, to_level = 0;
  Version::Tables inputs;   // of from_level, in the version's order
  Version::Tables targets;  // of to_level, what the inputs overlap
  std::string_view reason;  // for who looks on
};

// Which tables to merge next, if any: a pure function. No plan shares a table with the busy ones, and none reaches, in
// the level that it writes to, into the keys of one that is under way.
std::optional<CompactionPlan> pick_compaction(const PickerOptions& options, const PickerInput& input);

}  // namespace sett::storage
