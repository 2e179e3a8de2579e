#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/lsm/table_file.h"

namespace sett::storage {

inline constexpr int levels_max = 7;

// The tables of a moment. Level 0 is in order of age, newest first, and its tables may overlap; those of the others are
// in order of keys and do not. A newer entry of a key is never below an older one. Immutable: for any threads, as long
// as somebody has it.
class Version {
 public:
  using Tables = std::vector<TableFilePtr>;
  struct Added {
    int level = 0;
    TableFilePtr table;
  };

  Version() = default;  // no tables
  // `levels`: at most levels_max. In levels below 0 the tables may come in any order; that they do not overlap, and
  // that no table is there twice, is asserted (who reads a manifest has checked it).
  static std::shared_ptr<const Version> make(std::vector<Tables> levels);
  // Without the tables of these numbers, all of which are in it, and with those added. What is added to level 0 is
  // newer than all that is there, each one newer than those added before it. A table may be removed and added: it
  // moves.
  std::shared_ptr<const Version> with(const std::vector<uint64_t>& removed, const std::vector<Added>& added) const;

  const Tables& level(int level) const { return levels_[static_cast<size_t>(level)]; }
  // The only table of a level below 0 that can hold the key; nullptr: none can. As long as the version.
  const TableFilePtr* find_in_level(int level, std::string_view tree_key) const;
  // The same of any tables in order of keys that do not overlap; as long as they.
  static const TableFilePtr* find_in_run(const Tables& tables, std::string_view tree_key);
  // Those that may hold a key between the two, both included; in the level's order.
  Tables overlapping(int level, std::string_view smallest, std::string_view largest) const;
  // Of level 0, newest first, in as few runs as that order allows: the tables of a run are in order of keys and do not
  // overlap, and what an earlier run has of a key is newer.
  const std::vector<Tables>& level0_runs() const { return level0_runs_; }
  // Of level 0: tables that may have keys of the same bucket, straight or by way of others, are in one group, newest
  // first. Each group can be merged by itself.
  const std::vector<Tables>& level0_groups() const { return level0_groups_; }
  size_t largest_level0_group() const;
  // Whether a table in a level below this one may hold the key, by its ends alone.
  bool may_hold_below(int level, std::string_view tree_key) const;

  uint64_t bytes(int level) const { return bytes_[static_cast<size_t>(level)]; }  // of files
  uint64_t bytes() const;
  uint64_t entries() const { return entries_; }  // tombstones too
  uint64_t tombstones() const { return tombstones_; }
  size_t table_count() const;
  // By value-log file, what all tables together point to. Goes through all tables.
  std::map<uint64_t, uint64_t> value_bytes_in() const;

 private:
  void sort_and_count();
  void find_runs();
  void find_groups();

  std::array<Tables, levels_max> levels_;
  std::vector<Tables> level0_runs_, level0_groups_;
  std::array<uint64_t, levels_max> bytes_{};
  uint64_t entries_ = 0, tombstones_ = 0;
};
using VersionPtr = std::shared_ptr<const Version>;

// Whether tables of a level below 0, in order of keys, are as a version wants them: each with its ends in order, none
// over another. `meta_of` gives an element's TableMeta.
template <typename Elements, typename MetaOf>
bool are_disjoint(const Elements& tables, const MetaOf& meta_of) {
  const TableMeta* before = nullptr;
  for (const auto& table : tables) {
    const TableMeta& meta = meta_of(table);
    if (meta.smallest > meta.largest || (before && before->largest >= meta.smallest)) return false;
    before = &meta;
  }
  return true;
}

}  // namespace sett::storage
