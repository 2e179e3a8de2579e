// The power goes after every single call, under every policy, also during the recovery from it; every call fails in
// turn. What is found is a state of the past, whole batches, no older than what was promised.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>
#include <set>

#include "tests/support/store_model.h"

using namespace sett::storage;
using Outcome = EngineHarness::Outcome;
using Call = SimulatedFileSystem::Call;

namespace {

bool long_run() {
  return std::getenv("SETT_LONG") != nullptr;
}

EngineOptions crash_options(uint64_t seed, bool sync_writes) {
  EngineOptions options;
  options.engine = "simple_kv";
  options.seed = seed;
  options.kv.default_shards = 2;
  options.kv.sync_writes = sync_writes;
  options.kv.wal_segment_bytes = 32 << 10;
  options.kv.compress_values = seed % 2 == 0;
  return options;
}

struct State {
  Sequence sequence;
  StoreModel model;
};

// What somebody outside knows.
struct Witness {
  std::vector<State> history{{0, {}}};
  Sequence safe = 0, synced = 0;
  uint64_t snapshots = 0, refused = 0;
  int64_t latest_ms = 0;

  void look(EngineHarness& with) {
    safe = std::max(safe, with.store().journal().safe());
    synced = std::max(synced, with.store().journal().synced());
  }
};

// One batch drawn from the seed. False: the store gives no more.
bool live_once(EngineHarness& with, Witness& witness, Random& random) {
  const OperationMix mix{.keys = 8, .bytes_max = 60, .large_values = false, .bucket_changes = true};
  std::vector<Operation> body;
  for (uint64_t n = 1 + random.below(5); n > 0; --n) body.push_back(draw_operation(random, mix));
  if (random.one_in(4)) {  // something that fills segments
    body.push_back(draw_operation(random, mix));
    body.back().kind = Operation::Kind::put;
    body.back().value = std::string(4000 + random.below(9000), static_cast<char>(random.next()));
  }
  const Sequence before = with.store().journal().last();
  const auto outcome = with.run([&](Transaction& txn) {
    for (const Operation& operation : body) perform(txn, operation);
  });
  if (outcome != Outcome::committed) {
    ++witness.refused;
    bool counts_agree = false;
    if (outcome == Outcome::no_space) {
      StoreModel expected = witness.history.back().model;
      expected.forget_expired(with.last_now_ms());
      REQUIRE(content_of(with, counts_agree).text() == expected.text());
    }
    return outcome == Outcome::no_space;
  }
  StoreModel next = witness.history.back().model;
  for (const Operation& operation : body) perform(next, operation, with.last_now_ms());
  if (with.store().journal().last() > before)
    witness.history.push_back({with.store().journal().last(), std::move(next)});
  return true;
}

// A seeded life: batches, time, snapshots that run while writes go on, a clean close and an open in the middle.
void live(EngineHarness& with, Witness& witness, uint64_t seed) {
  Random random(seed);
  for (int life = 0; life < 2; ++life) {
    if (!with.open()) return;
    witness.look(with);
    for (int step = 0; step < 14; ++step) {
      if (!live_once(with, witness, random)) return;
      if (step % 5 == 2) with.store().snapshot([&](const Status& status) { witness.snapshots += status.is_ok(); });
      for (uint64_t n = random.below(6); n > 0; --n) with.executor.run_one();
      if (random.one_in(3)) with.executor.run_for(static_cast<int64_t>(random.below(40)));
      witness.look(with);
      witness.latest_ms = std::max({witness.latest_ms, with.last_now_ms(), with.now()});
    }
    if (life == 0) {
      with.executor.run_for(100);
      const auto closed = with.close();
      if (!closed) return;
      witness.safe = witness.synced = witness.history.back().sequence;
    }
  }
}

// Compares with the past; returns what was found.
StoreModel check(EngineHarness& with, const Witness& witness, Sequence promised) {
  bool counts_agree = false;
  StoreModel found = content_of(with, counts_agree);
  REQUIRE(counts_agree);
  std::string candidates;
  for (size_t i = witness.history.size(); i-- > 0;) {
    if (i + 1 < witness.history.size() && witness.history[i + 1].sequence <= promised) break;
    StoreModel expected = witness.history[i].model;
    expected.forget_expired(with.last_now_ms());
    if (found == expected) return found;
    candidates += "--- " + std::to_string(witness.history[i].sequence) + "\n" + expected.text();
  }
  FAIL("promised " << promised << ", found\n" << found.text() << "expected one of\n" << candidates);
  return found;
}

// Opens on what is left, with another layout; goes on, makes a snapshot, closes, opens again.
void recover(EngineHarness& with, const Witness& witness, Sequence promised, uint64_t seed) {
  with.clock.jump_wall_ms(std::max<int64_t>(0, witness.latest_ms - with.now()));
  with.options.kv.shards = static_cast<ShardIndex>(seed % 5);
  const auto status = with.open();
  INFO(status.to_string());
  REQUIRE(status);
  Witness then;
  then.history = {{0, check(with, witness, promised)}};
  Random random(seed + 99);
  for (int i = 0; i < 3; ++i) REQUIRE(live_once(with, then, random));
  if (seed % 2) {
    const auto made = with.snapshot();
    INFO(made.to_string());
    REQUIRE(made);
  }
  REQUIRE(live_once(with, then, random));
  REQUIRE(with.close());
  REQUIRE(with.open());
  check(with, then, then.history.back().sequence);
  REQUIRE(with.files->list("/db/last_state").value().size() <= 1 + MemoryStoreOptions::shards_max);
}

std::unique_ptr<EngineHarness> harness_on(std::unique_ptr<SimulatedFileSystem> files, uint64_t seed, bool sync_writes) {
  auto with = std::make_unique<EngineHarness>(crash_options(seed, sync_writes));
  with->files = std::move(files);
  return with;
}

uint64_t calls_of_life(uint64_t seed, bool sync_writes) {
  EngineHarness with(crash_options(seed, sync_writes));
  Witness witness;
  live(with, witness, seed);
  REQUIRE(witness.snapshots >= 3);
  REQUIRE(witness.refused == 0);
  return with.files->mutating_calls();
}

// A second power cut after every call of the recovery.
void crash_in_recovery(const SimulatedFileSystem& image, const Witness& witness, uint64_t seed, bool sync_writes,
                       std::set<uint64_t>& states) {
  for (uint64_t calls = 0;; ++calls) {
    INFO("second crash after " << calls << " calls");
    REQUIRE(calls < 200);
    auto with = harness_on(image.kill(), seed, sync_writes);
    with->clock.jump_wall_ms(std::max<int64_t>(0, witness.latest_ms - with->now()));
    with->files->crash_after(calls);
    const bool opened = with->open().is_ok();
    with->power_cut(crash_policies[calls % crash_policies.size()], seed + calls);
    states.insert(with->files->durable_hash());
    const auto status = with->open();
    INFO(status.to_string());
    REQUIRE(status);
    check(*with, witness, witness.synced);
    if (opened) return;
  }
}

}  // namespace

