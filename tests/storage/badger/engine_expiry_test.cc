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

// A patch says nothing of the expiry: that stands in a memtable below it, which waits for its flush, or in the tables.
TEST_CASE("badger: a splice over a memtable that waits expires with what it stands on, and only with that",
          "[badger][due_keys]") {
  const bool restarts = GENERATE(false, true);
  EngineOptions options = expiry_options(7);
  options.badger.mem_tables = 8;
  options.kv.wal_segment_bytes = 4 << 20;  // neither log needs a further file
  options.badger.value_log_file_bytes = 4 << 20;
  EngineHarness with(options);
  REQUIRE(with.open());
  const int64_t at = with.now() + 60'000;
  const std::string large(100, 'l');  // lies in the value log
  REQUIRE(with.put("filler", "large", large) == Outcome::committed);
  for (const char* key : {"replaced", "persisted", "prolonged", "patched"})
    REQUIRE(with.put("0", key, "value", at) == Outcome::committed);
  REQUIRE(with.snapshot());
  with.files->inject({.call = SimulatedFileSystem::Call::create, .persistent = true});
  REQUIRE(with.put("0", "replaced", "value") == Outcome::committed);
  REQUIRE(with.expire("0", "persisted", 0) == Outcome::committed);
  REQUIRE(with.expire("0", "prolonged", at + 1000) == Outcome::committed);
  REQUIRE(with.put("0", "new", "value", at) == Outcome::committed);
  REQUIRE(with.put("0", "new and large", large, at) == Outcome::committed);
  const int rounds = GENERATE(2, 3);  // the last leaves nothing but filler in the active part
  for (int round = 0; round < rounds; ++round) {
    const uint64_t sealed = with.figure("badger_sealed_memtables");
    for (int i = 0; i < 2000 && with.figure("badger_sealed_memtables") == sealed; ++i) {
      REQUIRE(with.put("filler", std::to_string(i), std::string(60, 'f')) == Outcome::committed);
      with.executor.run_ready();
    }
    REQUIRE(with.figure("badger_sealed_memtables") == sealed + 1);
    if (round == 2) break;
    const std::string bytes = round == 0 ? "V" : "W";
    for (const char* key : {"replaced", "persisted", "prolonged", "patched", "new"})
      REQUIRE(with.splice("0", key, 0, bytes, 5) == Outcome::committed);
    REQUIRE(with.splice("0", "new and large", 0, bytes, large.size()) == Outcome::committed);
  }
  REQUIRE(with.now() < at);
  // Looked at without their values: with them the patches would be completed.
  for (const char* key : {"replaced", "persisted", "prolonged", "patched", "new", "new and large"})
    REQUIRE(with.expiry("0", key) >= 0);
  with.executor.run_for(at + 100 - with.now());
  const auto check = [&](uint64_t keys) {
    REQUIRE(with.content("0").size() == keys);
    REQUIRE(with.get("0", "replaced") == "Walue");
    REQUIRE(with.get("0", "persisted") == "Walue");
  };
  check(3);
  REQUIRE(expired_events(with) == 3);
  if (restarts) {
    with.kill();
    REQUIRE(with.open());
    check(3);
  }
  with.files->clear_faults();
  REQUIRE(with.snapshot());
  check(3);
  REQUIRE(with.count("0") == 3);
  with.executor.run_for(2000);
  check(2);
  REQUIRE(with.count("0") == 2);
  REQUIRE(expired_events(with) == 4);
  REQUIRE(with.close());
  REQUIRE(with.open());
  check(2);
  REQUIRE(with.count("0") == 2);
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
