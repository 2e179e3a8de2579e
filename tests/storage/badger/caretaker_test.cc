// Upkeep that somebody asks for: afterwards nothing needless is in tables, and hardly anything dead in value logs.
#include "storage/badger/caretaker.h"

#include <catch2/catch.hpp>
#include <optional>

#include "storage/lsm/manifest.h"
#include "tests/support/store_model.h"

using namespace sett::storage;
using Outcome = EngineHarness::Outcome;

namespace {

// Merges and collections happen on request only, but for those that level 0 needs.
EngineOptions quiet_options(uint64_t seed = 1) {
  EngineOptions options;
  options.engine = "badger";
  options.seed = seed;
  options.kv.default_shards = 2;
  options.badger.level0_tables = 4;
  options.badger.level0_tables_stall = 8;
  options.badger.gc_enabled = false;
  options.badger.space_amplification_max = 10;
  return options;
}

Result<uint64_t> keep_up(EngineHarness& with, Upkeep what, const std::string& bucket = {}) {
  auto outcome = std::make_shared<std::optional<Result<uint64_t>>>();
  with.store().keep_up(what, bucket, [outcome](Result<uint64_t> result) { *outcome = std::move(result); });
  for (int rounds = 0; rounds < 2000 && !*outcome; ++rounds) with.executor.run_for(5);
  REQUIRE(*outcome);
  return std::move(**outcome);
}

struct Held {
  uint64_t entries = 0, tombstones = 0, table_bytes = 0, value_bytes = 0, live_value_bytes = 0, live_keys = 0;
  size_t value_logs = 0;
};
Held held_by(EngineHarness& with) {
  const TreeManifest manifest = read_tree_manifest(*with.files, "/db").value().value();
  Held held;
  for (const auto& level : manifest.levels)
    for (const TableMeta& table : level) {
      held.entries += table.entries;
      held.tombstones += table.tombstones;
      held.table_bytes += table.file_bytes;
      for (const auto& [file, bytes] : table.value_bytes_in) held.live_value_bytes += bytes;
    }
  for (const VlogMeta& file : manifest.value_logs) held.value_bytes += file.file_bytes;
  held.value_logs = manifest.value_logs.size();
  for (const auto& [bucket, totals] : manifest.totals) held.live_keys += totals.keys + totals.expiring;
  return held;
}

// Many small tables in all levels, with overwritten and deleted entries, expiries and dropped buckets.
void fill(EngineHarness& with, uint64_t seed, StoreModel& model) {
  Random random(seed);
  for (int step = 0; step < 400; ++step) {
    Operation operation = draw_operation(random, {.keys = 40, .bytes_max = 60, .large_values = false});
    if (random.one_in(3)) {
      operation.kind = Operation::Kind::put;
      operation.value = std::string(100 + random.below(500), static_cast<char>('a' + random.below(26)));
    }
    REQUIRE(with.run([&](Transaction& txn) { perform(txn, operation); }) == Outcome::committed);
    perform(model, operation, with.last_now_ms());
    if (random.one_in(4)) with.executor.run_for(1);
  }
}

void compare(EngineHarness& with, StoreModel model) {
  bool counts_agree = false;
  const StoreModel found = content_of(with, counts_agree);
  model.forget_expired(with.last_now_ms());
  CHECK(found.text() == model.text());
  CHECK(counts_agree);
}

}  // namespace

TEST_CASE("badger: after a merge of everything there is an entry for each key and no more", "[badger][upkeep]") {
  uint64_t needless = 0, given_back_bytes = 0;
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    INFO("seed " << seed);
    EngineHarness with(quiet_options(seed));
    REQUIRE(with.open());
    StoreModel model;
    fill(with, seed, model);
    REQUIRE(with.snapshot());
    const Held before = held_by(with);
    needless += before.entries - before.live_keys;
    const auto given_back = keep_up(with, Upkeep::merge_tables);
    REQUIRE(given_back);
    const Held after = held_by(with);
    CHECK(after.entries == after.live_keys);
    CHECK(after.tombstones == 0);
    given_back_bytes += given_back.value();
    CHECK(after.table_bytes <= before.table_bytes);
    CHECK(with.files->list("/db/tables").value().size() < 40);
    compare(with, model);
    with.power_cut(CrashPolicy::drop, seed);
    REQUIRE(with.open());
    compare(with, model);
  }
  CHECK(needless > 100);
  CHECK(given_back_bytes > 5000);
}

