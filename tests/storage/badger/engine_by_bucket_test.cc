// Tables that are cut at the borders of buckets, in a folder for each: what is where, also after the setting has
// changed, and what many buckets cost.
#include <catch2/catch.hpp>
#include <set>

#include "storage/lsm/manifest.h"
#include "tests/support/store_model.h"

using namespace sett::storage;
using Outcome = EngineHarness::Outcome;

namespace {

EngineOptions by_bucket() {
  EngineOptions options;
  options.engine = "badger";
  options.kv.default_shards = 2;
  options.badger.tables_by_bucket = true;
  options.badger.value_threshold = 1 << 20;
  return options;
}

std::set<std::string> names_in(EngineHarness& with, const std::string& folder) {
  const auto names = with.files->list(folder).value();
  return {names.begin(), names.end()};
}

TreeManifest manifest_of(EngineHarness& with) {
  return read_tree_manifest(*with.files, "/db").value().value();
}

void fill(EngineHarness& with, const std::string& bucket, int keys) {
  for (int i = 0; i < keys; ++i)
    REQUIRE(with.put(bucket, "key" + std::to_string(i), std::string(40, 'v')) == Outcome::committed);
}

void keep_up(EngineHarness& with) {
  bool is_done = false;
  with.store().keep_up(Upkeep::merge_tables, "", [&](const Result<uint64_t>& outcome) { is_done = outcome.is_ok(); });
  for (int rounds = 0; rounds < 1000 && !is_done; ++rounds) with.executor.run_for(5);
  REQUIRE(is_done);
}

}  // namespace

TEST_CASE("badger: each bucket has its tables in a folder, which goes with the bucket", "[badger][by_bucket]") {
  EngineHarness with(by_bucket());
  REQUIRE(with.open());
  for (const char* bucket : {"a", "b", "c"}) fill(with, bucket, 150);
  REQUIRE(with.put("a", "expires", "v", with.now() + 1'000'000) == Outcome::committed);
  REQUIRE(with.snapshot());
  with.executor.run_for(3000);
  std::set<std::string> expected{"time_index"};
  const auto buckets = manifest_of(with).buckets;
  for (const auto& [name, id] : buckets) expected.insert(std::to_string(id));
  CHECK(names_in(with, "/db/tables") == expected);
  for (const auto& level : manifest_of(with).levels)
    for (const TableMeta& meta : level) CHECK(meta.smallest.substr(0, 8) == meta.largest.substr(0, 8));
  REQUIRE(with.drop("b") == Outcome::committed);
  REQUIRE(with.snapshot());
  with.executor.run_for(3000);
  expected.erase(std::to_string(buckets.at("b")));
  CHECK(names_in(with, "/db/tables") == expected);
  with.kill();
  REQUIRE(with.open());
  CHECK(with.count("a") == 151);
  CHECK(with.count("b") == 0);
  CHECK(with.content("c").size() == 150);
}

TEST_CASE("badger: tables stay where they are when the setting changes, until they are merged", "[badger][by_bucket]") {
  EngineHarness with(by_bucket());
  with.options.badger.tables_by_bucket = GENERATE(false, true);
  with.options.badger.level0_tables = 4;
  with.options.badger.level0_tables_stall = 8;
  REQUIRE(with.open());
  for (const char* bucket : {"a", "b"}) fill(with, bucket, 20);
  REQUIRE(with.snapshot());
  const auto before = names_in(with, "/db/tables");
  REQUIRE(with.close());
  with.options.badger.tables_by_bucket = !with.options.badger.tables_by_bucket;
  REQUIRE(with.open());
  CHECK(names_in(with, "/db/tables") == before);
  fill(with, "a", 10);
  fill(with, "c", 20);
  REQUIRE(with.snapshot());
  for (const char* bucket : {"a", "b", "c"}) CHECK(with.content(bucket).size() == 20);
  keep_up(with);
  for (const std::string& name : names_in(with, "/db/tables"))
    CHECK(name.ends_with(".table") != with.options.badger.tables_by_bucket);
  for (const char* bucket : {"a", "b", "c"}) CHECK(with.count(bucket) == 20);
}

TEST_CASE("badger: writes to many buckets do not wait for merges of each other", "[badger][by_bucket]") {
  EngineOptions options = by_bucket();
  options.badger.level0_tables = 2;
  options.badger.level0_tables_stall = 3;
  EngineHarness with(options);
  REQUIRE(with.open());
  constexpr int buckets = 40;
  for (int round = 0; round < 6; ++round)
    for (int bucket = 0; bucket < buckets; ++bucket) fill(with, "bucket" + std::to_string(bucket), 3 + round);
  REQUIRE(with.snapshot());
  for (int bucket = 0; bucket < buckets; ++bucket) CHECK(with.count("bucket" + std::to_string(bucket)) == 8);
  with.executor.run_for(3000);
  keep_up(with);
  CHECK(names_in(with, "/db/tables").size() == buckets);
  for (int bucket = 0; bucket < buckets; ++bucket) CHECK(with.content("bucket" + std::to_string(bucket)).size() == 8);
}
