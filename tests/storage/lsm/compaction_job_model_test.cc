#include "storage/lsm/compaction_job.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "storage/base/random.h"
#include "storage/keys/time_index.h"
#include "storage/lsm/compaction_picker.h"
#include "tests/support/compaction_tree.h"

namespace sett::storage {

namespace {

// Writes, drops of buckets and passes of the time, and merges as they are picked: several at a time, ending in any
// order. Nothing that lives may change by a merge.
class History {
 public:
  explicit History(uint64_t seed) : random_(seed) {
    tree_.table_options.block_bytes = 50 + random_.below(300);
    tree_.table_bytes = 600 + random_.below(3000);
    options_ = {.level0_tables = static_cast<uint32_t>(1 + random_.below(4)),
                .table_bytes = tree_.table_bytes,
                .base_bytes = tree_.table_bytes * (1 + random_.below(4)),
                .level_multiplier = static_cast<uint32_t>(2 + random_.below(4)),
                .tombstones_share = 0.25,
                .garbage_share = 0.15};
    for (uint32_t slot = 0; slot < 4; ++slot) buckets_.push_back(make_bucket_id(++generation_, slot));
  }

  void run(int steps) {
    for (int step = 0; step < steps; ++step) {
      INFO("step " << step);
      if (random_.one_in(3)) flush();
      if (random_.one_in(20)) drop_bucket();
      if (random_.one_in(10)) tree_.passed_ms += static_cast<int64_t>(random_.below(100));
      start_merge(random_.one_in(4) && running_.empty());
      if (running_.size() >= 3 || random_.one_in(3)) end_merge();
      if (random_.one_in(10)) check();
    }
    come_to_rest();
    check();
  }

  size_t merges = 0, moves = 0, drops = 0, together = 0;

 private:
  void flush() {
    Entries entries;
    const uint64_t first = random_.below(300), count = 1 + random_.below(100);
    for (uint64_t at = first; at < first + count; ++at) {
      if (random_.one_in(3)) continue;
      const BucketId bucket = buckets_[at * buckets_.size() / 400];
      const std::string key = tree_key(bucket, std::to_string(1000 + at));
      const auto before = model_.find(key);
      const bool was_there = before != model_.end();
      ++sequence_;
      if (was_there && before->second.expires_at_ms > 0)
        say(entries, time_index_key(before->second.expires_at_ms, key), tombstone_of(sequence_));
      if (random_.one_in(3)) {
        if (was_there) say(entries, key, tombstone_of(sequence_));
        continue;
      }
      const int64_t due_ms = random_.one_in(4) ? tree_.passed_ms + 1 + static_cast<int64_t>(random_.below(200)) : 0;
      if (random_.one_in(5))
        say(entries, key,
            {TableEntry::Kind::pointer, sequence_, due_ms, {}, {1 + random_.below(3), sequence_ * 100, 500}});
      else
        say(entries, key, value_of(sequence_, std::string(random_.below(60), 'v'), due_ms));
      if (due_ms != 0) say(entries, time_index_key(due_ms, key), value_of(sequence_, "\1"));
    }
    if (!entries.empty()) tree_.add(0, entries);
  }

  void say(Entries& entries, const std::string& key, const Said& said) {
    entries[key] = said;
    if (said.kind == TableEntry::Kind::tombstone)
      model_.erase(key);
    else
      model_[key] = said;
  }

  void drop_bucket() {
    BucketId& bucket = buckets_[random_.below(buckets_.size())];
    tree_.dead.insert(bucket);
    bucket = make_bucket_id(++generation_, slot_of(bucket));
    // As an id that is new lies behind all others of the model's keys.
    std::sort(buckets_.begin(), buckets_.end());
  }

  bool lives(const std::string& key) const {
    if (!is_time_index_key(key)) return !tree_.dead.contains(bucket_of(key));
    return due_ms_of(key) > tree_.passed_ms && !tree_.dead.contains(bucket_of(due_key_of(key)));
  }

