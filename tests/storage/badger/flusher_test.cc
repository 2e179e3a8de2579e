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
