#include "storage/log/log_copy.h"

#include <catch2/catch.hpp>

#include "tests/support/log_harness.h"

namespace sett::storage {

namespace {

Records copied(LogHarness& with, Sequence after, Sequence through, const std::string& to) {
  const auto copy = copy_live_log(*with.files, with.options.directory, after, through, to, 3);
  INFO(copy.status().to_string());
  REQUIRE(copy.is_ok());
  LogHarness reader;
  reader.files = with.files->kill();
  reader.options.directory = to;
  const Status opened = reader.open(after);
  INFO(opened.to_string());
  REQUIRE(opened);
  CHECK(reader.log->last() >= std::max(after, through));
  CHECK(reader.recovery.cut_bytes == 0);
  CHECK((reader.found.empty() ? 0 : reader.found.back().first) == copy.value().last_record);
  return reader.found;
}

}  // namespace

TEST_CASE("the records between two sequences of a log that is open make a log of their own", "[log]") {
  LogHarness with;
  REQUIRE(with.open());
  Records all;
  for (uint64_t i = 1; i <= 80; ++i) {
    const std::string record = record_of(i, 20 + (i % 9) * 4000);
    REQUIRE(with.put(record));
    all.emplace_back(with.log->last(), record);
  }
  with.log->request_sync();
  with.executor.run_for(100);
  REQUIRE(with.log->synced() == 80);
  REQUIRE(with.segments().size() > 3);
  const std::vector<std::pair<Sequence, Sequence>> ranges{{0, 80}, {0, 1}, {10, 50}, {79, 80}, {80, 80}, {0, 0}};
  for (const auto& [after, through] : ranges) {
    INFO(after << " to " << through);
    const Records expected(all.begin() + static_cast<std::ptrdiff_t>(after),
                           all.begin() + static_cast<std::ptrdiff_t>(through));
    CHECK(copied(with, after, through, "/copy" + std::to_string(after) + "-" + std::to_string(through)) == expected);
  }
}

TEST_CASE("a log that passed over sequences, as behind a cut tail, is copied with the gap", "[log]") {
  LogHarness with;
  REQUIRE(with.open());
  for (uint64_t i = 1; i <= 5; ++i) REQUIRE(with.put(record_of(i, 3000)));
  with.log->request_sync();
  with.executor.run_for(100);
  // Two more, of which the power cut leaves a part.
  REQUIRE(with.put(record_of(6, 3000)));
  REQUIRE(with.put(record_of(7, 60000)));
  with.restart_on(with.files->crash(CrashPolicy::torn_4096, 4));
  REQUIRE(with.open());
  const Records before = with.found;
  REQUIRE(with.put("after the cut"));
  const Sequence last = with.log->last();
  with.log->request_sync();
  with.executor.run_for(100);
  Records expected = before;
  expected.emplace_back(last, "after the cut");
  CHECK(copied(with, 0, last, "/copy") == expected);
  CHECK(copied(with, 5, last, "/copy5").back() == expected.back());
}

}  // namespace sett::storage
