#include "storage/lsm/compaction_picker.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "storage/base/random.h"
#include "storage/keys/tree_key.h"

namespace sett::storage {

namespace {

using Kind = CompactionPlan::Kind;

// A hundred places to a bucket, of ids from 1 on.
std::string key_of(uint64_t at) {
  return tree_key(1 + at / 100, std::to_string(100 + at % 100));
}

std::vector<uint64_t> numbers(const Version::Tables& tables) {
  std::vector<uint64_t> all;
  for (const TableFilePtr& table : tables) all.push_back(table->number());
  return all;
}

// Tables as sets of keys, and merges of them as compaction_job.h does them, but in no time.
class Sets {
 public:
  using Keys = std::map<uint64_t, bool>;  // place -> is a tombstone

  explicit Sets(uint64_t seed) : random_(seed) {
    options_ = {.level0_tables = static_cast<uint32_t>(1 + random_.below(5)),
                .table_bytes = 10 + random_.below(400),
                .base_bytes = 10 + random_.below(2000),
                .level_multiplier = static_cast<uint32_t>(1 + random_.below(10)),
                .tombstones_share = static_cast<double>(random_.below(100)) / 100,
                .garbage_share = static_cast<double>(random_.below(50)) / 100};
    std::vector<Version::Tables> levels(levels_max);
    const uint64_t level_last = 1 + random_.below(levels_max - 1);
    for (uint64_t level = 0; level <= level_last; ++level) {
      if (random_.one_in(3)) continue;
      const uint64_t tables = level == 0 ? random_.below(6) : 1;
      for (uint64_t i = 0; i < tables; ++i)
        for (const TableFilePtr& table : cut(some_keys(), level > 0)) levels[level].push_back(table);
    }
    version_ = Version::make(std::move(levels));
    for (BucketId bucket = 1; bucket <= 6; ++bucket)
      if (random_.one_in(3)) dead_.insert(bucket);
  }

  // Runs up to three plans at a time, ending in any order, until there is none.
  void run() {
    is_at_rest_ = false;
    for (int i = 0; i < 20000; ++i) {
      if (running_.size() < 3 && start()) {
        if (random_.one_in(2)) continue;
      } else if (running_.empty()) {
        if (is_at_rest_) return check_rest();
        is_at_rest_ = true;
        continue;
      }
      end(random_.below(running_.size()));
    }
    FAIL("no end");
  }

  // The same for what somebody asks for.
  void run_wish() {
    MergeWish wish{.through = random_.one_in(2) ? last_number_ : random_.below(last_number_ + 1),
                   .below_number = last_number_ + 1,
                   .smallest = {},
                   .largest = {},
                   .for_values = random_.one_in(3)};
    if (random_.one_in(3)) {
      wish.smallest = key_of(random_.below(600));
      wish.largest = wish.smallest + key_of(random_.below(600));
    }
    wish_ = wish;
    is_at_rest_ = false;
    for (int i = 0; i < 20000; ++i) {
      if (running_.size() < 3 && start()) {
        if (random_.one_in(2)) continue;
      } else if (running_.empty()) {
        wish_.reset();
        return check_granted(wish);
      }
      end(random_.below(running_.size()));
    }
    FAIL("no end");
  }

 private:
  Keys some_keys() {
    Keys keys;
    const uint64_t first = random_.below(600), count = 1 + random_.below(600 - first);
    const uint64_t tombstones = 1 + random_.below(10), sparse = 1 + random_.below(5);
    for (uint64_t at = first; at < first + count; ++at)
      if (at == first || random_.one_in(sparse)) keys[at] = random_.one_in(tombstones);
    return keys;
  }

  Version::Tables cut(const Keys& keys, bool is_cut, Sequence sequence = 0) {
    Version::Tables tables;
    const uint64_t keys_max = is_cut ? 1 + options_.table_bytes / 10 : keys.size();
    for (auto at = keys.begin(); at != keys.end();) {
      Keys part;
      while (at != keys.end() && part.size() < keys_max) part.insert(*at++);
      tables.push_back(add(part, sequence));
    }
    return tables;
  }