TEST_CASE("simple_kv: the power goes after every call", "[simple_kv][crash]") {
  std::set<uint64_t> states;
  uint64_t crashes = 0, snapshots = 0;
  const uint64_t seeds = long_run() ? 8 : 1;
  for (const bool sync_writes : {false, true}) {
    for (uint64_t seed = 1; seed <= seeds; ++seed) {
      const uint64_t calls = calls_of_life(seed, sync_writes);
      for (uint64_t call = 0; call <= calls; call += 1) {
        EngineHarness lived(crash_options(seed, sync_writes));
        Witness witness;
        lived.files->crash_after(call);
        live(lived, witness, seed);
        snapshots += witness.snapshots;
        const auto last_call = lived.files->last_call();
        lived.gone();
        for (const auto policy : crash_policies) {
          if (!long_run() && policy != CrashPolicy::reordered && (call + static_cast<uint64_t>(policy)) % 3) continue;
          INFO("seed " << seed << " sync_writes " << sync_writes << " call " << call << " of " << calls << " ("
                       << last_call << ") policy " << static_cast<int>(policy));
          auto with = harness_on(lived.files->crash(policy, seed * 1000 + call), seed, sync_writes);
          states.insert(with->files->durable_hash());
          ++crashes;
          if (call % (long_run() ? 3 : 20) == 0) crash_in_recovery(*with->files, witness, seed, sync_writes, states);
          recover(*with, witness, witness.synced, seed + call);
        }
        INFO("seed " << seed << " sync_writes " << sync_writes << " kill -9 after call " << call << " (" << last_call
                     << ")");
        auto with = harness_on(lived.files->kill(), seed, sync_writes);
        recover(*with, witness, witness.safe, seed + call);
        // What a start has read is on disk before it serves: the power may go then.
        auto then = harness_on(lived.files->kill(), seed, sync_writes);
        then->clock.jump_wall_ms(std::max<int64_t>(0, witness.latest_ms - then->now()));
        REQUIRE(then->open());
        then->power_cut(crash_policies[call % crash_policies.size()], call);
        REQUIRE(then->open());
        check(*then, witness, witness.safe);
      }
    }
  }
  std::cout << "simple_kv crash test: " << crashes << " power cuts, " << states.size() << " distinct crash states\n";
  REQUIRE(states.size() > 300);
  REQUIRE(snapshots > 100);
}

