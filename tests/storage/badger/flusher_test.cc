// Flushes that cannot be, and who is told what.
#include "storage/badger/flusher.h"

#include <catch2/catch.hpp>

#include "tests/support/engine_harness.h"

using namespace sett::storage;
using Outcome = EngineHarness::Outcome;

namespace {

std::string key_of(int i) {
  return "key" + std::to_string(10000 + i);
}

// The outcome of the first write that does not go through; `committed`: all do.
Outcome first_refusal(EngineHarness& with, int keys) {
  for (int i = 0; i < keys; ++i) {
    const Outcome outcome = with.put("0", key_of(i), std::string(40, 'n'));
    if (outcome != Outcome::committed) return outcome;
    if (i % 10 == 0) with.executor.run_for(5);
  }
  return Outcome::committed;
}

}  // namespace

TEST_CASE("badger: a flush that meets damage refuses writes as what it is, and reads go on", "[badger][flusher]") {
  EngineOptions options;
  options.engine = "badger";
  options.caches_reads = false;
  options.badger.level0_tables = 8;
  options.badger.level0_tables_stall = 16;
  EngineHarness with(options);
  REQUIRE(with.open());
  for (int i = 0; i < 60; ++i) REQUIRE(with.put("0", key_of(i), std::string(40, 'o')) == Outcome::committed);
  REQUIRE(with.snapshot());
  REQUIRE(with.close());
  // The front of each table: blocks of the smallest keys.
  const auto names = with.files->list("/db/tables").value();
  REQUIRE_FALSE(names.empty());
  for (const std::string& name : names) {
    std::string bytes = with.files->content("/db/tables/" + name);
    bytes[20] = static_cast<char>(bytes[20] ^ 1);
    with.files->set_content("/db/tables/" + name, bytes);
  }
  REQUIRE(with.open());
  REQUIRE(first_refusal(with, 2000) == Outcome::behind);
  REQUIRE_FALSE(with.store().stats().disk_full);
  REQUIRE(with.store().stats().failure.find("checksum") != std::string::npos);
  REQUIRE(with.get("0", key_of(59)).value().size() == 40);
}

TEST_CASE("badger: a flush without room refuses writes as on a full disk", "[badger][flusher]") {
  EngineOptions options;
  options.engine = "badger";
  EngineHarness with(options);
  REQUIRE(with.open());
  for (int i = 0; i < 60; ++i) REQUIRE(with.put("0", key_of(i), std::string(40, 'o')) == Outcome::committed);
  REQUIRE(with.snapshot());
  with.files->inject({.call = SimulatedFileSystem::Call::create, .persistent = true, .kind = ErrorKind::no_space});
  REQUIRE(first_refusal(with, 2000) == Outcome::no_space);
  REQUIRE(with.store().stats().disk_full);
  REQUIRE(with.store().stats().failure.empty());
  with.files->clear_faults();
  with.executor.run_for(5000);
  REQUIRE(with.put("0", "after", "v") == Outcome::committed);
}

TEST_CASE("badger: memtables that wait are flushed together, and what they say of a key is counted once",
          "[badger][flusher]") {
  EngineOptions options;
  options.engine = "badger";
  options.seed = GENERATE(1u, 2u, 3u);
  options.badger.mem_tables = 8;
  options.kv.wal_segment_bytes = 4 << 20;  // the log needs no further file
  options.badger.level0_tables = 8;
  options.badger.level0_tables_stall = 16;
  EngineHarness with(options);
  REQUIRE(with.open());
  for (int i = 0; i < 20; ++i) REQUIRE(with.put("0", key_of(i), "old") == Outcome::committed);
  REQUIRE(with.snapshot());
  const uint64_t flushes = with.figure("badger_flushes"), memtables = with.figure("badger_flushed_memtables");
  // Flushes fail for a while.
  with.files->inject({.call = SimulatedFileSystem::Call::create, .persistent = true});
  int writes = 0;
  for (; writes < 1000 && with.figure("badger_sealed_memtables") < 3; ++writes) {
    const std::string key = key_of(writes % 40);
    if (writes % 40 == 39)
      REQUIRE(with.remove("0", key_of(39)) == Outcome::committed);
    else if (writes % 40 == 38)
      REQUIRE(with.splice("0", key_of(0), 60, std::to_string(writes), 66) == Outcome::committed);
    else
      REQUIRE(with.put("0", key, std::to_string(writes) + std::string(40, 'n')) == Outcome::committed);
    with.executor.run_ready();
  }
  REQUIRE(writes < 1000);
  REQUIRE(with.figure("badger_pending_settles") > 0);
  const auto before = with.content("0");
  with.files->clear_faults();
  REQUIRE(with.snapshot());
  CHECK(with.figure("badger_flushed_memtables") - memtables > with.figure("badger_flushes") - flushes);
  CHECK(with.figure("badger_pending_settles") == 0);
  CHECK(with.content("0") == before);
  CHECK(with.count("0") == before.size());
  REQUIRE(with.close());
  REQUIRE(with.open());
  CHECK(with.content("0") == before);
  CHECK(with.count("0") == before.size());
}