  TableFilePtr add(const Keys& keys, Sequence sequence) {
    TableMeta meta{.number = ++last_number_, .file_bytes = keys.size() * 10, .entries = keys.size()};
    meta.first_sequence = sequence != 0 ? sequence : meta.number;
    if (random_.one_in(2)) meta.value_bytes_in = {{1, 1}};
    for (const auto& [at, is_tombstone] : keys) meta.tombstones += is_tombstone;
    meta.smallest = key_of(keys.begin()->first);
    meta.largest = key_of(keys.rbegin()->first);
    keys_[meta.number] = keys;
    return std::make_shared<const TableFile>("/t", std::move(meta));
  }

  bool start() {
    auto plan = pick_compaction(options_, {.version = version_,
                                           .busy = busy_,
                                           .is_dead = [this](BucketId bucket) { return dead_.contains(bucket); },
                                           .live_keys = live_keys(),
                                           .is_at_rest = is_at_rest_ && running_.empty(),
                                           .wish = wish_});
    if (!plan) return false;
    check_plan(*plan);
    for (const auto* tables : {&plan->inputs, &plan->targets})
      for (const TableFilePtr& table : *tables) REQUIRE(busy_.insert(table->number()).second);
    running_.push_back(std::move(*plan));
    return true;
  }

  static std::pair<std::string, std::string> ends(const CompactionPlan& plan) {
    std::pair<std::string, std::string> found(plan.inputs[0]->meta().smallest, plan.inputs[0]->meta().largest);
    for (const auto* tables : {&plan.inputs, &plan.targets})
      for (const TableFilePtr& table : *tables) {
        found.first = std::min(found.first, table->meta().smallest);
        found.second = std::max(found.second, table->meta().largest);
      }
    return found;
  }

  void check_plan(const CompactionPlan& plan) {
    INFO(plan.reason << " from " << plan.from_level << " to " << plan.to_level);
    REQUIRE_FALSE(plan.inputs.empty());
    REQUIRE(plan.to_level < levels_max);
    REQUIRE((plan.kind == Kind::merge || plan.targets.empty()));
    if (plan.kind == Kind::drop) return;
    const auto [smallest, largest] = ends(plan);
    if (plan.from_level == 0) {
      const auto& groups = version_->level0_groups();
      REQUIRE(std::any_of(groups.begin(), groups.end(),
                          [&](const Version::Tables& group) { return numbers(group) == numbers(plan.inputs); }));
    }
    if (plan.from_level != plan.to_level)
      REQUIRE(numbers(plan.targets) == numbers(version_->overlapping(plan.to_level, smallest, largest)));
    else
      REQUIRE(plan.from_level > 0);
    for (int between = plan.from_level + 1; between < plan.to_level; ++between)
      REQUIRE(version_->level(between).empty());
    for (const CompactionPlan& other : running_) {
      if (other.kind == Kind::drop || other.to_level != plan.to_level) continue;
      const auto [its_smallest, its_largest] = ends(other);
      REQUIRE((its_largest < smallest || largest < its_smallest));
    }
  }

  void end(uint64_t at) {
    const CompactionPlan plan = std::move(running_[at]);
    running_.erase(running_.begin() + static_cast<int64_t>(at));
    const uint64_t before = weight();
    std::vector<uint64_t> removed;
    std::vector<Version::Added> added;
    Keys merged;
    Sequence first_sequence = UINT64_MAX;
    for (const auto* tables : {&plan.inputs, &plan.targets})
      for (const TableFilePtr& table : *tables) {
        removed.push_back(table->number());
        busy_.erase(table->number());
        first_sequence = std::min(first_sequence, table->meta().first_sequence);
        merged.insert(keys_.at(table->number()).begin(), keys_.at(table->number()).end());
      }
    if (plan.kind == Kind::move)
      for (const TableFilePtr& table : plan.inputs) added.push_back({plan.to_level, table});
    if (plan.kind == Kind::merge) {
      std::erase_if(merged, [&](const auto& one) {
        const std::string key = key_of(one.first);
        return dead_.contains(bucket_of(key)) || (one.second && !version_->may_hold_below(plan.to_level, key));
      });
      for (const TableFilePtr& table : cut(merged, true, first_sequence)) added.push_back({plan.to_level, table});
    }
    version_ = version_->with(removed, added);
    INFO(plan.reason << " from " << plan.from_level << " to " << plan.to_level);
    // What is written again because somebody asks for it may all be needed; then it has other numbers.
    if (plan.from_level != plan.to_level || !wish_) REQUIRE(weight() < before);
  }