  bool start_merge(bool is_at_rest) {
    std::erase_if(model_, [this](const auto& one) { return !lives(one.first); });
    PickerInput input{.version = tree_.versions.current(),
                      .busy = busy_,
                      .is_dead = [dead = tree_.dead](BucketId bucket) { return dead.contains(bucket); },
                      .passed_ms = tree_.passed_ms,
                      .live_keys = model_.size(),
                      .is_at_rest = is_at_rest};
    auto plan = pick_compaction(options_, input);
    if (!plan) return false;
    for (const auto* tables : {&plan->inputs, &plan->targets})
      for (const TableFilePtr& table : *tables) REQUIRE(busy_.insert(table->number()).second);
    together = std::max(together, running_.size() + 1);
    running_.push_back(tree_.input(std::move(*plan)));
    return true;
  }

  void end_merge() {
    if (running_.empty()) return;
    const auto at = running_.begin() + static_cast<int64_t>(random_.below(running_.size()));
    CompactionInput input = std::move(*at);
    running_.erase(at);
    const CompactionPlan& plan = input.plan;
    INFO("from " << plan.from_level << " to " << plan.to_level << ": " << plan.reason);
    if (random_.one_in(2)) input.version = tree_.versions.current();
    VersionEdit edit;
    for (const auto* tables : {&plan.inputs, &plan.targets})
      for (const TableFilePtr& table : *tables) {
        edit.removed_tables.push_back(table->number());
        busy_.erase(table->number());
      }
    if (plan.kind == CompactionPlan::Kind::move) {
      ++moves;
      for (const TableFilePtr& table : plan.inputs) edit.added_tables.push_back({plan.to_level, table});
    } else if (plan.kind == CompactionPlan::Kind::merge) {
      ++merges;
      const auto outputs = run_compaction(tree_.tools(), input);
      REQUIRE(outputs.is_ok());
      for (const TableMeta& meta : outputs.value())
        edit.added_tables.push_back({plan.to_level, std::make_shared<const TableFile>(
                                                        tree_.versions.table_path(meta.number, meta.smallest), meta)});
    } else {
      ++drops;
    }
    REQUIRE(tree_.versions.apply(edit).is_ok());
  }

  void come_to_rest() {
    int plans = 0;
    while (!running_.empty()) end_merge();
    while (start_merge(true)) {
      end_merge();
      REQUIRE(++plans < 1000);
    }
    const VersionPtr version = tree_.versions.current();
    CHECK(version->largest_level0_group() < options_.level0_tables);
    for (int level = 0; level < levels_max; ++level)
      for (const TableFilePtr& table : version->level(level))
        for (const std::string* key : {&table->meta().smallest, &table->meta().largest})
          CHECK((is_time_index_key(*key) || lives(*key)));
    tree_.versions.remove_needless();
    CHECK(tree_.table_names().size() == version->table_count());
  }

  // What all tables say, the newest first of each key: lived and lives as the model says, nothing else does.
  void check() {
    const VersionPtr version = tree_.versions.current();
    std::map<std::string, Said> newest;
    std::map<std::string, Sequence> oldest;
    for (int level = 0; level < levels_max; ++level)
      for (const TableFilePtr& table : version->level(level))
        for (const auto& [key, said] : tree_.read(table->meta())) {
          newest.emplace(key, said);
          const auto [at, is_first] = oldest.emplace(key, said.sequence);
          if (!is_first) REQUIRE(at->second > said.sequence);
          at->second = said.sequence;
        }
    std::erase_if(newest, [this](const auto& one) {
      return !lives(one.first) || one.second.kind == TableEntry::Kind::tombstone;
    });
    std::erase_if(model_, [this](const auto& one) { return !lives(one.first); });
    REQUIRE(newest == model_);
  }

  Random random_;
  CompactionTree tree_;
  PickerOptions options_;
  std::vector<BucketId> buckets_;
  uint64_t generation_ = 0;
  Sequence sequence_ = 0;
  Entries model_;  // what lives, the time index too
  std::set<uint64_t> busy_;
  std::vector<CompactionInput> running_;
};

}  // namespace

TEST_CASE("whatever is merged in whatever order, what lives is the same, and the tree comes to rest") {
  size_t moves = 0, drops = 0, together = 0;
  for (uint64_t seed = 1; seed <= 30; ++seed) {
    INFO("seed " << seed);
    History history(seed);
    history.run(std::getenv("SETT_LONG") ? 3000 : 300);
    CHECK(history.merges > 20);
    moves += history.moves;
    drops += history.drops;
    together += history.together > 1;
  }
  CHECK(moves > 100);
  CHECK(drops > 30);
  CHECK(together > 20);
}

}  // namespace sett::storage
