#include "storage/lsm/compaction_picker.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "storage/keys/time_index.h"

namespace sett::storage {
namespace {

using Kind = CompactionPlan::Kind;
using Numbers = std::vector<uint64_t>;

// A hundred places to a bucket, of ids from 1 on.
std::string key_of(uint64_t at) {
  return tree_key(1 + at / 100, std::to_string(100 + at % 100));
}

TableFilePtr make_table(TableMeta meta) {
  return std::make_shared<const TableFile>("/t", std::move(meta));
}
TableFilePtr make_table(uint64_t number, uint64_t first, uint64_t last, uint64_t file_bytes = 10,
                        uint64_t tombstones = 0) {
  return make_table({.number = number,
                     .file_bytes = file_bytes,
                     .entries = 100,
                     .tombstones = tombstones,
                     .smallest = key_of(first),
                     .largest = key_of(last)});
}

Numbers numbers(const Version::Tables& tables) {
  Numbers all;
  for (const TableFilePtr& table : tables) all.push_back(table->number());
  return all;
}

// In short: what, from where to where, which tables onto which.
struct Picked {
  Kind kind;
  int from, to;
  Numbers inputs, targets;
  friend bool operator==(const Picked&, const Picked&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Picked& picked) {
    out << "kind " << static_cast<int>(picked.kind) << " from " << picked.from << " to " << picked.to << ':';
    for (const uint64_t number : picked.inputs) out << ' ' << number;
    out << " on";
    for (const uint64_t number : picked.targets) out << ' ' << number;
    return out;
  }
};
using MaybePicked = std::optional<Picked>;

struct Fixture {
  explicit Fixture(std::vector<Version::Tables> levels) : version(Version::make(std::move(levels))) {
    for (int level = 0; level < levels_max; ++level)
      for (const TableFilePtr& table : version->level(level)) live_keys += table->meta().entries;
  }

  MaybePicked pick() const {
    const auto plan = pick_compaction(options, {.version = version,
                                                .busy = busy,
                                                .is_dead = [this](BucketId bucket) { return dead.contains(bucket); },
                                                .passed_ms = passed_ms,
                                                .live_keys = live_keys,
                                                .is_at_rest = is_at_rest});
    if (!plan) return std::nullopt;
    CHECK_FALSE(plan->reason.empty());
    return Picked{plan->kind, plan->from_level, plan->to_level, numbers(plan->inputs), numbers(plan->targets)};
  }

