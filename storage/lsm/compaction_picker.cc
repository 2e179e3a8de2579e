#include "storage/lsm/compaction_picker.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "storage/keys/time_index.h"

// Why this comes to an end: no plan adds entries, and each but a drop takes entries to a deeper level or, where a table
// is written again in its own level, is chosen only if an entry of it is sure to go. So the sum over all entries of the
// levels that they have still below them falls with every plan. Where somebody asks for it a table is also written
// again if an entry of it may go: then once, as what comes of it has a higher number.

namespace sett::storage {

namespace {

using Kind = CompactionPlan::Kind;

constexpr uint64_t garbage_entries_min = 64;  // fewer are not worth a merge

uint64_t bytes_of(const Version::Tables& tables) {
  uint64_t bytes = 0;
  for (const TableFilePtr& table : tables) bytes += table->meta().file_bytes;
  return bytes;
}
uint64_t entries_of(const Version::Tables& tables) {
  uint64_t entries = 0;
  for (const TableFilePtr& table : tables) entries += table->meta().entries;
  return entries;
}

// Sizes from the deepest level up, so that nearly all data lies in it, whatever there is: each level may have a
// multiplier's share of the one below, and those that would get too little are left out (Dong, Callaghan, Galanis,
// Borthakur, Savor, Strum: Optimizing Space Amplification in RocksDB, 2017).
struct LevelSizes {
  int base = levels_max - 1;  // level 0 is merged into this one; those between are empty
  std::array<uint64_t, levels_max> wanted{};
};

LevelSizes level_sizes(const PickerOptions& options, const Version& version) {
  LevelSizes sizes;
  uint64_t bytes = 0;
  for (int level = levels_max - 1; level > 0; --level) {
    bytes = std::max(bytes, version.bytes(level));
    if (!version.level(level).empty()) sizes.base = level;
  }
  const uint64_t multiplier = std::max<uint64_t>(options.level_multiplier, 2);
  for (int level = levels_max - 1; level > sizes.base; --level) bytes /= multiplier;
  while (sizes.base > 1 && bytes > options.base_bytes) {
    --sizes.base;
    bytes /= multiplier;
  }
  bytes = std::clamp<uint64_t>(bytes, options.base_bytes / multiplier + 1, std::max<uint64_t>(options.base_bytes, 1));
  for (int level = sizes.base; level < levels_max; ++level) {
    sizes.wanted[static_cast<size_t>(level)] = std::max(bytes, options.base_bytes);
    bytes = bytes > UINT64_MAX / multiplier ? UINT64_MAX : bytes * multiplier;
  }
  return sizes;
}

class Picker {
 public:
  Picker(const PickerOptions& options, const PickerInput& input)
      : options_(options), input_(input), version_(*input.version), sizes_(level_sizes(options, version_)) {}

  std::optional<CompactionPlan> pick() const {
    if (auto plan = drop()) return plan;
    bool is_full = false;
    if (auto plan = merge_fullest(is_full)) return plan;
    if (input_.wish) {
      if (auto plan = grant(*input_.wish)) return plan;
    }
    if (is_full || !input_.is_at_rest) return std::nullopt;
    if (auto plan = clear_dead_ends()) return plan;
    if (auto plan = clear_tombstones(options_.tombstones_share)) return plan;
    if (!has_garbage()) return std::nullopt;
    if (auto plan = merge_deepest_overlap()) return plan;
    if (auto plan = merge_level0("garbage")) return plan;
    return clear_tombstones(0);
  }

 private:
  using MaybePlan = std::optional<CompactionPlan>;

  bool is_busy(const TableFilePtr& table) const { return input_.busy.contains(table->number()); }
  bool is_any_busy(const Version::Tables& tables) const {
    return std::any_of(tables.begin(), tables.end(), [this](const TableFilePtr& table) { return is_busy(table); });
  }

