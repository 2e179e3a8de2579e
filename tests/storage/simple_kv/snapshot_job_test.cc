// Snapshots while writes go on, what fails in them, and what the clock does meanwhile.
#include <catch2/catch.hpp>

#include "storage/simple_kv/manifest.h"
#include "tests/support/engine_harness.h"

using namespace sett::storage;
using Outcome = EngineHarness::Outcome;
using Call = SimulatedFileSystem::Call;

namespace {

EngineOptions kv_options(ShardIndex shards = 2) {
  EngineOptions options;
  options.engine = "simple_kv";
  options.kv.shards = shards;
  return options;
}

Manifest read_back(EngineHarness& with) {
  auto manifest = read_manifest(*with.files, "/db/last_state");
  REQUIRE(manifest.is_ok());
  REQUIRE(manifest.value());
  return *manifest.value();
}

}  // namespace

TEST_CASE("replay: several mutations of one key in one record, with and without a snapshot in between",
          "[simple_kv][snapshot]") {
  EngineHarness with(kv_options());
  REQUIRE(with.open());
  const auto batch = [](Transaction& txn) {
    const auto in = txn.bucket("0");
    txn.put(in, "twice", "one", 0, Event::set);
    txn.splice(in, "twice", 3, "two", 6, Event::append);
    txn.put(in, "gone", "x", 0, Event::set);
    txn.remove(in, "gone", Event::del);
    txn.remove(in, "back", Event::del);
    txn.put(in, "back", "y", 0, Event::set);
    txn.expire(in, "back", txn.now_ms() + 50'000, Event::expire);
  };
  const auto check = [&] {
    REQUIRE(with.get("0", "twice") == "onetwo");
    REQUIRE_FALSE(with.get("0", "gone"));
    REQUIRE(with.get("0", "back") == "y");
    REQUIRE(with.expiry("0", "back") == 1'700'000'050'000);
  };
  SECTION("in the log only") {
    with.run(batch);
  }
  SECTION("at every moment of a snapshot") {
    const int steps = GENERATE(range(0, 24));
    with.put("0", "back", "old");
    with.store().snapshot([](const Status&) {});
    for (int i = 0; i < steps; ++i) with.executor.run_one();
    with.run(batch);
    with.executor.run_for(100);
    REQUIRE(with.store().stats().last_snapshot_ms > 0);
  }
  check();
  with.kill();
  REQUIRE(with.open());
  check();
  REQUIRE(with.close());
  REQUIRE(with.open());
  check();
}

TEST_CASE("snapshot: flush, drop, swap and slots used again while it walks", "[simple_kv][snapshot]") {
  const int steps = GENERATE(range(0, 30, 2));
  EngineHarness with(kv_options(3));
  REQUIRE(with.open());
  for (int i = 0; i < 50; ++i) {
    with.put("a", "k" + std::to_string(i), std::string(200, 'a'));
    with.put("b", "k" + std::to_string(i), std::string(200, 'b'));
    with.put("c", "k" + std::to_string(i), std::string(200, 'c'));
  }
  with.store().snapshot([](const Status&) {});
  for (int i = 0; i < steps; ++i) with.executor.run_one();
  with.splice("a", "k1", 0, "x", 200);
  with.drop("a");
  with.executor.run_one();
  with.put("d", "new", "d");  // in the slot that a had
  with.swap("b", "c");
  with.flush("b");
  with.put("b", "k2", "fresh");
  with.splice("c", "k3", 0, "X", 200);
  with.expire("c", "k4", with.now() + 70'000);
  with.executor.run_for(200);
  REQUIRE(with.store().stats().last_snapshot_ms > 0);
  with.kill();
  REQUIRE(with.open());
  REQUIRE(with.count("a") == 0);
  REQUIRE(with.store().list_buckets().size() == 3);
  REQUIRE(with.content("b").size() == 1);
  REQUIRE(with.get("b", "k2") == "fresh");
  REQUIRE(with.content("d").size() == 1);
  REQUIRE(with.count("c") == 50);
  REQUIRE(with.get("c", "k3") == "X" + std::string(199, 'b'));
  REQUIRE(with.expiry("c", "k4") > 0);
}

TEST_CASE("bucket ids are not used again after a restart", "[simple_kv][snapshot]") {
  EngineHarness with(kv_options());
  REQUIRE(with.open());
  std::set<BucketId> ids;
  for (int life = 0; life < 12; ++life) {
    INFO("life " << life);
    for (int i = 0; i < 3; ++i) {
      const bool is_new = with.store().find_bucket("a") == no_bucket;
      with.put("a", "k", "v" + std::to_string(life));
      if (is_new) REQUIRE(ids.insert(with.store().find_bucket("a")).second);
      if (i % 2 == 0) {
        with.flush("a");
        REQUIRE(ids.insert(with.store().find_bucket("a")).second);
      } else {
        with.drop("a");
      }
    }
    with.drop("a");
    if (life % 4 == 1) REQUIRE(with.snapshot());
    if (life % 2)
      REQUIRE(with.close());
    else
      with.kill();
    REQUIRE(with.open());
    REQUIRE(with.count("a") == 0);
  }
}

TEST_CASE("expiry passes last over restarts with a clock that is set back", "[simple_kv][snapshot]") {
  const bool snapshot = GENERATE(false, true);
  EngineHarness with(kv_options());
  REQUIRE(with.open());
  with.put("0", "due", "v", with.now() + 100);
  with.put("0", "later", "v", with.now() + 100'000);
  with.executor.run_for(200);  // a pass
  REQUIRE(with.put("0", "after", "v", with.now() + 5'000) == Outcome::committed);
  if (snapshot) REQUIRE(with.snapshot());
  with.kill();
  with.clock.jump_wall_ms(-3'600'000);
  REQUIRE(with.open());
  REQUIRE_FALSE(with.get("0", "due"));
  REQUIRE(with.count("0") == 2);
  REQUIRE(with.get("0", "later") == "v");
  REQUIRE(with.put("0", "due", "again") == Outcome::committed);  // after the pass in the log
  with.kill();
  REQUIRE(with.open());
  REQUIRE(with.get("0", "due") == "again");
  REQUIRE(with.get("0", "after") == "v");
}

TEST_CASE("a snapshot under a clock that was set back keeps what is alive", "[simple_kv][snapshot]") {
  auto options = kv_options(8);
  options.starts = false;  // no reaper that raises the floor of all shards
  EngineHarness with(options);
  REQUIRE(with.open());
  with.put("0", "elsewhere", "v");
  const ShardIndex judged = with.store().shard_of("elsewhere");
  with.clock.jump_wall_ms(10'000);
  with.get("0", "elsewhere");
  with.clock.jump_wall_ms(-10'000);
  std::vector<std::string> keys;
  for (int i = 0; keys.size() < 20; ++i)
    if (with.store().shard_of("k" + std::to_string(i)) != judged) keys.push_back("k" + std::to_string(i));
  for (const auto& key : keys) with.put("0", key, "v", with.now() + 5'000);
  REQUIRE(with.snapshot());
  with.kill();
  REQUIRE(with.open());
  for (const auto& key : keys) REQUIRE(with.get("0", key) == "v");
}

TEST_CASE("a failed snapshot leaves the old one, also when nobody knows whether it failed", "[simple_kv][snapshot]") {
  for (uint64_t nth = 1;; ++nth) {
    INFO("call " << nth);
    REQUIRE(nth < 60);
    auto options = kv_options();
    options.kv.reserve_bytes = 0;  // no second try
    EngineHarness with(options);
    REQUIRE(with.open());
    with.put("0", "k", "1");
    REQUIRE(with.snapshot());
    const auto before = read_back(with);
    const int64_t last_save_ms = with.store().stats().last_snapshot_ms;
    with.clock.advance_ms(5);
    with.put("0", "k", "2");
    with.executor.run_for(1100);  // synced: what fails from now on is the snapshot
    with.files->inject({.nth = nth, .kind = nth % 2 ? ErrorKind::io : ErrorKind::no_space});
    const auto status = with.snapshot();
    if (status.is_ok() || with.store().journal().failed()) {
      if (status.is_ok() && read_back(with).generation != before.generation) break;  // all its calls have failed once
      continue;
    }
    REQUIRE(with.store().stats().snapshot_failed);
    REQUIRE(with.store().stats().last_snapshot_ms == last_save_ms);
    for (const auto policy : crash_policies) {
      EngineHarness then(kv_options());
      then.files = with.files->crash(policy, nth);
      REQUIRE(then.open());
      REQUIRE(then.get("0", "k") == "2");
    }
    with.files->clear_faults();
    with.put("0", "k", "3");
    REQUIRE(with.snapshot());
    REQUIRE(read_back(with).generation > before.generation);
    REQUIRE(with.store().stats().last_snapshot_ms > last_save_ms);
    REQUIRE(with.files->list("/db/last_state").value().size() == 3);
    with.power_cut(CrashPolicy::drop, nth);
    REQUIRE(with.open());
    REQUIRE(with.get("0", "k") == "3");
  }
}

TEST_CASE("after kill -9 the manifest is on disk before an older snapshot goes", "[simple_kv][snapshot]") {
  // The process dies when the new manifest is renamed into place and its folder not yet synced.
  std::unique_ptr<SimulatedFileSystem> killed;
  for (uint64_t calls = 1; !killed; ++calls) {
    REQUIRE(calls < 60);
    EngineHarness with(kv_options());
    REQUIRE(with.open());
    with.put("0", "k", "1");
    REQUIRE(with.snapshot());
    with.put("0", "k", "2");
    with.executor.run_for(1100);
    with.files->crash_after(calls);
    const auto status = with.snapshot();
    if (!status.is_ok() && with.files->last_call().starts_with("rename")) killed = with.files->kill();
  }
  for (uint64_t calls = 0; calls < 40; ++calls) {
    for (uint64_t seed = 0; seed < 8; ++seed) {
      EngineHarness then(kv_options());
      then.files = killed->kill();
      then.files->crash_after(calls);
      const bool opened = then.open().is_ok();
      then.power_cut(CrashPolicy::reordered, seed);
      const auto status = then.open();
      INFO("calls " << calls << " seed " << seed << " opened " << opened << " " << status.to_string());
      REQUIRE(status);
      REQUIRE(then.get("0", "k") == "2");
    }
  }
}

TEST_CASE("a snapshot counts only when all that was walked is synced in the log", "[simple_kv][snapshot]") {
  for (int steps = 0; steps < 24; ++steps) {
    EngineHarness with(kv_options());
    REQUIRE(with.open());
    std::string other;
    for (int i = 0; other.empty(); ++i)
      if (const auto key = "k" + std::to_string(i); with.store().shard_of(key) != with.store().shard_of("a"))
        other = key;
    const auto put_both = [&](std::string_view value) {
      with.run([&](Transaction& txn) {
        const auto in = txn.bucket("0");
        txn.put(in, "a", value, 0, Event::set);
        txn.put(in, other, value, 0, Event::set);
      });
    };
    put_both("1");
    with.executor.run_for(1100);
    with.store().snapshot([](const Status&) {});
    for (int i = 0; i < steps; ++i) with.executor.run_one();
    put_both("2");
    for (int step = 0; step < 60; ++step) {
      INFO("steps " << steps << " and " << step);
      EngineHarness then(kv_options());
      then.files = with.files->crash(step % 2 ? CrashPolicy::drop : CrashPolicy::reordered, 1);
      const auto status = then.open();
      INFO(status.to_string());
      REQUIRE(status);
      REQUIRE(then.get("0", "a") == then.get("0", other));
      REQUIRE(then.get("0", "a").has_value());
      if (!with.executor.run_one()) with.executor.run_for(1);
    }
  }
}

TEST_CASE("a full disk: writes are refused and change nothing, removals go on, writing resumes",
          "[simple_kv][snapshot]") {
  EngineHarness with(kv_options());
  REQUIRE(with.open());
  const std::string value(3000, 'v');
  with.put("0", "k", "v");
  with.executor.run_for(100);
  with.files->set_capacity(with.files->used_bytes());
  uint64_t written = 0;
  Outcome outcome = Outcome::committed;
  for (int i = 0; i < 500 && outcome == Outcome::committed; ++i) {
    outcome = with.put("0", "big" + std::to_string(i), value);
    written += outcome == Outcome::committed;
    with.executor.run_ready();
  }
  REQUIRE(outcome == Outcome::no_space);
  REQUIRE(with.store().stats().disk_full);
  REQUIRE(with.count("0") == written + 1);
  REQUIRE(with.put("0", "k", value) == Outcome::no_space);
  REQUIRE(with.get("0", "k") == "v");
  REQUIRE_FALSE(with.snapshot());
  for (int i = 0; i < 5; ++i) REQUIRE(with.remove("0", "big" + std::to_string(i)) == Outcome::committed);
  REQUIRE(with.count("0") == written + 1 - 5);
  with.files->set_capacity(SimulatedFileSystem::unlimited);
  with.executor.run_for(500);
  REQUIRE(with.put("0", "k", value) == Outcome::committed);
  REQUIRE(with.close());
  REQUIRE(with.open());
  REQUIRE(with.get("0", "k") == value);
  REQUIRE(with.count("0") == written + 1 - 5);
}

TEST_CASE("the store goes while a snapshot is under way", "[simple_kv][snapshot]") {
  for (int steps = 0; steps < 20; ++steps) {
    EngineHarness with(kv_options());
    REQUIRE(with.open());
    for (int i = 0; i < 30; ++i) with.put("0", "k" + std::to_string(i), "v");
    with.store().snapshot([](const Status&) {});
    for (int i = 0; i < steps; ++i) with.executor.run_one();
    {
      // Steps that are left in the executor find the store gone.
      EngineHarness then(kv_options());
      auto opened = open_simple_kv(*then.files, with.executor, with.clock, then.options.kv, nullptr);
      REQUIRE(opened.is_ok());
      opened.value()->snapshot([](const Status&) {});
    }
    with.executor.run_for(50);
    REQUIRE(with.close());
    REQUIRE(with.open());
    REQUIRE(with.count("0") == 30);
  }
}

TEST_CASE("snapshots begin by themselves: by log size, by time", "[simple_kv][snapshot]") {
  auto options = kv_options();
  options.kv.snapshot_log_bytes = 100'000;
  options.kv.snapshot_interval_ms = 60'000;
  EngineHarness with(options);
  REQUIRE(with.open());
  with.put("0", "k", "v");
  with.executor.run_for(30'000);
  REQUIRE(with.store().stats().last_snapshot_ms == 0);
  with.executor.run_for(31'000);
  const auto first_ms = with.store().stats().last_snapshot_ms;
  REQUIRE(first_ms > 0);
  with.executor.run_for(200'000);  // nothing has changed
  REQUIRE(with.store().stats().last_snapshot_ms == first_ms);
  REQUIRE(with.store().stats().changes_since_snapshot == 0);
  for (int i = 0; i < 60; ++i) {
    with.put("0", "k", std::string(2000, 'v'));
    with.executor.run_ready();
  }
  with.executor.run_for(1000);
  REQUIRE(with.store().stats().last_snapshot_ms > first_ms);
  REQUIRE(with.store().stats().log.bytes < 100'000);
}
