#include "storage/lsm/version.h"

#include <algorithm>
#include <cassert>
#include <numeric>
#include <string_view>
#include <unordered_set>

#include "storage/keys/tree_key.h"

namespace sett::storage {

namespace {

[[maybe_unused]] const TableMeta& meta_of(const TableFilePtr& table) {
  return table->meta();
}

// The first table that does not end before the key.
Version::Tables::const_iterator first_not_before(const Version::Tables& tables, std::string_view tree_key) {
  return std::lower_bound(tables.begin(), tables.end(), tree_key,
                          [](const TableFilePtr& table, std::string_view key) { return table->meta().largest < key; });
}

}  // namespace

void Version::sort_and_count() {
  for (size_t level = 0; level < levels_.size(); ++level) {
    Tables& tables = levels_[level];
    if (level > 0) {
      std::sort(tables.begin(), tables.end(), [](const TableFilePtr& left, const TableFilePtr& right) {
        return left->meta().smallest < right->meta().smallest;
      });
      assert(are_disjoint(tables, meta_of));
    }
    for (const TableFilePtr& table : tables) {
      bytes_[level] += table->meta().file_bytes;
      entries_ += table->meta().entries;
      tombstones_ += table->meta().tombstones;
    }
  }
  find_runs();
  find_groups();
#ifndef NDEBUG
  std::unordered_set<uint64_t> numbers;
  for (const Tables& tables : levels_)
    for (const TableFilePtr& table : tables) assert(numbers.insert(table->number()).second);
#endif
}

void Version::find_runs() {
  for (const TableFilePtr& table : level(0)) {
    bool fits = !level0_runs_.empty();
    if (fits) {
      Tables& run = level0_runs_.back();
      const auto at = first_not_before(run, table->meta().smallest);
      fits = at == run.end() || table->meta().largest < (*at)->meta().smallest;
      if (fits) run.insert(at, table);
    }
    if (!fits) level0_runs_.push_back({table});
  }
}

void Version::find_groups() {
  const auto bucket_prefix = [](std::string_view tree_key) { return tree_key.substr(0, bucket_prefix_bytes); };
  const Tables& tables = level(0);
  std::vector<size_t> by_key(tables.size());  // indices
  std::iota(by_key.begin(), by_key.end(), size_t{0});
  std::sort(by_key.begin(), by_key.end(),
            [&](size_t a, size_t b) { return tables[a]->meta().smallest < tables[b]->meta().smallest; });
  std::vector<std::vector<size_t>> groups;
  std::string_view last_bucket;  // of the group at hand
  for (const size_t at : by_key) {
    const TableMeta& meta = tables[at]->meta();
    if (groups.empty() || bucket_prefix(meta.smallest) > last_bucket) groups.emplace_back();
    groups.back().push_back(at);
    last_bucket = std::max(last_bucket, bucket_prefix(meta.largest));
  }
  for (std::vector<size_t>& group : groups) {
    std::sort(group.begin(), group.end());
    Tables& members = level0_groups_.emplace_back();
    for (const size_t at : group) members.push_back(tables[at]);
  }
}

size_t Version::largest_level0_group() const {
  size_t largest = 0;
  for (const Tables& group : level0_groups_) largest = std::max(largest, group.size());
  return largest;
}

VersionPtr Version::make(std::vector<Tables> levels) {
  assert(levels.size() <= levels_max);
  const auto version = std::make_shared<Version>();
  std::move(levels.begin(), levels.end(), version->levels_.begin());
  version->sort_and_count();
  return version;
}

VersionPtr Version::with(const std::vector<uint64_t>& removed, const std::vector<Added>& added) const {
  const std::unordered_set<uint64_t> gone(removed.begin(), removed.end());
  const auto version = std::make_shared<Version>();
  for (const Added& one : added)
    if (one.level == 0) version->levels_[0].insert(version->levels_[0].begin(), one.table);
  size_t removed_count = 0;
  for (size_t level = 0; level < levels_.size(); ++level)
    for (const TableFilePtr& table : levels_[level]) {
      if (gone.contains(table->number()))
        ++removed_count;
      else
        version->levels_[level].push_back(table);
    }
  assert(removed_count == gone.size());
  for (const Added& one : added) {
    assert(one.level >= 0 && one.level < levels_max);
    if (one.level > 0) version->levels_[static_cast<size_t>(one.level)].push_back(one.table);
  }
  version->sort_and_count();
  return version;
}

const TableFilePtr* Version::find_in_run(const Tables& tables, std::string_view tree_key) {
  const auto at = first_not_before(tables, tree_key);
  return at != tables.end() && (*at)->may_hold(tree_key) ? &*at : nullptr;
}

const TableFilePtr* Version::find_in_level(int level, std::string_view tree_key) const {
  assert(level > 0);
  return find_in_run(this->level(level), tree_key);
}

Version::Tables Version::overlapping(int level, std::string_view smallest, std::string_view largest) const {
  const Tables& tables = this->level(level);
  Tables found;
  for (auto at = level == 0 ? tables.begin() : first_not_before(tables, smallest); at != tables.end(); ++at) {
    if ((*at)->overlaps(smallest, largest))
      found.push_back(*at);
    else if (level > 0)
      break;
  }
  return found;
}

bool Version::may_hold_below(int level, std::string_view tree_key) const {
  for (int below = level + 1; below < levels_max; ++below)
    if (find_in_level(below, tree_key)) return true;
  return false;
}

uint64_t Version::bytes() const {
  uint64_t sum = 0;
  for (const uint64_t bytes : bytes_) sum += bytes;
  return sum;
}

size_t Version::table_count() const {
  size_t count = 0;
  for (const Tables& tables : levels_) count += tables.size();
  return count;
}

std::map<uint64_t, uint64_t> Version::value_bytes_in() const {
  std::map<uint64_t, uint64_t> sums;
  for (const Tables& tables : levels_)
    for (const TableFilePtr& table : tables)
      for (const auto& [file, bytes] : table->meta().value_bytes_in) sums[file] += bytes;
  return sums;
}

}  // namespace sett::storage