  // Tables of which nothing lives.
  MaybePlan drop() const {
    for (int level = 0; level < levels_max; ++level) {
      CompactionPlan plan{.kind = Kind::drop, .from_level = level, .to_level = level, .reason = "nothing lives"};
      for (const TableFilePtr& table : version_.level(level))
        if (!is_busy(table) && is_dead_throughout(table->meta())) plan.inputs.push_back(table);
      if (!plan.inputs.empty()) return plan;
    }
    return std::nullopt;
  }
  bool is_dead_throughout(const TableMeta& meta) const {
    if (is_time_index_key(meta.smallest))
      return meta.largest.size() >= time_index_prefix_bytes && due_ms_of(meta.largest) <= input_.passed_ms;
    return bucket_of(meta.smallest) == bucket_of(meta.largest) && is_dead_bucket_of(meta.smallest);
  }
  bool is_dead_bucket_of(std::string_view key) const {
    return !is_time_index_key(key) && input_.is_dead(bucket_of(key));
  }

  // `is_full`: a level has more than it should, though it may have to wait.
  MaybePlan merge_fullest(bool& is_full) const {
    struct Score {
      int level;
      double score;
    };
    std::vector<Score> scores;
    const size_t level0_tables = std::max<uint32_t>(options_.level0_tables, 1);
    scores.push_back({0, static_cast<double>(version_.largest_level0_group()) / static_cast<double>(level0_tables)});
    for (int level = sizes_.base; level + 1 < levels_max; ++level) {
      uint64_t bytes = 0;  // what busy tables have is on its way down
      for (const TableFilePtr& table : version_.level(level))
        if (!is_busy(table)) bytes += table->meta().file_bytes;
      scores.push_back(
          {level, static_cast<double>(bytes) / static_cast<double>(sizes_.wanted[static_cast<size_t>(level)])});
    }
    std::stable_sort(scores.begin(), scores.end(), [](const Score& a, const Score& b) { return a.score > b.score; });
    bool is_base_awaited = false;
    for (const auto& [level, score] : scores) {
      if (score < 1) break;
      is_full = true;
      if (level == sizes_.base && is_base_awaited) continue;
      if (auto plan = level == 0 ? merge_level0("level 0 has enough tables", level0_tables) : merge_cheapest(level))
        return plan;
      // Other merges out of the base level would keep level 0 waiting for ever.
      if (level == 0) is_base_awaited = is_group_waiting(level0_tables);
    }
    return std::nullopt;
  }

  // A whole group of level 0, so that nothing older than an input stays behind: the largest that can be had, of those
  // with so many tables.
  MaybePlan merge_level0(std::string_view reason, size_t tables_min = 1) const {
    MaybePlan best;
    for (const Version::Tables& group : version_.level0_groups()) {
      if (group.size() < tables_min || (best && group.size() <= best->inputs.size())) continue;
      if (auto plan = merge_group(group, reason)) best = std::move(plan);
    }
    return best;
  }
  MaybePlan merge_group(const Version::Tables& group, std::string_view reason) const {
    if (is_any_busy(group)) return std::nullopt;
    return merge_down(0, sizes_.base, group, reason);
  }
  MaybePlan merge_group_of(const TableFilePtr& table, std::string_view reason) const {
    for (const Version::Tables& group : version_.level0_groups())
      if (std::find(group.begin(), group.end(), table) != group.end()) return merge_group(group, reason);
    return std::nullopt;
  }
  // With enough tables, and no merge is at it.
  bool is_group_waiting(size_t tables_min) const {
    const auto& groups = version_.level0_groups();
    return std::any_of(groups.begin(), groups.end(),
                       [&](const Version::Tables& group) { return group.size() >= tables_min && !is_any_busy(group); });
  }

  // Of the tables of a level the one whose merge writes least for what it brings; the oldest of equals.
  MaybePlan merge_cheapest(int level) const {
    MaybePlan best;
    double best_cost = 0;
    for (const TableFilePtr& table : version_.level(level)) {
      auto plan = merge_one(level, table, "the level is full");
      if (!plan) continue;
      const double cost = static_cast<double>(bytes_of(plan->targets)) /
                          static_cast<double>(std::max<uint64_t>(table->meta().file_bytes, 1));
      if (best && (cost > best_cost || (cost == best_cost && table->number() > best->inputs[0]->number()))) continue;
      best_cost = cost;
      best = std::move(plan);
    }
    return best;
  }