TEST_CASE("badger: after a collection of everything value logs hold what lives", "[badger][upkeep]") {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    INFO("seed " << seed);
    EngineHarness with(quiet_options(seed));
    REQUIRE(with.open());
    StoreModel model;
    fill(with, seed, model);
    REQUIRE(with.snapshot());
    const Held before = held_by(with);
    const auto given_back = keep_up(with, Upkeep::collect_values);
    REQUIRE(given_back);
    const Held after = held_by(with);
    CHECK(given_back.value() > 0);
    CHECK(after.value_bytes < before.value_bytes / 2);
    CHECK(keep_up(with, Upkeep::merge_tables));
    const Held exact = held_by(with);
    constexpr uint64_t header_bytes = 64;
    CHECK(static_cast<double>(exact.value_bytes) <=
          static_cast<double>(exact.live_value_bytes) / 0.9 + static_cast<double>(header_bytes * exact.value_logs));
    CHECK(with.files->list("/db/values").value().size() <= exact.value_logs + 1);
    compare(with, model);
    with.kill();
    REQUIRE(with.open());
    compare(with, model);
  }
}

TEST_CASE("badger: a bucket's tables are merged, and those of others left as they are", "[badger][upkeep]") {
  EngineOptions options = quiet_options();
  options.badger.level0_tables = 1;
  EngineHarness with(options);
  REQUIRE(with.open());
  const auto write = [&](const std::string& bucket, char fill_with) {
    for (int i = 0; i < 100; ++i)
      REQUIRE(with.put(bucket, "key" + std::to_string(i), std::string(50, fill_with)) == Outcome::committed);
    REQUIRE(with.snapshot());
    with.executor.run_for(100);
  };
  const auto drop = [&](const std::string& bucket) {
    for (int i = 0; i < 50; ++i) REQUIRE(with.remove(bucket, "key" + std::to_string(i)) == Outcome::committed);
    REQUIRE(with.snapshot());
    with.executor.run_for(100);
  };
  write("a", 'x');
  write("b", 'x');
  drop("a");
  drop("b");
  REQUIRE(keep_up(with, Upkeep::merge_tables, "a"));
  CHECK(with.count("a") == 50);
  CHECK(with.count("b") == 50);
  CHECK(keep_up(with, Upkeep::merge_tables, "nobody").status().kind() == ErrorKind::not_found);
  REQUIRE(keep_up(with, Upkeep::merge_tables));
  CHECK(held_by(with).entries == 100);
}

TEST_CASE("badger: upkeep ends while others write, and says so when it fails", "[badger][upkeep]") {
  EngineHarness with(quiet_options());
  REQUIRE(with.open());
  StoreModel model;
  fill(with, 3, model);
  int answers = 0;
  const auto answer = [&](const Result<uint64_t>& outcome) { answers += outcome.is_ok() ? 1 : 100; };
  with.store().keep_up(Upkeep::merge_tables, "", answer);
  with.store().keep_up(Upkeep::collect_values, "", answer);
  for (int i = 0; i < 3000 && answers < 2; ++i) {
    const Operation put{.kind = Operation::Kind::put,
                        .bucket = "0",
                        .key = "key:" + std::to_string(5 + i % 20),
                        .value = std::string(static_cast<size_t>(50 + i % 100), 'w')};
    REQUIRE(with.run([&](Transaction& txn) { perform(txn, put); }) == Outcome::committed);
    perform(model, put, with.last_now_ms());
    with.executor.run_for(1);
  }
  CHECK(answers == 2);
  compare(with, model);
  REQUIRE(with.put("0", "more", "1") == Outcome::committed);
  with.files->inject({.call = SimulatedFileSystem::Call::create, .persistent = true});
  CHECK(keep_up(with, Upkeep::merge_tables).status().kind() == ErrorKind::io);
  with.files->clear_faults();
  CHECK(keep_up(with, Upkeep::merge_tables));
  CHECK(keep_up(with, Upkeep::collect_values));
}

TEST_CASE("badger: a collection that somebody asks for says when there is no room for it", "[badger][caretaker]") {
  EngineHarness with(quiet_options());
  REQUIRE(with.open());
  for (int i = 0; i < 60; ++i)
    REQUIRE(with.put("0", "key" + std::to_string(i), std::string(900, 'v')) == Outcome::committed);
  for (int i = 0; i < 60; i += 3) REQUIRE(with.remove("0", "key" + std::to_string(i)) == Outcome::committed);
  REQUIRE(with.snapshot());
  with.files->set_capacity(with.files->used_bytes() + 1000);
  with.executor.run_for(500);
  const auto refused = keep_up(with, Upkeep::collect_values);
  INFO(refused.status().to_string());
  REQUIRE(refused.status().kind() == ErrorKind::no_space);
  with.files->set_capacity(SimulatedFileSystem::unlimited);
  with.executor.run_for(500);
  const auto collected = keep_up(with, Upkeep::collect_values);
  INFO(collected.status().to_string());
  REQUIRE(collected.is_ok());
  REQUIRE(collected.value() > 0);
}
