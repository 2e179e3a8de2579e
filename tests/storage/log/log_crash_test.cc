// The power goes after every single call, under every policy; every call fails in turn.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>
#include <set>

#include "tests/support/log_harness.h"

using namespace sett::storage;
using Room = Journal::Room;
using Call = SimulatedFileSystem::Call;

namespace {

bool long_run() {
  return std::getenv("SETT_LONG") != nullptr;
}

// What somebody outside knows: what was handed in, what was acknowledged, what was released.
struct Witness {
  Records appended;
  Sequence safe = 0;    // survives kill -9
  Sequence synced = 0;  // survives a power cut
  Sequence released = 0;
  Sequence last = 0;  // the highest sequence ever given out

  void look(const Log& log) {
    safe = std::max(safe, log.safe());
    synced = std::max(synced, log.synced());
  }
};

// A seeded life of a log: appends of all sizes, small writes, time, releases, a clean close in the middle, an open
// after it. Stops at the first refusal, as the power cut makes them.
void live(LogHarness& with, Witness& witness, uint64_t seed) {
  Random random(seed);
  for (int life = 0; life < 2; ++life) {
    if (!with.open(witness.released)) return;
    witness.look(*with.log);
    for (int step = 0; step < 28; ++step) {
      const uint64_t limits[] = {20, 300, 9000, 40'000};
      const auto record = record_of(random.next(), step == 13 ? 100'000 : random.below(limits[random.below(4)]));
      if (with.put(record)) {
        witness.last = with.log->last();
        witness.appended.emplace_back(witness.last, record);
      }
      if (!random.one_in(3)) with.log->write_if_small();
      if (random.one_in(3)) with.executor.run_ready();
      if (random.one_in(8)) with.executor.run_for(600);
      witness.look(*with.log);
      if (step % 9 == 8) {
        witness.released = std::max(witness.released, witness.synced / 2);
        with.log->release(witness.released);
      }
      if (with.log->failed()) return;
    }
    with.executor.run_ready();
    const auto closed = with.log->close();
    witness.look(*with.log);
    if (!closed) return;
  }
}

// The records found are a prefix of what was handed in (behind what was released), with all that was promised.
void check(const LogHarness& with, const Witness& witness, Sequence promised) {
  auto expected = witness.appended.begin();
  while (expected != witness.appended.end() && expected->first <= witness.released) ++expected;
  const auto left = static_cast<size_t>(witness.appended.end() - expected);
  REQUIRE(with.found.size() <= left);
  REQUIRE(std::equal(with.found.begin(), with.found.end(), expected));
  const Sequence found_last = with.found.empty() ? witness.released : with.found.back().first;
  REQUIRE(found_last >= promised);
  REQUIRE(with.log->last() >= found_last);
  REQUIRE(with.log->last() >= witness.released);
}

// Opens on what is left, goes on, closes, opens again. The sequences given out are new.
void recover(LogHarness& with, const Witness& witness, Sequence promised) {
  const auto status = with.open(witness.released);
  INFO(status.to_string());
  REQUIRE(status);
  check(with, witness, promised);
  const auto found = with.found;
  REQUIRE(with.put("after the crash"));
  const Sequence next = with.log->last();
  REQUIRE(with.log->close());
  REQUIRE(with.open(witness.released));
  REQUIRE(with.recovery.cut_bytes == 0);
  REQUIRE(with.found.size() == found.size() + 1);
  REQUIRE(with.found.back() == std::pair<Sequence, std::string>(next, "after the crash"));
}

uint64_t calls_of_life(const LogOptions& options, uint64_t seed) {
  LogHarness with(options, seed);
  Witness witness;
  live(with, witness, seed);
  return with.files->mutating_calls();
}

// A power cut while recovery from the first one runs, after every of its calls.
void crash_in_recovery(const SimulatedFileSystem& image, const LogOptions& options, const Witness& witness,
                       uint64_t seed, std::set<uint64_t>& states) {
  for (uint64_t calls = 0;; ++calls) {
    INFO("second crash after " << calls << " calls");
    REQUIRE(calls < 100);
    LogHarness with(options, seed);
    with.files = image.kill();
    with.files->crash_after(calls);
    const bool opened = with.open(witness.released).is_ok();
    const auto policy = crash_policies[calls % crash_policies.size()];
    auto second = with.files->crash(policy, seed + calls);
    states.insert(second->durable_hash());
    with.restart_on(std::move(second));
    const auto status = with.open(witness.released);
    INFO(status.to_string());
    REQUIRE(status);
    check(with, witness, witness.synced);
    if (opened) return;
  }
}

}  // namespace

TEST_CASE("the power goes after every call", "[log][crash]") {
  std::set<uint64_t> states;
  uint64_t crashes = 0;
  for (const bool sync_writes : {false, true}) {
    for (uint64_t seed = 1; seed <= (long_run() ? 12u : 1u); ++seed) {
      LogOptions options = small_log_options();
      options.sync_writes = sync_writes;
      const uint64_t calls = calls_of_life(options, seed);
      REQUIRE(calls > 50);
      for (uint64_t call = 0; call <= calls; ++call) {
        LogHarness lived(options, seed);
        Witness witness;
        lived.files->crash_after(call);
        live(lived, witness, seed);
        for (const auto policy : crash_policies) {
          INFO("seed " << seed << " sync_writes " << sync_writes << " call " << call << " of " << calls << " ("
                       << lived.files->last_call() << ") policy " << static_cast<int>(policy));
          LogHarness with(options, seed + call);
          with.files = lived.files->crash(policy, seed * 1000 + call);
          states.insert(with.files->durable_hash());
          ++crashes;
          if (call % 3 == 0) crash_in_recovery(*with.files, options, witness, seed + call, states);
          recover(with, witness, witness.synced);
        }
        INFO("seed " << seed << " sync_writes " << sync_writes << " kill -9 after call " << call << " of " << calls);
        LogHarness with(options, seed + call);
        with.files = lived.files->kill();
        recover(with, witness, witness.safe);
        // What recovery found in the memory of the operating system has to be on disk before it goes on.
        LogHarness then(options, seed + call);
        then.files = lived.files->kill();
        REQUIRE(then.open(witness.released));
        const auto found = then.found;
        then.restart_on(then.files->crash(CrashPolicy::drop, 1));
        REQUIRE(then.open(witness.released));
        REQUIRE(then.found == found);
      }
    }
  }
  std::cout << "log crash test: " << crashes << " power cuts, " << states.size() << " distinct crash states\n";
  REQUIRE(states.size() > 500);
}

TEST_CASE("every call fails in turn, once or for good", "[log][crash]") {
  for (const bool sync_writes : {false, true}) {
    LogOptions options = small_log_options();
    options.sync_writes = sync_writes;
    const uint64_t seed = 3;
    const uint64_t calls = calls_of_life(options, seed);
    for (uint64_t call = 1; call <= calls; ++call) {
      for (const bool persistent : {false, true}) {
        for (const auto kind : {ErrorKind::io, ErrorKind::no_space}) {
          INFO("sync_writes " << sync_writes << " call " << call << " persistent " << persistent << " no_space "
                              << (kind == ErrorKind::no_space));
          LogHarness lived(options, seed);
          Witness witness;
          lived.files->inject({.nth = call, .persistent = persistent, .kind = kind, .short_bytes = call * 37 % 500});
          live(lived, witness, seed);
          lived.files->clear_faults();
          LogHarness with(options, seed);
          with.files = lived.files->crash(CrashPolicy::reordered, call);
          recover(with, witness, witness.synced);
          LogHarness killed(options, seed);
          killed.files = lived.files->kill();
          recover(killed, witness, witness.safe);
        }
      }
    }
  }
}

TEST_CASE("a read that fails stops the start and changes nothing", "[log][crash]") {
  LogHarness lived;
  Witness witness;
  live(lived, witness, 5);
  for (uint64_t nth = 1; nth < 200; ++nth) {
    LogHarness with;
    with.files = lived.files->kill();
    const auto calls = with.files->mutating_calls();
    with.files->inject({.call = Call::read, .nth = nth});
    const auto status = with.open(witness.released);
    INFO("read " << nth << ": " << status.to_string());
    if (status.is_ok()) {
      REQUIRE(nth > 5);
      return;
    }
    REQUIRE(status.kind() == ErrorKind::io);
    REQUIRE(with.files->mutating_calls() == calls);
  }
  FAIL("the log was never opened");
}
