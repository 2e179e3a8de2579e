// What is looked ahead is used, as long as it holds and no longer.
#include <catch2/catch.hpp>

#include "tests/support/engine_harness.h"

using namespace sett::storage;

namespace {

std::string key_of(int i) {
  return "key" + std::to_string(i);
}

// A store with one table, all of it in memory, and nothing in the memtable.
struct Fixture {
  Fixture() : with(options()) {
    REQUIRE(with.open());
    for (int i = 0; i < 200; ++i) REQUIRE(with.put("0", key_of(i), "old") == EngineHarness::Outcome::committed);
    REQUIRE(with.snapshot());
    for (int i = 0; i < 200; ++i) REQUIRE(with.get("0", key_of(i)) == "old");
  }
  static EngineOptions options() {
    EngineOptions options;
    options.engine = "badger";
    options.badger.mem_table_bytes = 16 << 20;  // nothing is flushed by itself
    options.badger.cache_bytes = 16 << 20;
    options.badger.memory_limit_bytes = 0;
    return options;
  }
  void look_ahead(int begin, int end) {
    std::vector<std::string> names;
    for (int i = begin; i < end; ++i) names.push_back(key_of(i));
    std::vector<Store::Lookahead> keys;
    for (const std::string& name : names) keys.push_back({name, true});
    with.store().prefetch("0", keys);
  }
  uint64_t checks() { return with.figure("badger_filter_checks"); }

  EngineHarness with;
};

}  // namespace

TEST_CASE("badger: what was looked ahead is not looked for again", "[engine][badger][prefetch]") {
  Fixture fixture;
  const uint64_t before = fixture.checks();
  fixture.look_ahead(100, 132);
  REQUIRE(fixture.checks() == before + 32);
  for (int i = 100; i < 131; ++i) REQUIRE(fixture.with.get("0", key_of(i)) == "old");
  REQUIRE(fixture.checks() == before + 32);
  fixture.with.store().end_prefetch();
  REQUIRE(fixture.with.get("0", key_of(131)) == "old");
  REQUIRE(fixture.checks() == before + 33);
}

TEST_CASE("badger: what was looked ahead does not outlive a write, a flush or a drop", "[engine][badger][prefetch]") {
  Fixture fixture;
  fixture.look_ahead(0, 20);
  REQUIRE(fixture.with.put("0", key_of(1), "new") == EngineHarness::Outcome::committed);
  REQUIRE(fixture.with.remove("0", key_of(2)) == EngineHarness::Outcome::committed);
  REQUIRE(fixture.with.get("0", key_of(1)) == "new");
  REQUIRE(fixture.with.get("0", key_of(2)) == std::nullopt);
  REQUIRE(fixture.with.snapshot());
  const uint64_t before = fixture.checks();
  REQUIRE(fixture.with.get("0", key_of(1)) == "new");
  REQUIRE(fixture.with.get("0", key_of(2)) == std::nullopt);
  REQUIRE(fixture.with.get("0", key_of(3)) == "old");
  REQUIRE(fixture.checks() > before);
  fixture.look_ahead(0, 20);
  REQUIRE(fixture.with.drop("0") == EngineHarness::Outcome::committed);
  REQUIRE(fixture.with.get("0", key_of(1)) == std::nullopt);
  REQUIRE(fixture.with.put("0", key_of(3), "again") == EngineHarness::Outcome::committed);
  REQUIRE(fixture.with.get("0", key_of(3)) == "again");
  REQUIRE(fixture.with.get("0", key_of(4)) == std::nullopt);
}

TEST_CASE("badger: keys that the memtable has, or that are written, are not looked ahead",
          "[engine][badger][prefetch]") {
  Fixture fixture;
  for (int i = 0; i < 10; ++i) REQUIRE(fixture.with.put("0", key_of(i), "new") == EngineHarness::Outcome::committed);
  const uint64_t before = fixture.checks();
  fixture.look_ahead(0, 10);
  const std::string key = key_of(50);
  const Store::Lookahead written{key, false};
  fixture.with.store().prefetch("0", {&written, 1});
  fixture.with.store().prefetch("no such bucket", {&written, 1});
  REQUIRE(fixture.checks() == before);
}