  PickerOptions options{.level0_tables = 2, .table_bytes = 10, .base_bytes = 100, .level_multiplier = 10};
  VersionPtr version;
  std::set<uint64_t> busy;
  std::set<BucketId> dead;
  int64_t passed_ms = 0;
  uint64_t live_keys = 0;
  bool is_at_rest = false;
};

}  // namespace

TEST_CASE("level 0 is merged when it has enough tables, all at once, and first of all into the deepest level") {
  CHECK(Fixture({{make_table(1, 0, 10)}}).pick() == std::nullopt);
  CHECK(Fixture({{make_table(2, 5, 10), make_table(1, 0, 7)}}).pick() == Picked{Kind::merge, 0, 6, {2, 1}, {}});
  CHECK(Fixture({{make_table(2, 0, 4), make_table(1, 5, 7)}}).pick() == Picked{Kind::move, 0, 6, {2, 1}, {}});
  Fixture over({{make_table(9, 50, 60), make_table(8, 20, 30)},
                {},
                {},
                {},
                {},
                {},
                {make_table(1, 0, 19), make_table(2, 21, 22), make_table(3, 40, 41), make_table(4, 60, 70),
                 make_table(5, 71, 80)}});
  CHECK(over.pick() == Picked{Kind::merge, 0, 6, {9, 8}, {2, 3, 4}});
  over.busy = {3};
  CHECK(over.pick() == std::nullopt);
  over.busy = {1, 5};
  CHECK(over.pick() == Picked{Kind::merge, 0, 6, {9, 8}, {2, 3, 4}});
  over.busy = {8};
  CHECK(over.pick() == std::nullopt);
}

TEST_CASE("the levels in use grow upwards with what the deepest one has") {
  const auto base_of = [](uint64_t deepest_bytes) {
    return Fixture(
               {{make_table(9, 5, 6), make_table(8, 5, 6)}, {}, {}, {}, {}, {}, {make_table(1, 0, 10, deepest_bytes)}})
        .pick()
        ->to;
  };
  CHECK(base_of(1) == 6);
  CHECK(base_of(100) == 6);
  CHECK(base_of(101) == 5);
  CHECK(base_of(1009) == 5);
  CHECK(base_of(1010) == 4);
  CHECK(base_of(100'000) == 3);
  CHECK(base_of(10'000'000) == 1);
  CHECK(base_of(UINT64_MAX / 2) == 1);
  // What is in use stays in use: nothing may be left out between level 0 and the one that it is merged into.
  Fixture upper(
      {{make_table(9, 5, 6), make_table(8, 5, 6)}, {}, {make_table(2, 0, 4, 50)}, {}, {}, {}, {make_table(1, 0, 10)}});
  CHECK(upper.pick() == Picked{Kind::merge, 0, 2, {9, 8}, {}});
}

TEST_CASE("a level that is too large gives the table that is cheapest to merge, the oldest of equals") {
  Fixture fixture({{},
                   {},
                   {},
                   {},
                   {},
                   {make_table(5, 0, 9, 60), make_table(4, 10, 19, 60), make_table(3, 20, 29, 60)},
                   {make_table(1, 0, 5, 400), make_table(2, 6, 12, 300), make_table(6, 25, 26, 300)}});
  CHECK(fixture.pick() == Picked{Kind::merge, 5, 6, {3}, {6}});
  fixture.busy = {6};
  CHECK(fixture.pick() == Picked{Kind::merge, 5, 6, {4}, {2}});
  fixture.busy = {2};
  CHECK(fixture.pick() == Picked{Kind::merge, 5, 6, {3}, {6}});
  fixture.busy = {1, 6, 2};
  CHECK(fixture.pick() == std::nullopt);
  fixture.busy = {3, 6};
  CHECK(fixture.pick() == Picked{Kind::merge, 5, 6, {4}, {2}});
  fixture.options.base_bytes = 130;  // 120 bytes stay when what is busy has gone
  CHECK(fixture.pick() == std::nullopt);
  fixture.options.base_bytes = 181;
  fixture.busy.clear();
  CHECK(fixture.pick() == std::nullopt);
}

TEST_CASE("of several levels the fullest goes first, and nothing keeps level 0 waiting") {
  const std::vector<Version::Tables> levels = {
      {make_table(9, 0, 30), make_table(8, 0, 30), make_table(7, 0, 30)},
      {},
      {},
      {},
      {},
      {make_table(3, 0, 9, 70), make_table(2, 20, 29, 70), make_table(5, 50, 59, 70)},
      {make_table(1, 0, 30, 900)}};
  Fixture fixture(levels);
  CHECK(fixture.pick() == Picked{Kind::move, 5, 6, {5}, {}});
  fixture.options.level0_tables = 1;
  CHECK(fixture.pick() == Picked{Kind::merge, 0, 5, {9, 8, 7}, {3, 2}});
  // Level 0 waits for one table of the base level: no other one of that is begun.
  fixture.busy = {3, 1};
  CHECK(fixture.pick() == std::nullopt);
  // It is under way itself: what is beside it may go on.
  fixture.busy = {9, 8, 7, 3};
  CHECK(fixture.pick() == Picked{Kind::move, 5, 6, {5}, {}});
}

TEST_CASE("a table moves where nothing is in its way, unless it would lie over too much below") {
  const auto fixture_with = [](uint64_t below_bytes) {
    return Fixture({{},
                    {},
                    {},
                    {},
                    {make_table(7, 0, 9, 120)},
                    {make_table(3, 20, 29, 100)},
                    {make_table(1, 0, 3, below_bytes), make_table(2, 4, 6, 50), make_table(6, 30, 31, 9000)}});
  };
  CHECK(fixture_with(50).pick() == Picked{Kind::move, 4, 5, {7}, {}});
  CHECK(fixture_with(51).pick() == Picked{Kind::merge, 4, 5, {7}, {}});
}

TEST_CASE("tables of dead buckets are dropped before anything else, wherever they are") {
  Fixture fixture({{make_table(9, 100, 120), make_table(8, 0, 120), make_table(7, 100, 105)},
                   {},
                   {},
                   {make_table(5, 100, 199), make_table(6, 200, 200)},
                   {make_table(3, 99, 150), make_table(4, 151, 160)}});
  const MaybePicked otherwise = fixture.pick();
  CHECK(otherwise->kind == Kind::merge);
  fixture.dead = {2};
  CHECK(fixture.pick() == Picked{Kind::drop, 0, 0, {9, 7}, {}});
  fixture.busy = {9};
  CHECK(fixture.pick() == Picked{Kind::drop, 0, 0, {7}, {}});
  fixture.busy = {9, 7};
  CHECK(fixture.pick() == Picked{Kind::drop, 3, 3, {5}, {}});
  fixture.busy = {9, 7, 5};
  CHECK(fixture.pick() == Picked{Kind::drop, 4, 4, {4}, {}});
  fixture.busy = {9, 7, 5, 4};
  CHECK(fixture.pick() == std::nullopt);
  fixture.busy.clear();
  fixture.dead = {9};
  CHECK(fixture.pick() == otherwise);
}

TEST_CASE("tables of a time index that has passed are dropped, and no others of it") {
  const auto index_table = [](uint64_t number, const std::string& smallest, int64_t last_ms) {
    return make_table({.number = number,
                       .file_bytes = 1,
                       .entries = 2,
                       .smallest = smallest,
                       .largest = time_index_key(last_ms, key_of(1))});
  };
  Fixture fixture(
      {{}, {}, {}, {}, {}, {}, {index_table(1, key_of(7), 10), index_table(2, time_index_key(11, key_of(0)), 20)}});
  fixture.dead = {time_index_bucket};  // never asked for
  fixture.passed_ms = 19;
  CHECK(fixture.pick() == std::nullopt);
  fixture.passed_ms = 20;
  CHECK(fixture.pick() == Picked{Kind::drop, 6, 6, {2}, {}});
}

TEST_CASE("level 0 is merged by groups that share no bucket, when one has enough tables") {
  const VersionPtr two_buckets =
      Version::make({{make_table(9, 0, 10), make_table(8, 100, 110), make_table(7, 5, 20), make_table(6, 200, 210),
                      make_table(5, 120, 130)},
                     {},
                     {},
                     {},
                     {},
                     {},
                     {make_table(1, 0, 50), make_table(2, 60, 99), make_table(3, 105, 115)}});
  Fixture fixture({});
  fixture.version = two_buckets;
  CHECK(fixture.pick() == Picked{Kind::merge, 0, 6, {9, 7}, {1}});
  fixture.busy = {9, 7, 1};
  CHECK(fixture.pick() == Picked{Kind::merge, 0, 6, {8, 5}, {3}});
  fixture.busy = {9, 7, 1, 3};
  CHECK(fixture.pick() == std::nullopt);
  fixture.busy.clear();
  fixture.options.level0_tables = 3;
  CHECK(fixture.pick() == std::nullopt);
  fixture.version = two_buckets->with({}, {{0, make_table(10, 90, 105)}});  // of both
  CHECK(fixture.pick() == Picked{Kind::merge, 0, 6, {10, 9, 8, 7, 5}, {1, 2, 3}});
}

TEST_CASE("at rest, tables that begin or end in a dead bucket are written again") {
  Fixture fixture({{make_table(9, 0, 150)},
                   {},
                   {},
                   {},
                   {},
                   {make_table(2, 50, 120)},
                   {make_table(1, 150, 250), make_table(3, 300, 350)}});
  fixture.dead = {2};
  CHECK(fixture.pick() == std::nullopt);
  fixture.is_at_rest = true;
  CHECK(fixture.pick() == Picked{Kind::merge, 6, 6, {1}, {}});
  fixture.busy = {1};
  CHECK(fixture.pick() == Picked{Kind::merge, 5, 5, {2}, {}});
  fixture.busy = {1, 2};
  CHECK(fixture.pick() == std::nullopt);
  fixture.version = fixture.version->with({1, 2}, {});
  fixture.busy.clear();
  CHECK(fixture.pick() == Picked{Kind::move, 0, 6, {9}, {}});
  // What has to be done and has to wait comes first all the same.
  fixture.version = fixture.version->with({}, {{0, make_table(10, 140, 311)}, {6, make_table(11, 150, 250)}});
  fixture.busy = {3};
  CHECK(fixture.pick() == std::nullopt);
  fixture.dead.clear();
  fixture.version = fixture.version->with({10}, {});
  CHECK(fixture.pick() == std::nullopt);
}

TEST_CASE("at rest, the table that has most tombstones of all goes down, or loses them where it is") {
  Fixture fixture({{},
                   {},
                   {},
                   {},
                   {make_table(5, 0, 9, 10, 40)},
                   {make_table(4, 0, 5, 10, 26), make_table(3, 10, 15, 10, 25)},
                   {make_table(2, 9, 9, 10), make_table(1, 30, 40, 10, 30)}});
  CHECK(fixture.pick() == std::nullopt);
  fixture.is_at_rest = true;
  CHECK(fixture.pick() == Picked{Kind::merge, 4, 5, {5}, {4}});
  fixture.busy = {5};
  CHECK(fixture.pick() == Picked{Kind::merge, 6, 6, {1}, {}});
  fixture.busy = {5, 1};
  CHECK(fixture.pick() == Picked{Kind::merge, 5, 5, {4}, {}});
  fixture.busy = {5, 1, 4};
  CHECK(fixture.pick() == std::nullopt);
}

TEST_CASE("at rest, while too much is needless, levels that overlap are merged from the deepest up") {
  Fixture fixture({{make_table(9, 0, 30)},
                   {},
                   {},
                   {},
                   {make_table(7, 25, 30, 10, 1), make_table(8, 70, 75)},
                   {make_table(5, 0, 9), make_table(4, 10, 19, 10, 20), make_table(3, 50, 55)},
                   {make_table(1, 0, 15), make_table(2, 26, 27, 10, 3)}});
  fixture.is_at_rest = true;
  CHECK(fixture.pick() == std::nullopt);
  fixture.live_keys = 639;  // there are 800 entries: 15 % and a few more
  CHECK(fixture.pick() == Picked{Kind::merge, 5, 6, {4}, {1}});
  fixture.is_at_rest = false;
  CHECK(fixture.pick() == std::nullopt);
  fixture.is_at_rest = true;
  fixture.live_keys = 640;
  CHECK(fixture.pick() == std::nullopt);
  fixture.live_keys = 0;
  fixture.version = fixture.version->with({5, 4}, {});
  CHECK(fixture.pick() == Picked{Kind::move, 4, 5, {7}, {}});
  fixture.version = fixture.version->with({7}, {});
  CHECK(fixture.pick() == Picked{Kind::move, 0, 4, {9}, {}});
  fixture.version = fixture.version->with({9}, {});
  CHECK(fixture.pick() == Picked{Kind::merge, 6, 6, {2}, {}});
  fixture.version = fixture.version->with({2}, {});
  CHECK(fixture.pick() == std::nullopt);
}

}  // namespace sett::storage
