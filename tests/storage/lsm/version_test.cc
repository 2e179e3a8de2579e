#include "storage/lsm/version.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <string>

#include "storage/base/random.h"

namespace sett::storage {
namespace {

std::string key_of(uint64_t at) {
  std::string key = std::to_string(at);
  return "bucket:8" + std::string(6 - key.size(), '0') + key;
}

TableFilePtr make_table(uint64_t number, uint64_t first, uint64_t last) {
  return std::make_shared<const TableFile>("/t", TableMeta{.number = number,
                                                           .file_bytes = 1000 + number,
                                                           .entries = number * 3,
                                                           .tombstones = number,
                                                           .smallest = key_of(first),
                                                           .largest = key_of(last),
                                                           .value_bytes_in = {{number % 3, number}, {10, 1}}});
}

std::vector<uint64_t> numbers(const Version::Tables& tables) {
  std::vector<uint64_t> all;
  for (const TableFilePtr& table : tables) all.push_back(table->number());
  return all;
}

using Numbers = std::vector<uint64_t>;

}  // namespace

TEST_CASE("a version finds the tables of a key and of a range") {
  const VersionPtr version = Version::make({{make_table(9, 10, 50), make_table(8, 0, 20)},
                                            {make_table(2, 30, 40), make_table(1, 10, 20), make_table(3, 41, 41)},
                                            {},
                                            {make_table(4, 0, 99)}});
  CHECK(numbers(version->level(0)) == Numbers{9, 8});
  CHECK(numbers(version->level(1)) == Numbers{1, 2, 3});
  CHECK(version->level(levels_max - 1).empty());
  const auto found = [&](int level, uint64_t at) {
    const TableFilePtr* table = version->find_in_level(level, key_of(at));
    return table ? (*table)->number() : 0;
  };
  CHECK(found(1, 9) == 0);
  CHECK(found(1, 10) == 1);
  CHECK(found(1, 20) == 1);
  CHECK(found(1, 21) == 0);
  CHECK(found(1, 35) == 2);
  CHECK(found(1, 41) == 3);
  CHECK(found(1, 42) == 0);
  CHECK(found(2, 35) == 0);
  CHECK(found(3, 99) == 4);
  CHECK(numbers(version->overlapping(0, key_of(21), key_of(30))) == Numbers{9});
  CHECK(numbers(version->overlapping(0, key_of(0), key_of(99))) == Numbers{9, 8});
  CHECK(numbers(version->overlapping(1, key_of(20), key_of(30))) == Numbers{1, 2});
  CHECK(numbers(version->overlapping(1, key_of(21), key_of(29))).empty());
  CHECK(numbers(version->overlapping(1, key_of(42), key_of(50))).empty());
  CHECK(version->may_hold_below(0, key_of(15)));
  CHECK(version->may_hold_below(1, key_of(15)));
  CHECK_FALSE(version->may_hold_below(3, key_of(15)));
  CHECK_FALSE(version->may_hold_below(0, key_of(100)));
}

TEST_CASE("a version counts what its tables hold") {
  const VersionPtr version = Version::make({{make_table(9, 10, 50)}, {make_table(2, 30, 40), make_table(3, 41, 41)}});
  CHECK(version->bytes(0) == 1009);
  CHECK(version->bytes(1) == 2005);
  CHECK(version->bytes(2) == 0);
  CHECK(version->bytes() == 3014);
  CHECK(version->entries() == 42);
  CHECK(version->tombstones() == 14);
  CHECK(version->table_count() == 3);
  CHECK(version->value_bytes_in() == std::map<uint64_t, uint64_t>{{0, 12}, {2, 2}, {10, 3}});
  CHECK(Version().table_count() == 0);
}

TEST_CASE("tables that are added to level 0 lie on top, in the order of their being added") {
  const VersionPtr first = Version::make({{make_table(1, 0, 9)}});
  const VersionPtr second = first->with({}, {{0, make_table(2, 0, 9)}, {0, make_table(3, 0, 9)}});
  CHECK(numbers(second->level(0)) == Numbers{3, 2, 1});
  CHECK(numbers(first->level(0)) == Numbers{1});
  const VersionPtr third = second->with({2, 1}, {{2, make_table(4, 0, 9)}});
  CHECK(numbers(third->level(0)) == Numbers{3});
  CHECK(numbers(third->level(2)) == Numbers{4});
  const VersionPtr moved = third->with({4}, {{5, third->level(2)[0]}});
  CHECK(moved->level(2).empty());
  CHECK(moved->level(5)[0] == third->level(2)[0]);
}

TEST_CASE("level 0 is in runs for who reads, and in groups for who merges") {
  const auto table = [](uint64_t number, const std::string& smallest, const std::string& largest) {
    return std::make_shared<const TableFile>(
        "/t", TableMeta{.number = number, .smallest = "bucket:" + smallest, .largest = "bucket:" + largest});
  };
  const auto all = [](const std::vector<Version::Tables>& some) {
    std::vector<Numbers> found;
    for (const Version::Tables& tables : some) found.push_back(numbers(tables));
    return found;
  };
  // Three flushes of the buckets 1, 2 and 3, the newest first; then one with keys of two of them.
  const VersionPtr version = Version::make({{table(9, "1a", "1z"), table(8, "2a", "2z"), table(7, "3a", "3c"),
                                             table(6, "3d", "3z"), table(5, "1b", "1c"), table(4, "2a", "2z")}});
  CHECK(all(version->level0_runs()) == std::vector<Numbers>{{9, 8, 7, 6}, {5, 4}});
  CHECK(all(version->level0_groups()) == std::vector<Numbers>{{9, 5}, {8, 4}, {7, 6}});
  CHECK(version->largest_level0_group() == 2);
  const VersionPtr mixed = version->with({}, {{0, table(10, "2y", "3b")}});
  CHECK(all(mixed->level0_runs()) == std::vector<Numbers>{{9, 10}, {5, 8, 7, 6}, {4}});
  CHECK(all(mixed->level0_groups()) == std::vector<Numbers>{{9, 5}, {10, 8, 7, 6, 4}});
  const TableFilePtr* found = Version::find_in_run(version->level0_runs()[0], "bucket:3d");
  REQUIRE(found);
  CHECK((*found)->number() == 6);
  CHECK_FALSE(Version::find_in_run(version->level0_runs()[1], "bucket:1a"));
  CHECK(Version().largest_level0_group() == 0);
}

TEST_CASE("edits one after the other give what one set of tables gives") {
  const auto seed = GENERATE(range(1u, 6u));
  INFO("seed " << seed);
  Random random(seed);
  auto version = std::make_shared<const Version>();
  std::vector<std::vector<std::pair<uint64_t, uint64_t>>> model(levels_max);  // (number, place): a table is [p, p + 4]
  for (uint64_t number = 1; number <= 300; ++number) {
    std::vector<uint64_t> removed;
    for (auto& level : model)
      if (!level.empty() && random.one_in(8)) {
        const auto at = level.begin() + static_cast<int64_t>(random.below(level.size()));
        removed.push_back(at->first);
        level.erase(at);
      }
    const auto level = random.below(levels_max);
    const uint64_t place = random.below(40) * 5;
    std::vector<Version::Added> added;
    const bool is_free = level == 0 || std::none_of(model[level].begin(), model[level].end(),
                                                    [&](const auto& table) { return table.second == place; });
    if (is_free) {
      added.push_back({static_cast<int>(level), make_table(number, place, place + 4)});
      model[level].emplace(model[level].begin(), number, place);
    }
    version = version->with(removed, added);
    for (int i = 0; i < levels_max; ++i) {
      auto expected = model[static_cast<size_t>(i)];
      if (i > 0)
        std::sort(expected.begin(), expected.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
      Numbers expected_numbers;
      uint64_t bytes = 0;
      for (const auto& [one, at] : expected) {
        expected_numbers.push_back(one);
        bytes += 1000 + one;
      }
      REQUIRE(numbers(version->level(i)) == expected_numbers);
      REQUIRE(version->bytes(i) == bytes);
    }
  }
}

TEST_CASE("levels whose tables overlap or are turned round are told from good ones") {
  const auto meta = [](const TableMeta& one) -> const TableMeta& { return one; };
  using Metas = std::vector<TableMeta>;
  CHECK(are_disjoint(Metas{}, meta));
  CHECK(are_disjoint(Metas{{.smallest = "a", .largest = "b"}, {.smallest = "ba", .largest = "ba"}}, meta));
  CHECK_FALSE(are_disjoint(Metas{{.smallest = "a", .largest = "b"}, {.smallest = "b", .largest = "c"}}, meta));
  CHECK_FALSE(are_disjoint(Metas{{.smallest = "c", .largest = "d"}, {.smallest = "a", .largest = "b"}}, meta));
  CHECK_FALSE(are_disjoint(Metas{{.smallest = "b", .largest = "a"}}, meta));
}

}  // namespace sett::storage
