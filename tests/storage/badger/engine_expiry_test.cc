// Keys that expire and lie in tables: gone at their time, counted exactly, told of once, and never back.
#include <catch2/catch.hpp>
#include <map>

#include "storage/lsm/manifest.h"
#include "tests/support/engine_harness.h"

using namespace sett::storage;
using Outcome = EngineHarness::Outcome;

namespace {

EngineOptions expiry_options(uint64_t seed) {
  EngineOptions options;
  options.engine = "badger";
  options.seed = seed;
  options.kv.default_shards = 3;
  options.badger.mem_table_bytes = 64 << 10;
  return options;
}

uint64_t expired_events(const EngineHarness& with) {
  uint64_t events = 0;
  for (const auto& seen : with.seen) events += seen.event == Event::expired;
  return events;
}

}  // namespace

TEST_CASE("badger: keys in tables expire at their time, are counted at every ms, and told of once",
          "[badger][due_keys]") {
  for (uint64_t seed = 1; seed <= 4; ++seed) {
    const bool restarts = seed % 2 == 0;
    INFO("seed " << seed);
    EngineHarness with(expiry_options(seed));
    REQUIRE(with.open());
    Random random(seed);
    std::multimap<int64_t, std::string> due;
    const int64_t begin = with.now();
    for (int i = 0; i < 300; ++i) {
      const int64_t at = begin + 2000 + static_cast<int64_t>(random.below(400));
      const std::string key = "key" + std::to_string(i);
      REQUIRE(with.put("0", key, std::string(random.below(200), 'v'), at) == Outcome::committed);
      due.emplace(at, key);
    }
    REQUIRE(with.put("0", "stays", "v") == Outcome::committed);
    REQUIRE(with.snapshot());  // all are in tables
    if (restarts) {
      REQUIRE(with.close());
      with.seen.clear();
      REQUIRE(with.open());
    }
    with.executor.run_for(begin + 1990 - with.now());
    REQUIRE(expired_events(with) == 0);
    while (with.now() < begin + 2450) {
      with.executor.run_for(1);
      const auto alive = static_cast<uint64_t>(std::distance(due.upper_bound(with.now()), due.end())) + 1;
      INFO("after " << with.now() - begin << " ms");
      REQUIRE(with.count("0") == alive);
      const BucketUsage usage = with.usage("0");
      REQUIRE(usage.keys == alive);
      REQUIRE(usage.expiring_keys == alive - 1);
      if (with.now() % 37 == 0) REQUIRE(with.content("0").size() == alive);
      // Within 50 ms of its time each is removed.
      const auto passed = static_cast<uint64_t>(std::distance(due.begin(), due.lower_bound(with.now() - 50)));
      REQUIRE(expired_events(with) >= passed);
    }
    REQUIRE(expired_events(with) == due.size());
    REQUIRE(with.snapshot());
    REQUIRE(with.count("0") == 1);
    with.executor.run_for(3000);
    REQUIRE(with.close());
    REQUIRE(with.open());
    REQUIRE(with.count("0") == 1);
    with.executor.run_for(1000);
    REQUIRE(expired_events(with) == due.size());
  }
}

TEST_CASE("badger: a key in a table that was changed in time is not removed", "[badger][due_keys]") {
  const bool flushes = GENERATE(false, true);
  EngineHarness with(expiry_options(5));
  REQUIRE(with.open());
  const int64_t at = with.now() + 1000;
  for (const char* key : {"persisted", "put", "prolonged", "shortened", "spliced", "removed"})
    REQUIRE(with.put("0", key, "value", at) == Outcome::committed);
  REQUIRE(with.snapshot());
  with.executor.run_for(500);
  REQUIRE(with.expire("0", "persisted", 0) == Outcome::committed);
  REQUIRE(with.put("0", "put", "other") == Outcome::committed);
  REQUIRE(with.expire("0", "prolonged", at + 1000) == Outcome::committed);
  REQUIRE(with.expire("0", "shortened", at - 300) == Outcome::committed);
  REQUIRE(with.splice("0", "spliced", 0, "V", 5) == Outcome::committed);
  REQUIRE(with.remove("0", "removed") == Outcome::committed);
  if (flushes) REQUIRE(with.snapshot());
  with.executor.run_for(at - 200 - with.now());
  REQUIRE(with.count("0") == 4);
  with.executor.run_for(300);
  REQUIRE(with.count("0") == 3);
  REQUIRE(with.get("0", "persisted") == "value");
  REQUIRE(with.get("0", "put") == "other");
  REQUIRE(with.get("0", "prolonged") == "value");
  with.executor.run_for(1000);
  REQUIRE(with.count("0") == 2);
  REQUIRE(expired_events(with) == 3);
}

TEST_CASE("badger: a clock that is set back by a restart revives nothing", "[badger][due_keys]") {
  // The memtable is sealed behind the record of the pass, which is not replayed then.
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    INFO("seed " << seed);
    EngineHarness with(expiry_options(seed));
    REQUIRE(with.open());
    const int64_t at = with.now() + 1000;
    for (int i = 0; i < 20; ++i) REQUIRE(with.put("0", "key" + std::to_string(i), "v", at) == Outcome::committed);
    REQUIRE(with.put("0", "stays", "v") == Outcome::committed);
    if (seed % 2) REQUIRE(with.snapshot());
    REQUIRE(with.put("0", "more", "v") == Outcome::committed);  // so that there is something to seal
    with.executor.run_for(at - 15 - with.now());
    // When the pass is in the log, and before it has removed anything, somebody has a lock for a moment.
    const auto before = with.store().journal().last();
    bool holds = false;
    with.store().journal().set_progress_listener([&] {
      if (!holds && with.store().journal().last() > before) holds = with.store().try_lock(0);
    });
    for (int steps = 0; steps < 3000 && !holds; ++steps)
      if (!with.executor.run_one()) with.clock.advance_us(1000);
    REQUIRE(holds);
    with.store().unlock(0);
    Status saved = Status::error(ErrorKind::busy, "not yet");
    with.store().snapshot([&](const Status& status) { saved = status; });
    for (int steps = 0; steps < 5000 && !saved; ++steps)
      if (!with.executor.run_one()) with.clock.advance_us(100);
    REQUIRE(saved);
    with.power_cut(CrashPolicy::drop, seed);
    with.clock.jump_wall_ms(-100'000);
    REQUIRE(with.open());
    REQUIRE(with.count("0") == 2);
    REQUIRE(with.content("0").size() == 2);
    with.executor.run_for(500);
    REQUIRE(with.count("0") == 2);
    REQUIRE(with.snapshot());
    REQUIRE(with.count("0") == 2);
  }
}
