// How many keys there are, when much of the memtable does not know what it replaced.
#include <catch2/catch.hpp>

#include "tests/support/engine_harness.h"

using namespace sett::storage;

namespace {

EngineOptions with_large_memtable(bool chaos) {
  EngineOptions options;
  options.engine = "badger";
  options.chaos = chaos;
  options.badger.mem_table_bytes = 16 << 20;  // nothing is flushed by itself
  return options;
}

}  // namespace

TEST_CASE("badger: a count is exact when thousands of entries do not know what they replaced", "[engine][badger]") {
  const bool chaos = GENERATE(false, true);
  EngineHarness with(with_large_memtable(chaos));
  REQUIRE(with.open());
  const auto put = [&](int from, int to, const char* value) {
    for (int i = from; i < to; ++i) with.put("0", "key" + std::to_string(i), value);
  };
  put(0, 3000, "value");
  REQUIRE(with.count("0") == 3000);
  REQUIRE(with.snapshot());
  // Of what is overwritten, new and removed, none knows what lies in the tables.
  put(1000, 3500, "other");
  for (int i = 0; i < 500; ++i) with.remove("0", "key" + std::to_string(i));
  for (int i = 9000; i < 9100; ++i) with.remove("0", "key" + std::to_string(i));
  REQUIRE(with.count("0") == 3000);
  uint64_t bytes = 0;
  for (const auto& [key, entry] : with.content("0")) bytes += key.size() + entry.first.size();
  REQUIRE(with.usage("0").bytes == bytes);
  put(0, 10, "few");
  REQUIRE(with.count("0") == 3010);
  REQUIRE(with.content("0").size() == 3010);
}
