// The power goes after any call, under every policy, also during the recovery from it; any call fails; the disk is
// full for a while. What is found is a state of the past, whole batches, no older than what was promised, counts agree
// with content, and no file is left that the manifest does not name.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <set>

#include "storage/lsm/manifest.h"
#include "storage/table/table.h"
#include "storage/vlog/vlog_writer.h"
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
  options.engine = "badger";
  options.seed = seed;
  options.kv.default_shards = 2;
  options.kv.sync_writes = sync_writes;
  options.badger.value_log_file_bytes = 3 << 10;
  options.badger.value_log_records_max = 12;
  options.badger.gc_interval_ms = 200;
  options.badger.mem_tables = 1 + (seed / 2) % 6;
  options.badger.tables_by_bucket = seed % 3 != 0;
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
    latest_ms = std::max({latest_ms, with.last_now_ms(), with.now()});
  }
};

std::vector<Operation> draw_body(Random& random) {
  const OperationMix mix{.keys = 10, .bytes_max = 90, .large_values = false, .bucket_changes = true};
  std::vector<Operation> body;
  for (uint64_t n = 1 + random.below(5); n > 0; --n) body.push_back(draw_operation(random, mix));
  if (random.one_in(3)) {  // something that fills memtables and value logs
    body.push_back(draw_operation(random, mix));
    body.back().kind = Operation::Kind::put;
    body.back().value = std::string(200 + random.below(1200), static_cast<char>(random.next()));
  }
  return body;
}

// One batch drawn from the seed. False: the store gives no more.
bool live_once(EngineHarness& with, Witness& witness, Random& random) {
  const std::vector<Operation> body = draw_body(random);
  look_ahead(with, body, random);
  const Sequence before = with.store().journal().last();
  const auto outcome = with.run([&](Transaction& txn) {
    for (const Operation& operation : body) perform(txn, operation);
  });
  if (outcome != Outcome::committed) {
    ++witness.refused;
    return outcome != Outcome::failed && !with.files->crashed();
  }
  StoreModel next = witness.history.back().model;
  for (const Operation& operation : body) perform(next, operation, with.last_now_ms());
  if (with.store().journal().last() > before)
    witness.history.push_back({with.store().journal().last(), std::move(next)});
  return true;
}

constexpr int lives = 2, steps_per_life = 30;

// A seeded life: batches, time for flushes, merges and collections, snapshots while writes go on, a clean close and an
// open in the middle.
void live(EngineHarness& with, Witness& witness, uint64_t seed) {
  Random random(seed);
  for (int life = 0; life < lives; ++life) {
    if (!with.open()) return;
    witness.look(with);
    for (int step = 0; step < steps_per_life; ++step) {
      if (!live_once(with, witness, random)) return;
      if (step % 11 == 5) with.store().snapshot([&](const Status& status) { witness.snapshots += status.is_ok(); });
      for (uint64_t n = random.below(6); n > 0; --n) with.executor.run_one();
      if (random.one_in(3)) with.executor.run_for(static_cast<int64_t>(random.below(40)));
      if (random.one_in(8)) with.executor.run_for(300 + static_cast<int64_t>(random.below(600)));
      witness.look(with);
    }
    if (life + 1 < lives) {
      with.executor.run_for(100);
      if (!with.close()) return;
      witness.safe = witness.synced = witness.history.back().sequence;
    }
  }
}

// What scans show; counts may have to wait for a flush.
StoreModel scanned(EngineHarness& with) {
  StoreModel model;
  for (const auto& info : with.store().list_buckets())
    for (auto& [key, item] : with.content(info.name)) model.buckets[info.name][key] = {item.first, item.second};
  for (const auto& info : with.store().list_buckets()) model.buckets[info.name];
  return model;
}

// Compares with the past; returns what was found.
StoreModel check(EngineHarness& with, const Witness& witness, Sequence promised) {
  bool counts_agree = false;
  StoreModel found = content_of(with, counts_agree);
  std::string candidates;
  for (size_t i = witness.history.size(); i-- > 0;) {
    if (i + 1 < witness.history.size() && witness.history[i + 1].sequence <= promised) break;
    StoreModel expected = witness.history[i].model;
    expected.forget_expired(with.last_now_ms());
    if (found == expected) {
      INFO("found " << found.text());
      REQUIRE(counts_agree);
      return found;
    }
    candidates += "--- " + std::to_string(witness.history[i].sequence) + "\n" + expected.text();
  }
  FAIL("promised " << promised << ", found\n" << found.text() << "expected one of\n" << candidates);
  return found;
}