TEST_CASE("simple_kv: every call fails in turn, once or for good", "[simple_kv][crash]") {
  for (const bool sync_writes : {false, true}) {
    const uint64_t seed = 5;
    const uint64_t calls = calls_of_life(seed, sync_writes);
    for (uint64_t call = 1; call <= calls; ++call) {
      for (const bool persistent : {false, true}) {
        for (const auto kind : {ErrorKind::io, ErrorKind::no_space}) {
          if (!long_run() && (call + persistent) % 2) continue;
          INFO("sync_writes " << sync_writes << " call " << call << " persistent " << persistent << " no_space "
                              << (kind == ErrorKind::no_space));
          EngineHarness lived(crash_options(seed, sync_writes));
          Witness witness;
          lived.files->inject({.nth = call, .persistent = persistent, .kind = kind, .short_bytes = call * 37 % 500});
          live(lived, witness, seed);
          lived.files->clear_faults();
          const auto last_call = lived.files->last_call();
          INFO("last call " << last_call);
          lived.gone();
          auto cut = harness_on(lived.files->crash(CrashPolicy::reordered, call), seed, sync_writes);
          recover(*cut, witness, witness.synced, call);
          auto killed = harness_on(lived.files->kill(), seed, sync_writes);
          recover(*killed, witness, witness.safe, call);
        }
      }
    }
  }
}

TEST_CASE("simple_kv: a read that fails stops the start and loses nothing", "[simple_kv][crash]") {
  EngineHarness lived(crash_options(3, false));
  Witness witness;
  live(lived, witness, 3);
  lived.gone();
  for (uint64_t nth = 1; nth < 400; ++nth) {
    auto with = harness_on(lived.files->kill(), 3, false);
    with->files->inject({.call = Call::read, .nth = nth});
    const auto status = with->open();
    INFO("read " << nth << ": " << status.to_string());
    if (status.is_ok()) {
      REQUIRE(nth > 10);
      return;
    }
    REQUIRE(status.kind() == ErrorKind::io);
    with->files->clear_faults();
    with->gone();
    with->clock.jump_wall_ms(std::max<int64_t>(0, witness.latest_ms - with->now()));
    REQUIRE(with->open());
    check(*with, witness, witness.safe);
  }
  FAIL("the store was never opened");
}