  // What must fall with each plan, so that there is an end.
  uint64_t weight() const {
    uint64_t sum = 0;
    for (int level = 0; level < levels_max; ++level)
      for (const TableFilePtr& table : version_->level(level))
        sum += table->meta().entries * static_cast<uint64_t>(levels_max - level);
    return sum;
  }

  uint64_t live_keys() const {
    Keys newest;
    for (int level = 0; level < levels_max; ++level)
      for (const TableFilePtr& table : version_->level(level))
        newest.insert(keys_.at(table->number()).begin(), keys_.at(table->number()).end());
    return static_cast<uint64_t>(std::count_if(newest.begin(), newest.end(), [this](const auto& one) {
      return !one.second && !dead_.contains(bucket_of(key_of(one.first)));
    }));
  }

  void check_rest() const {
    CHECK(version_->largest_level0_group() < options_.level0_tables);
    const double wanted = static_cast<double>(live_keys()) * (1 + options_.garbage_share);
    const bool has_garbage = static_cast<double>(version_->entries()) > wanted + 64;
    if (has_garbage) CHECK(version_->level(0).empty());
    for (int level = 0; level < levels_max; ++level)
      for (const TableFilePtr& table : version_->level(level)) {
        const TableMeta& meta = table->meta();
        CHECK_FALSE(dead_.contains(bucket_of(meta.smallest)));
        CHECK_FALSE(dead_.contains(bucket_of(meta.largest)));
        CHECK(static_cast<double>(meta.tombstones) <= options_.tombstones_share * static_cast<double>(meta.entries));
        if (!has_garbage) continue;
        CHECK(meta.tombstones == 0);
        for (int below = level + 1; below < levels_max; ++below)
          CHECK(version_->overlapping(below, meta.smallest, meta.largest).empty());
      }
  }

  void check_granted(const MergeWish& wish) const {
    const bool is_everything = wish.smallest.empty();
    for (int level = 0; level < levels_max; ++level)
      for (const TableFilePtr& table : version_->level(level)) {
        const TableMeta& meta = table->meta();
        if (!is_everything && (meta.largest < wish.smallest || wish.largest < meta.smallest)) continue;
        if (meta.first_sequence > wish.through) continue;
        bool is_over_values = false, is_over_something = false;
        for (int below = level + 1; below < levels_max; ++below)
          for (const TableFilePtr& other : version_->overlapping(below, meta.smallest, meta.largest)) {
            is_over_something = true;
            is_over_values = is_over_values || !other->meta().value_bytes_in.empty();
          }
        CHECK_FALSE(is_over_values);
        if (wish.for_values) {
          if (!is_over_something && !meta.value_bytes_in.empty()) CHECK_FALSE(has_dead(table));
          continue;
        }
        CHECK(level > 0);
        CHECK_FALSE(is_over_something);
        CHECK(meta.tombstones == 0);
        CHECK_FALSE(has_dead(table));
      }
  }
  bool has_dead(const TableFilePtr& table) const {
    const Keys& keys = keys_.at(table->number());
    return std::any_of(keys.begin(), keys.end(),
                       [this](const auto& one) { return dead_.contains(bucket_of(key_of(one.first))); });
  }

  Random random_;
  std::optional<MergeWish> wish_;
  PickerOptions options_;
  std::map<uint64_t, Keys> keys_;
  VersionPtr version_;
  std::set<uint64_t> busy_;
  std::set<BucketId> dead_;
  std::vector<CompactionPlan> running_;
  uint64_t last_number_ = 0;
  bool is_at_rest_ = false;
};

}  // namespace

TEST_CASE("from any version on, plans are apart from each other, get something done, and come to an end") {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    Sets(seed).run();
  }
}

TEST_CASE("what somebody asks for is done, at once or after all else, and comes to an end") {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    INFO("seed " << seed);
    Sets sets(seed);
    if (seed % 2 == 0) sets.run();
    sets.run_wish();
    sets.run();
  }
}

}  // namespace sett::storage