// After a clean end each file is one that the manifest names, and those are all there.
void check_files(EngineHarness& with) {
  auto manifest = read_tree_manifest(*with.files, "/db");
  REQUIRE(manifest);
  REQUIRE(manifest->has_value());
  std::set<std::string> tables, values;
  for (const auto& level : (*manifest)->levels)
    for (const TableMeta& meta : level) tables.insert(table_file_name(meta.number));
  for (const VlogMeta& file : (*manifest)->value_logs) values.insert(vlog_file_name(file.number));
  const auto found = [&](const std::string& folder) {
    const auto names = with.files->list(folder).value();
    return std::set<std::string>(names.begin(), names.end());
  };
  std::set<std::string> found_tables;
  for (const std::string& name : found("/db/tables")) {
    if (name.ends_with(".table")) {
      found_tables.insert(name);
      continue;
    }
    const auto in_folder = found("/db/tables/" + name);
    REQUIRE_FALSE(in_folder.empty());
    found_tables.insert(in_folder.begin(), in_folder.end());
  }
  REQUIRE(found_tables == tables);
  REQUIRE(found("/db/values") == values);
  REQUIRE(found("/db") == std::set<std::string>{"LOCK", "MANIFEST", "tables", "values", "wal"});
}

// Until nothing has been flushed, merged or collected for so long that what it made needless is gone.
void rest(EngineHarness& with) {
  constexpr int64_t quiet_ms = 2200;
  with.store().end_prefetch();  // connections that have nothing to do hold nothing
  std::optional<TreeManifest> before;
  for (int rounds = 0; rounds < 20; ++rounds) {
    with.executor.run_for(quiet_ms);
    const auto now = read_tree_manifest(*with.files, "/db").value();
    if (now == before) return;
    before = now;
  }
  FAIL("it never rests");
}

// Opens on what is left, with another layout; goes on, flushes, rests, closes, opens again.
void recover(EngineHarness& with, const Witness& witness, Sequence promised, uint64_t seed) {
  with.clock.jump_wall_ms(std::max<int64_t>(0, witness.latest_ms - with.now()));
  with.options.kv.shards = static_cast<ShardIndex>(seed % 5);
  if (seed % 4 == 0) with.options.badger.tables_by_bucket = !with.options.badger.tables_by_bucket;
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
  rest(with);
  check(with, then, then.history.back().sequence);
  REQUIRE(with.close());
  check_files(with);
  REQUIRE(with.open());
  check(with, then, then.history.back().sequence);
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
  REQUIRE(witness.refused == 0);
  REQUIRE(witness.snapshots >= 3);
  const TreeManifest manifest = read_tree_manifest(*with.files, "/db").value().value();
  REQUIRE(manifest.next_file_number > 20);
  return with.files->mutating_calls();
}

// A second power cut after calls of the recovery, which finds what the first end has left: `promised` of it.
void crash_in_recovery(const SimulatedFileSystem& image, const Witness& witness, Sequence promised, uint64_t seed,
                       bool sync_writes, uint64_t step, std::set<uint64_t>& states) {
  for (uint64_t calls = 0;; calls += step) {
    INFO("second crash after " << calls << " calls");
    REQUIRE(calls < 400);
    auto with = harness_on(image.kill(), seed, sync_writes);
    with->clock.jump_wall_ms(std::max<int64_t>(0, witness.latest_ms - with->now()));
    with->files->crash_after(calls);
    const bool opened = with->open().is_ok();
    INFO("opened " << opened << " last call " << with->files->last_call());
    with->power_cut(crash_policies[calls % crash_policies.size()], seed + calls);
    states.insert(with->files->durable_hash());
    const auto status = with->open();
    INFO(status.to_string());
    REQUIRE(status);
    check(*with, witness, promised);
    if (opened) return;
  }
}

}  // namespace