  MaybePlan merge_one(int level, const TableFilePtr& table, std::string_view reason) const {
    if (is_busy(table)) return std::nullopt;
    return merge_down(level, level + 1, {table}, reason);
  }

  // None: what the inputs overlap is busy.
  MaybePlan merge_down(int from, int to, const Version::Tables& inputs, std::string_view reason) const {
    const auto [smallest, largest] = ends_of(inputs);
    CompactionPlan plan{.from_level = from, .to_level = to, .inputs = inputs, .reason = reason};
    plan.targets = version_.overlapping(to, smallest, largest);
    if (is_any_busy(plan.targets)) return std::nullopt;
    if (plan.targets.empty() && can_move(inputs, to)) plan.kind = Kind::move;
    return plan;
  }

  static std::pair<std::string_view, std::string_view> ends_of(const Version::Tables& tables) {
    std::pair<std::string_view, std::string_view> ends(tables[0]->meta().smallest, tables[0]->meta().largest);
    for (const TableFilePtr& table : tables) {
      ends.first = std::min<std::string_view>(ends.first, table->meta().smallest);
      ends.second = std::max<std::string_view>(ends.second, table->meta().largest);
    }
    return ends;
  }

  // A table that lies over too much of the level below its new one would make a large merge later: it is cut now.
  bool can_move(Version::Tables tables, int to) const {
    std::sort(tables.begin(), tables.end(),
              [](const TableFilePtr& a, const TableFilePtr& b) { return a->meta().smallest < b->meta().smallest; });
    if (!are_disjoint(tables, [](const TableFilePtr& table) -> const TableMeta& { return table->meta(); }))
      return false;
    return to + 1 == levels_max || std::all_of(tables.begin(), tables.end(), [&](const TableFilePtr& table) {
             const auto below = version_.overlapping(to + 1, table->meta().smallest, table->meta().largest);
             return bytes_of(below) <= overlapped_tables_max * options_.table_bytes;
           });
  }

  // A table whose first or last key is sure to go when it is written again.
  MaybePlan clear_dead_ends() const {
    for (int level = levels_max - 1; level >= 0; --level)
      for (const TableFilePtr& table : version_.level(level)) {
        if (is_busy(table)) continue;
        if (!is_dead_bucket_of(table->meta().smallest) && !is_dead_bucket_of(table->meta().largest)) continue;
        if (auto plan = level == 0 ? merge_group_of(table, "dead buckets") : rewrite(level, table, "dead buckets"))
          return plan;
      }
    return std::nullopt;
  }

  static CompactionPlan rewrite(int level, const TableFilePtr& table, std::string_view reason) {
    return {.kind = Kind::merge, .from_level = level, .to_level = level, .inputs = {table}, .reason = reason};
  }

  // The table that has the largest share of them, if that is more than this. Where nothing below overlaps it, it is
  // written again without them; else they go down.
  MaybePlan clear_tombstones(double share) const {
    MaybePlan best;
    double best_share = share;
    for (int level = levels_max - 1; level >= 0; --level)
      for (const TableFilePtr& table : version_.level(level)) {
        const TableMeta& meta = table->meta();
        const double its_share =
            static_cast<double>(meta.tombstones) / static_cast<double>(std::max<uint64_t>(meta.entries, 1));
        if (is_busy(table) || its_share <= best_share) continue;
        MaybePlan plan;
        if (level == 0)
          plan = merge_group_of(table, "tombstones");
        else if (is_over_something(level, meta))
          plan = merge_one(level, table, "tombstones");
        else
          plan = rewrite(level, table, "tombstones");
        if (!plan) continue;
        best_share = its_share;
        best = std::move(plan);
      }
    return best;
  }

  bool is_over_something(int level, const TableMeta& meta) const {
    for (int below = level + 1; below < levels_max; ++below)
      if (!version_.overlapping(below, meta.smallest, meta.largest).empty()) return true;
    return false;
  }

  // --- What somebody asks for