TEST_CASE("badger: memtables take no more than their room", "[badger][flusher]") {
  EngineOptions options;
  options.engine = "badger";
  options.badger.mem_tables = 3;
  options.kv.wal_segment_bytes = 4 << 20;  // the log needs no further file
  EngineHarness with(options);
  REQUIRE(with.open());
  REQUIRE(with.put("0", "key", "value") == Outcome::committed);
  with.executor.run_for(100);
  with.files->inject({.call = SimulatedFileSystem::Call::create, .persistent = true});
  REQUIRE(first_refusal(with, 2000) == Outcome::behind);
  const uint64_t used = with.figure("badger_memtable_bytes") + with.figure("badger_sealed_memtable_bytes");
  CHECK(used > options.badger.memtables_room() * 3 / 4);
  CHECK(used < options.badger.memtables_room() + options.badger.mem_table_bytes);  // noticed a few writes later
  // Room comes back with the flush.
  with.files->clear_faults();
  with.executor.run_for(3000);
  CHECK(with.put("0", "key", "value") == Outcome::committed);
}

TEST_CASE("badger: INFO tells what was written and what it takes", "[badger][flusher]") {
  EngineOptions options;
  options.engine = "badger";
  options.badger.mem_table_bytes = 1 << 20;
  EngineHarness with(options);
  REQUIRE(with.open());
  constexpr uint64_t keys = 100, key_bytes = 8, small_bytes = 40, large_bytes = 1000;
  for (int i = 0; i < static_cast<int>(keys); ++i)
    REQUIRE(with.put("0", key_of(i), std::string(i % 2 == 0 ? small_bytes : large_bytes, 'v')) == Outcome::committed);
  constexpr uint64_t user_bytes = keys * key_bytes + keys / 2 * (small_bytes + large_bytes);
  CHECK(with.figure("badger_user_bytes") == user_bytes);
  CHECK(with.figure("badger_pending_settles") == 0);  // of an empty store nothing is below
  REQUIRE(with.snapshot());
  CHECK(with.figure("badger_live_bytes") == user_bytes);
  CHECK(with.figure("badger_flushes") == 1);
  // Small values to the log and to a table, large ones to the value log alone.
  CHECK(with.figure("badger_write_amplification_percent") > 100);
  CHECK(with.figure("badger_write_amplification_percent") < 150);
  CHECK(with.figure("badger_space_amplification_percent") > 50);
  CHECK(with.figure("badger_space_amplification_percent") < 130);
  for (int i = 0; i < static_cast<int>(keys); ++i) REQUIRE(with.remove("0", key_of(i)) == Outcome::committed);
  CHECK(with.figure("badger_user_bytes") == user_bytes + keys * key_bytes);
  CHECK(with.figure("badger_pending_settles") == keys);
}

TEST_CASE("badger: INFO tells that writes waited, and for what", "[badger][flusher]") {
  EngineOptions options;
  options.engine = "badger";
  EngineHarness with(options);
  REQUIRE(with.open());
  // Nothing runs in the background but what a write that was told to wait waits for.
  for (int i = 0; i < 2000; ++i) REQUIRE(with.put("0", key_of(i), std::string(40, 'n')) == Outcome::committed);
  CHECK(with.figure("badger_held_for_memtables") + with.figure("badger_held_for_level0") > 0);
  CHECK(with.figure("badger_held_for_disk") == 0);
  CHECK(with.figure("badger_held_for_count") == 0);
}