TEST_CASE("badger: the power goes after every call", "[badger][crash]") {
  std::set<uint64_t> states;
  uint64_t crashes = 0;
  const uint64_t seeds = long_run() ? 8 : 2, stride = long_run() ? 1 : 11;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    const bool sync_writes = seed % 2 == 0;
    const uint64_t calls = calls_of_life(seed, sync_writes);
    for (uint64_t call = seed % stride; call <= calls; call += stride) {
      EngineHarness lived(crash_options(seed, sync_writes));
      Witness witness;
      lived.files->crash_after(call);
      live(lived, witness, seed);
      const auto last_call = lived.files->last_call();
      lived.gone();
      INFO("seed " << seed << " sync_writes " << sync_writes << " call " << call << " of " << calls << " (" << last_call
                   << ")");
      for (const auto policy : crash_policies) {
        if (!long_run() && policy != CrashPolicy::reordered && (call + static_cast<uint64_t>(policy)) % 5) continue;
        INFO("policy " << static_cast<int>(policy));
        auto with = harness_on(lived.files->crash(policy, seed * 1000 + call), seed, sync_writes);
        states.insert(with->files->durable_hash());
        ++crashes;
        if (call / stride % 8 == 0)
          crash_in_recovery(*with->files, witness, witness.synced, seed, sync_writes, long_run() ? 1 : 3, states);
        recover(*with, witness, witness.synced, seed + call);
      }
      INFO("kill -9");
      recover(*harness_on(lived.files->kill(), seed, sync_writes), witness, witness.safe, seed + call);
      // What a start has read is on disk before it serves: the power may go then.
      auto then = harness_on(lived.files->kill(), seed, sync_writes);
      then->clock.jump_wall_ms(std::max<int64_t>(0, witness.latest_ms - then->now()));
      REQUIRE(then->open());
      then->power_cut(crash_policies[call % crash_policies.size()], call);
      REQUIRE(then->open());
      check(*then, witness, witness.safe);
      if (call / stride % 4 == 0) {  // or while it reads
        const auto killed = lived.files->kill();
        crash_in_recovery(*killed, witness, witness.synced, seed, sync_writes, long_run() ? 1 : 3, states);
      }
    }
  }
  std::cout << "badger crash test: " << crashes << " power cuts, " << states.size() << " distinct crash states\n";
  REQUIRE(states.size() > 100);
}

TEST_CASE("badger: any call fails once or for good", "[badger][crash]") {
  for (const bool sync_writes : {false, true}) {
    const uint64_t seed = sync_writes ? 6 : 5;
    const uint64_t calls = calls_of_life(seed, sync_writes);
    const uint64_t stride = long_run() ? 1 : 17;
    for (uint64_t call = 1; call <= calls; call += stride) {
      for (const bool persistent : {false, true}) {
        for (const auto kind : {ErrorKind::io, ErrorKind::no_space}) {
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

TEST_CASE("badger: a read that fails stops the start and loses nothing", "[badger][crash]") {
  EngineHarness lived(crash_options(3, false));
  Witness witness;
  live(lived, witness, 3);
  lived.gone();
  for (uint64_t nth = 1; nth < 1000; ++nth) {
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

TEST_CASE("badger: a disk that is full for a while refuses writes and takes them again", "[badger][crash]") {
  const uint64_t seeds = long_run() ? 60 : 8;
  uint64_t refused = 0;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    INFO("seed " << seed);
    EngineHarness with(crash_options(seed, seed % 2 == 0));
    Witness witness;
    Random random(seed);
    REQUIRE(with.open());
    for (int step = 0; step < 10; ++step) {
      REQUIRE(live_once(with, witness, random));
      with.executor.run_for(20);
    }
    with.files->set_capacity(with.files->used_bytes() + random.below(8 << 10));
    for (int step = 0; step < 40; ++step) {
      INFO("full, step " << step);
      const uint64_t refused_before = witness.refused;
      REQUIRE(live_once(with, witness, random));
      if (witness.refused == refused_before) continue;
      StoreModel found = scanned(with);
      StoreModel expected = witness.history.back().model;
      found.forget_expired(with.last_now_ms());  // one bucket was scanned before the other
      expected.forget_expired(with.last_now_ms());
      REQUIRE(found.text() == expected.text());
      with.executor.run_for(static_cast<int64_t>(random.below(60)));
    }
    refused += witness.refused;
    with.files->set_capacity(SimulatedFileSystem::unlimited);
    with.executor.run_for(3000);
    witness.refused = 0;
    for (int step = 0; step < 20; ++step) {
      INFO("free again, step " << step);
      REQUIRE(live_once(with, witness, random));
      if (step > 0) REQUIRE(witness.refused <= 1);  // the first may still be told what was so
      with.executor.run_for(50);
    }
    check(with, witness, witness.history.back().sequence);
    rest(with);
    REQUIRE(with.close());
    check_files(with);
    REQUIRE(with.open());
    check(with, witness, witness.history.back().sequence);
  }
  REQUIRE(refused > seeds);
}