  // From the top down, so that what comes from above is there when a table is merged.
  MaybePlan grant(const MergeWish& wish) const {
    for (const TableFilePtr& table : version_.level(0))
      if (concerns(wish, table->meta()) &&
          (!wish.for_values || is_by_values(table) || may_hold_needless(wish, table->meta()))) {
        if (auto plan = merge_group_of(table, "asked for")) return plan;
      }
    for (int level = 1; level < levels_max; ++level)
      for (const TableFilePtr& table : version_.level(level)) {
        const TableMeta& meta = table->meta();
        if (is_busy(table) || !concerns(wish, meta)) continue;
        if (is_over_something(level, meta)) {
          if (wish.for_values && !is_over_values(level, meta)) continue;
          if (auto plan = merge_one(level, table, "asked for")) return plan;
        } else if (may_hold_needless(wish, meta)) {
          return rewrite(level, table, "asked for");
        }
      }
    return std::nullopt;
  }

  static bool concerns(const MergeWish& wish, const TableMeta& meta) {
    const bool is_everything = wish.smallest.empty() && wish.largest.empty();
    return meta.first_sequence <= wish.through &&
           (is_everything || (meta.smallest <= wish.largest && wish.smallest <= meta.largest));
  }

  // Of a table that lies over nothing: whether anything of it may go. Whether its ends' buckets are dead says nothing
  // of those between them.
  bool may_hold_needless(const MergeWish& wish, const TableMeta& meta) const {
    if (wish.for_values && meta.value_bytes_in.empty()) return false;
    if (meta.tombstones > 0 && !wish.for_values) return true;
    if (meta.number >= wish.below_number) return false;
    if (is_time_index_key(meta.smallest))
      return meta.smallest.size() >= time_index_prefix_bytes && due_ms_of(meta.smallest) <= input_.passed_ms;
    return bucket_of(meta.smallest) != bucket_of(meta.largest);
  }

  bool is_over_values(int level, const TableMeta& meta) const {
    for (int below = level + 1; below < levels_max; ++below) {
      const auto tables = version_.overlapping(below, meta.smallest, meta.largest);
      if (std::any_of(tables.begin(), tables.end(), has_values)) return true;
    }
    return false;
  }
  // Of a table of level 0: whether one that it overlaps points to values.
  bool is_by_values(const TableFilePtr& table) const {
    const TableMeta& meta = table->meta();
    const auto level0 = version_.overlapping(0, meta.smallest, meta.largest);
    return is_over_values(0, meta) || std::any_of(level0.begin(), level0.end(), [&](const TableFilePtr& other) {
             return other != table && has_values(other);
           });
  }
  static bool has_values(const TableFilePtr& table) { return !table->meta().value_bytes_in.empty(); }

  bool has_garbage() const {
    const double wanted = static_cast<double>(input_.live_keys) * (1 + options_.garbage_share);
    return static_cast<double>(version_.entries()) > wanted + garbage_entries_min;
  }

  // Of the deepest level that lies over others, the table that may lose most entries for what is read and written.
  MaybePlan merge_deepest_overlap() const {
    for (int level = levels_max - 2; level > 0; --level) {
      MaybePlan best;
      double best_gain = 0;
      for (const TableFilePtr& table : version_.level(level)) {
        const TableMeta& meta = table->meta();
        if (!is_over_something(level, meta)) continue;
        auto plan = merge_one(level, table, "garbage");
        if (!plan) continue;
        const uint64_t entries = meta.tombstones + std::min(meta.entries, entries_of(plan->targets));
        const uint64_t bytes = plan->kind == Kind::move ? 0 : meta.file_bytes + bytes_of(plan->targets);
        const double gain = static_cast<double>(entries + 1) / static_cast<double>(bytes + 1);
        if (best && gain <= best_gain) continue;
        best_gain = gain;
        best = std::move(plan);
      }
      if (best) return best;
    }
    return std::nullopt;
  }

  const PickerOptions& options_;
  const PickerInput& input_;
  const Version& version_;
  const LevelSizes sizes_;
};

}  // namespace

std::optional<CompactionPlan> pick_compaction(const PickerOptions& options, const PickerInput& input) {
  return Picker(options, input).pick();
}

}  // namespace sett::storage
