// A disk that sett itself has filled: what gets it free again, by itself.
#include <catch2/catch.hpp>

#include "storage/simple_kv/disk_reserve.h"
#include "tests/support/engine_harness.h"

using namespace sett::storage;
using Outcome = EngineHarness::Outcome;
using Call = SimulatedFileSystem::Call;

namespace {

constexpr uint64_t disk_bytes = 1 << 20;
const std::string reserve_path = "/db/last_state/RESERVE";

// No snapshot by size or time: only the disk calls for them.
EngineOptions small_disk() {
  EngineOptions options;
  options.engine = "simple_kv";
  options.kv.shards = 2;
  options.kv.snapshot_log_bytes = 0;
  return options;
}

// New keys until the first is refused; how many were taken.
int fill(EngineHarness& with, size_t value_bytes = 3000) {
  for (int i = 0; i < 50'000; ++i) {
    const auto outcome = with.put("0", "k" + std::to_string(i), std::string(value_bytes, 'v'));
    if (outcome == Outcome::no_space) return i;
    REQUIRE(outcome == Outcome::committed);
    if (i % 8 == 0) with.executor.run_for(1);
  }
  FAIL("the disk never was full");
  return 0;
}

// Within a few seconds, without anybody's help.
bool resumes(EngineHarness& with) {
  for (int seconds = 0; seconds < 4; ++seconds) {
    with.executor.run_for(1000);
    if (with.put("0", "resumed", std::string(3000, 'r')) == Outcome::committed) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a disk filled with keys is free again after FLUSHDB", "[simple_kv][full_disk]") {
  EngineHarness with(small_disk());
  with.files->set_capacity(disk_bytes);
  REQUIRE(with.open());
  for (int round = 0; round < 3; ++round) {
    INFO("round " << round);
    const int keys = fill(with);
    REQUIRE(keys > 100);  // less than half of the disk: the rest is for a snapshot of them
    REQUIRE(with.store().stats().disk_full);
    with.executor.run_for(10'000);  // nothing to gain: all is alive
    REQUIRE(with.put("0", "k0", std::string(3000, 'w')) == Outcome::no_space);
    REQUIRE(with.flush("0") == Outcome::committed);
    REQUIRE(resumes(with));
    with.executor.run_for(1000);
    REQUIRE(with.files->exists(reserve_path).value());
    REQUIRE_FALSE(with.store().stats().snapshot_failed);
  }
  with.kill();
  REQUIRE(with.open());
  REQUIRE(with.count("0") == 1);
}

TEST_CASE("a disk filled with keys is free again after DEL of most of them", "[simple_kv][full_disk]") {
  EngineHarness with(small_disk());
  with.files->set_capacity(disk_bytes);
  REQUIRE(with.open());
  const int keys = fill(with, 1000);
  for (int i = 5; i < keys; ++i) {
    REQUIRE(with.remove("0", "k" + std::to_string(i)) == Outcome::committed);
    if (i % 20 == 0) with.executor.run_for(1);
  }
  REQUIRE(resumes(with));
  REQUIRE(with.count("0") == 6);
  with.power_cut(CrashPolicy::drop, 1);
  REQUIRE(with.open());
  REQUIRE(with.get("0", "k1") == std::string(1000, 'v'));
}

TEST_CASE("keys written over again and again never fill a disk that has room for them", "[simple_kv][full_disk]") {
  EngineHarness with(small_disk());
  with.files->set_capacity(disk_bytes);
  REQUIRE(with.open());
  for (int i = 0; i < 3000; ++i) {
    INFO("write " << i);
    REQUIRE(with.put("0", "k" + std::to_string(i % 40), std::string(3000, 'v')) == Outcome::committed);
    with.executor.run_for(10);
  }
  REQUIRE(with.store().stats().last_snapshot_ms > 0);
}

TEST_CASE("a snapshot without room takes the reserve, which is made anew", "[simple_kv][full_disk]") {
  EngineHarness with(small_disk());
  REQUIRE(with.open());
  REQUIRE(with.files->content(reserve_path).size() == with.options.kv.reserve_bytes);
  for (int i = 0; i < 10; ++i) with.put("0", "k" + std::to_string(i), std::string(1000, 'v'));
  with.executor.run_for(1200);
  with.files->set_capacity(with.files->used_bytes() + 4000);  // for less than half of it
  REQUIRE(with.snapshot());
  REQUIRE_FALSE(with.files->exists(reserve_path).value());
  with.files->set_capacity(SimulatedFileSystem::unlimited);
  with.executor.run_for(300);
  REQUIRE(with.files->content(reserve_path).size() == with.options.kv.reserve_bytes);

  SECTION("a second try that finds no room either is a failure") {
    for (int i = 0; i < 40; ++i) with.put("0", "l" + std::to_string(i), std::string(1000, 'v'));
    with.executor.run_for(1200);
    with.files->set_capacity(with.files->used_bytes());
    REQUIRE(with.snapshot().kind() == ErrorKind::no_space);
    REQUIRE(with.store().stats().snapshot_failed);
    REQUIRE(with.files->list("/db/last_state").value().size() <= 4);
    REQUIRE(with.put("0", "small", "v") == Outcome::committed);  // the log has room yet
  }
  SECTION("a reserve that is shorter than it should be is made anew at the start") {
    REQUIRE(with.close());
    with.files->set_content(reserve_path, "");
    REQUIRE(with.open());
    REQUIRE(with.files->content(reserve_path).size() == with.options.kv.reserve_bytes);
  }
}

TEST_CASE("the power goes anywhere between a full disk and its release", "[simple_kv][full_disk][crash]") {
  bool over = false;
  for (uint64_t calls = 0; !over; calls += 1) {
    REQUIRE(calls < 400);
    EngineHarness with(small_disk());
    with.files->set_capacity(disk_bytes / 4);
    REQUIRE(with.open());
    fill(with);
    REQUIRE(with.flush("0") == Outcome::committed);
    with.executor.run_ready();
    with.store().journal().request_sync();
    with.executor.run_ready();
    const auto flushed = with.store().journal().synced() == with.store().journal().last();
    REQUIRE(flushed);
    with.files->crash_after(calls);
    with.executor.run_for(1500);
    over = !with.files->crashed();
    for (const auto policy : crash_policies) {
      EngineHarness then(small_disk());
      then.files = with.files->crash(policy, calls);
      then.files->set_capacity(disk_bytes / 4);
      const auto status = then.open();
      INFO("calls " << calls << " policy " << static_cast<int>(policy) << " " << status.to_string());
      REQUIRE(status);
      REQUIRE(then.count("0") == 0);
      REQUIRE(resumes(then));
    }
  }
}

TEST_CASE("a full disk of live keys can be started on, wherever the process was killed",
          "[simple_kv][full_disk][crash]") {
  bool over = false;
  for (uint64_t calls = 0; !over; ++calls) {
    REQUIRE(calls < 400);
    EngineHarness with(small_disk());
    with.files->set_capacity(disk_bytes / 4);
    REQUIRE(with.open());
    const int keys = fill(with);
    for (int i = 0; i < keys; i += 2) REQUIRE(with.remove("0", "k" + std::to_string(i)) == Outcome::committed);
    with.executor.run_for(20);  // all that was acknowledged is written
    with.files->crash_after(calls);
    [[maybe_unused]] const Status outcome = with.snapshot();  // the power may go within it
    with.executor.run_for(500);
    over = !with.files->crashed();
    EngineHarness then(small_disk());
    then.files = with.files->kill();
    then.files->set_capacity(disk_bytes / 4);
    const auto status = then.open();
    INFO("calls " << calls << " " << status.to_string());
    REQUIRE(status);
    REQUIRE(then.count("0") == static_cast<uint64_t>(keys / 2));
    REQUIRE(then.flush("0") == Outcome::committed);
    REQUIRE(resumes(then));
  }
}

TEST_CASE("on a disk that others have filled the store starts by its reserve: reads and deletes go on",
          "[simple_kv][full_disk]") {
  EngineHarness with(small_disk());
  REQUIRE(with.open());
  for (int i = 0; i < 20; ++i) REQUIRE(with.put("0", "k" + std::to_string(i), "v") == Outcome::committed);
  with.executor.run_for(100);
  REQUIRE(with.files->exists(reserve_path).value());
  with.kill();
  with.files->set_capacity(with.files->used_bytes());
  const auto status = with.open();
  INFO(status.to_string());
  REQUIRE(status);
  REQUIRE(with.count("0") == 20);
  REQUIRE(with.remove("0", "k1") == Outcome::committed);
  REQUIRE(with.get("0", "k2") == "v");
  with.files->set_capacity(SimulatedFileSystem::unlimited);
  REQUIRE(resumes(with));
}

TEST_CASE("deletes one by one empty a disk full of small keys, and writing resumes", "[simple_kv][full_disk]") {
  EngineHarness with(small_disk());
  with.files->set_capacity(disk_bytes);
  REQUIRE(with.open());
  const int keys = fill(with, 1);
  REQUIRE(keys > 5000);
  for (int i = 0; i < keys; ++i) {
    INFO("key " << i << " of " << keys);
    REQUIRE(with.remove("0", "k" + std::to_string(i)) == Outcome::committed);
  }
  REQUIRE(with.count("0") == 0);
  REQUIRE(resumes(with));
  with.kill();
  REQUIRE(with.open());
  REQUIRE(with.count("0") == 1);
}

TEST_CASE("on a full disk neither swaps nor flushes of what is empty use up the room of deletes",
          "[simple_kv][full_disk]") {
  EngineHarness with(small_disk());
  with.files->set_capacity(disk_bytes);
  REQUIRE(with.open());
  REQUIRE(with.put("1", "one", "1") == Outcome::committed);
  REQUIRE(with.put("2", "two", "2") == Outcome::committed);
  REQUIRE(with.put("empty", "gone", "1") == Outcome::committed);
  REQUIRE(with.remove("empty", "gone") == Outcome::committed);
  fill(with);
  while (with.put("0", "last", "v") == Outcome::committed) {
  }
  const auto last = with.store().journal().last();
  for (int i = 0; i < 3000; ++i) REQUIRE(with.flush("empty") == Outcome::committed);
  REQUIRE(with.store().journal().last() == last);
  int swaps = 0;
  while (swaps < 3000 && with.swap("1", "2") == Outcome::committed) ++swaps;
  REQUIRE(swaps < 10);
  REQUIRE(with.put("new", "k", "v") == Outcome::no_space);
  REQUIRE(with.remove("0", "k1") == Outcome::committed);
  REQUIRE(with.flush("0") == Outcome::committed);
  REQUIRE(resumes(with));
}

TEST_CASE("a few keys overwritten as fast as possible wait for room and are never refused", "[simple_kv][full_disk]") {
  EngineHarness with(small_disk());
  with.files->set_capacity(disk_bytes);
  REQUIRE(with.open());
  for (int i = 0; i < 4000; ++i) {
    INFO("write " << i);
    REQUIRE(with.put("0", "k" + std::to_string(i % 40), std::string(3000, 'v')) == Outcome::committed);
  }
  REQUIRE(with.store().stats().last_snapshot_ms > 0);
  with.power_cut(CrashPolicy::drop, 1);
  REQUIRE(with.open());
  REQUIRE(with.count("0") == 40);
}

TEST_CASE("each part of a full disk that is deleted can be written anew", "[simple_kv][full_disk]") {
  EngineHarness with(small_disk());
  with.files->set_capacity(disk_bytes);
  REQUIRE(with.open());
  const int keys = fill(with, 1000);
  for (int part = 0; part < 9; ++part) {
    INFO("part " << part);
    for (int i = part * keys / 10; i < (part + 1) * keys / 10; ++i)
      REQUIRE(with.remove("0", "k" + std::to_string(i)) == Outcome::committed);
    REQUIRE(resumes(with));
  }
}

TEST_CASE("the log leaves room for a snapshot of what lives", "[simple_kv][full_disk]") {
  EngineHarness with(small_disk());
  with.files->set_capacity(disk_bytes);
  REQUIRE(with.open());
  fill(with);
  with.executor.run_for(10'000);
  REQUIRE(with.put("0", "k0", std::string(3000, 'w')) == Outcome::no_space);
  REQUIRE(with.snapshot());
}

TEST_CASE("what drops whole buckets has room when deletes have none", "[simple_kv][full_disk]") {
  EngineHarness with(small_disk());
  REQUIRE(with.open());
  with.executor.run_for(300);
  for (int i = 0; i < 2000; ++i) REQUIRE(with.put("0", "k" + std::to_string(i), "v") == Outcome::committed);
  REQUIRE(with.put("other", "k", "v") == Outcome::committed);
  with.executor.run_for(1200);
  with.files->set_capacity(0);  // others have taken what was free
  Outcome outcome = Outcome::committed;
  for (int i = 0; i < 2000 && outcome == Outcome::committed; ++i) outcome = with.remove("0", "k" + std::to_string(i));
  REQUIRE(outcome == Outcome::no_space);
  REQUIRE(with.drop("other") == Outcome::committed);
  REQUIRE(with.flush("0") == Outcome::committed);
  REQUIRE(with.count("0") == 0);
  with.files->set_capacity(disk_bytes);
  REQUIRE(resumes(with));
}
