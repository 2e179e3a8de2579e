#include "storage/tools/repair.h"

#include <catch2/catch.hpp>

#include "storage/backup/file_tree.h"
#include "storage/tools/verify.h"
#include "tests/support/engine_harness.h"
#include "tests/support/store_model.h"
#include "tests/support/tool_notes.h"

namespace sett::storage {
namespace {

EngineOptions options_of(const std::string& engine, uint64_t seed) {
  EngineOptions options;
  options.engine = engine;
  options.seed = seed;
  options.kv.snapshot_log_bytes = 0;
  options.badger.tables_by_bucket = seed % 3 == 0;
  return options;
}

Status repair(EngineHarness& with, FileSystem& files, ToolNotes& notes) {
  const RepairTarget target{.backend = with.options.engine,
                            .path = "/db",
                            .open = [&](const std::string& path) { return with.open_engine(files, path); },
                            .pause = [&] { with.executor.run_for(1); },
                            .stop =
                                [&] {
                                  with.executor.run_ready();
                                  with.executor.drop_all();
                                }};
  return repair_store(files, target, with.clock, notes);
}

uint64_t damaged_places(FileSystem& files, const std::string& engine) {
  ToolNotes notes;
  (engine == "badger" ? verify_badger : verify_simple_kv)(files, "/db", notes);
  INFO(notes.text());
  return notes.damage.size();
}

std::vector<std::string> files_in(SimulatedFileSystem& files, const std::string& folder) {
  std::vector<std::string> found = list_tree(files, folder).value();
  std::erase(found, "LOCK");
  for (std::string& name : found) name = join_path(folder, name);
  return found;
}

void sync_and_kill(EngineHarness& with) {
  with.store().journal().request_sync();
  with.executor.run_ready();
  with.kill();
}

// Any commands, with flushes, merges and snapshots between them; killed.
StoreModel fill(EngineHarness& with, uint64_t seed, int steps = 250) {
  REQUIRE(with.open());
  Random random(seed);
  StoreModel model;
  for (int i = 0; i < steps; ++i) {
    const Operation operation = draw_operation(random, {.keys = 40, .bytes_max = 150});
    REQUIRE(with.run([&](Transaction& txn) { perform(txn, operation); }) == EngineHarness::Outcome::committed);
    perform(model, operation, with.last_now_ms());
    if (random.one_in(80)) REQUIRE(with.snapshot());
    if (random.one_in(30)) with.executor.run_for(600);
  }
  sync_and_kill(with);
  return model;
}

StoreModel content(EngineHarness& with) {
  bool counts_agree = false;
  StoreModel found = content_of(with, counts_agree);
  CHECK(counts_agree);
  return found;
}

// What a bucket may lose with nothing in it is its name.
void forget_empty(StoreModel& model, int64_t now_ms) {
  model.forget_expired(now_ms);
  std::erase_if(model.buckets, [](const auto& bucket) { return bucket.second.empty(); });
}

// Killed with a record that tells that all before it were synced.
void mark_and_kill(EngineHarness& with) {
  with.store().journal().request_sync();
  with.executor.run_ready();
  REQUIRE(with.put("0", "last", "value") == EngineHarness::Outcome::committed);
  sync_and_kill(with);
}

// A byte of the log's record that has the mark, so many bytes in front of it.
void damage_record(SimulatedFileSystem& files, const std::string& mark, size_t before) {
  for (const std::string& path : files_in(files, "/db/wal")) {
    std::string bytes = files.content(path);
    const size_t at = bytes.find(mark);
    if (at == std::string::npos) continue;
    bytes[at] ^= 1;
    if (before > 0) bytes[at - before] ^= 1;
    return files.set_content(path, bytes);
  }
  FAIL("no record has " << mark);
}

void cut_zeroes(SimulatedFileSystem& files, const std::string& path) {
  std::string bytes = files.content(path);
  REQUIRE(bytes.back() == '\0');
  bytes.resize(bytes.find_last_not_of('\0') + 1);
  files.set_content(path, bytes);
}

}  // namespace

TEST_CASE("repair: a store without damage stays as it is, and one that is open is refused", "[tools][repair]") {
  const std::string engine = GENERATE("badger", "simple_kv");
  EngineHarness with(options_of(engine, 1));
  fill(with, 1);
  const auto hash = with.files->durable_hash();
  ToolNotes notes;
  REQUIRE(repair(with, *with.files, notes));
  CHECK(notes.has_note("nothing is damaged"));
  CHECK(with.files->durable_hash() == hash);
  REQUIRE(with.open());
  CHECK(repair(with, *with.files, notes).kind() == ErrorKind::busy);
}

TEST_CASE("repair: nothing is lost with damage that holds nothing", "[tools][repair]") {
  const std::string engine = GENERATE("badger", "simple_kv");
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    INFO(engine << " seed " << seed);
    EngineHarness with(options_of(engine, seed));
    StoreModel expected = fill(with, seed);
    // The log's last file was made larger than what is in it.
    cut_zeroes(*with.files, files_in(*with.files, "/db/wal").back());
    REQUIRE(damaged_places(*with.files, engine) > 0);
    REQUIRE_FALSE(with.open());
    ToolNotes notes;
    const Status repaired = repair(with, *with.files, notes);
    INFO(repaired.to_string() << "\n" << notes.text());
    REQUIRE(repaired);
    CHECK_FALSE(notes.has_note("lost:"));
    CHECK(damaged_places(*with.files, engine) == 0);
    REQUIRE(with.open());
    StoreModel found = content(with);
    forget_empty(found, with.last_now_ms());
    forget_empty(expected, with.last_now_ms());
    REQUIRE(found.text() == expected.text());
    REQUIRE(with.close());
    ToolNotes second;
    REQUIRE(repair(with, *with.files, second));
    CHECK(second.has_note("nothing is damaged"));
    CHECK(with.files->exists("/db/damaged").value());
  }
}

TEST_CASE("repair: whatever byte is flipped, what is kept is what was there at some time", "[tools][repair]") {
  const std::string engine = GENERATE("badger", "simple_kv");
  EngineHarness first(options_of(engine, 7));
  REQUIRE(first.open());
  Random random(7);
  std::map<std::string, std::set<std::string>> history;
  std::map<std::string, std::string> last;
  for (int i = 0; i < 300; ++i) {
    const std::string key = "key:" + std::to_string(random.below(80));
    if (random.one_in(5)) {
      REQUIRE(first.remove("0", key) == EngineHarness::Outcome::committed);
      last.erase(key);
    } else {
      const std::string value(random.below(150), static_cast<char>('a' + i % 26));
      REQUIRE(first.put("0", key, value) == EngineHarness::Outcome::committed);
      history[key].insert(value);
      last[key] = value;
    }
    if (i % 100 == 50) REQUIRE(first.snapshot());
    if (i % 40 == 7) first.executor.run_for(700);
  }
  REQUIRE(first.close());
  uint64_t different = 0, flips = 0;
  for (const std::string& path : files_in(*first.files, "/db")) {
    if (path.find("MANIFEST") != std::string::npos) continue;
    const std::string whole = first.files->content(path);
    for (size_t at = 0; at < whole.size(); at += 1 + random.below(whole.size() / 12 + 1)) {
      INFO(path << " byte " << at);
      EngineHarness with(options_of(engine, at + 1));
      with.files = first.files->kill();
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
      with.files->set_content(path, damaged);
      ToolNotes notes;
      const Status repaired = repair(with, *with.files, notes);
      INFO(repaired.to_string() << "\n" << notes.text());
      REQUIRE(repaired);
      REQUIRE(damaged_places(*with.files, engine) == 0);
      REQUIRE(with.open());
      const auto found = with.content("0");
      CHECK(with.count("0") == found.size());
      for (const auto& [key, entry] : found) REQUIRE(history[key].contains(entry.first));
      uint64_t its_different = 0;
      for (const auto& [key, value] : last) its_different += !found.contains(key) || found.at(key).first != value;
      for (const auto& [key, entry] : found) its_different += !last.contains(key);
      if (its_different > 0) CHECK((notes.has_note("lost") || notes.has_note("are whole")));
      different += its_different;
      ++flips;
    }
  }
  INFO(different << " keys differ after " << flips << " flips");
  CHECK(flips > 50);
  CHECK(different > 0);
  CHECK(different < flips * last.size() / 4);
}

TEST_CASE("repair: without a manifest no key is lost that lives, though buckets may be without a name",
          "[tools][repair]") {
  const std::string engine = GENERATE("badger", "simple_kv");
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    INFO(engine << " seed " << seed);
    EngineHarness with(options_of(engine, seed));
    StoreModel expected = fill(with, seed);
    const std::string manifest = engine == "badger" ? "/db/MANIFEST" : "/db/last_state/MANIFEST";
    if (seed % 2 == 0) {
      std::string bytes = with.files->content(manifest);
      bytes[bytes.size() / 2] ^= 4;
      with.files->set_content(manifest, bytes);
    } else if (with.files->exists(manifest).value()) {
      REQUIRE(with.files->remove(manifest));
    }
    if (damaged_places(*with.files, engine) == 0) continue;  // there was nothing but a log
    ToolNotes notes;
    const Status repaired = repair(with, *with.files, notes);
    INFO(repaired.to_string() << "\n" << notes.text());
    REQUIRE(repaired);
    REQUIRE(with.open());
    StoreModel found = content(with);
    forget_empty(expected, with.last_now_ms());
    for (const auto& [name, items] : expected.buckets)
      for (const auto& [key, item] : items) {
        INFO(name << " " << key);
        bool is_there = false;
        for (const auto& [other, its_items] : found.buckets) {
          const auto at = its_items.find(key);
          const bool may_be = other == name || other.starts_with("recovered:");
          is_there = is_there || (may_be && at != its_items.end() && at->second == item);
        }
        REQUIRE(is_there);
      }
    REQUIRE(with.close());
  }
}

TEST_CASE("repair: keys of a bucket whose name is lost are kept under another", "[tools][repair]") {
  const std::string engine = GENERATE("badger", "simple_kv");
  const bool is_flush = GENERATE(false, true);
  EngineHarness with(options_of(engine, 1));
  REQUIRE(with.open());
  REQUIRE(with.put("0", "first", "value") == EngineHarness::Outcome::committed);
  if (is_flush) {
    REQUIRE(with.put("b", "before", "value") == EngineHarness::Outcome::committed);
    REQUIRE(with.snapshot());
    REQUIRE(with.flush("b") == EngineHarness::Outcome::committed);
    REQUIRE(with.put("b", "flushed and MARKED", "value") == EngineHarness::Outcome::committed);
  } else {
    REQUIRE(with.put("b", "bound and MARKED", "value") == EngineHarness::Outcome::committed);
  }
  for (int i = 0; i < 20; ++i)
    REQUIRE(with.put("b", "key" + std::to_string(i), "value") == EngineHarness::Outcome::committed);
  mark_and_kill(with);
  // The record before it too, which has the name.
  damage_record(*with.files, is_flush ? "flushed and MARKED" : "bound and MARKED", is_flush ? 60 : 0);
  ToolNotes notes;
  const Status repaired = repair(with, *with.files, notes);
  INFO(repaired.to_string() << "\n" << notes.text());
  REQUIRE(repaired);
  CHECK(notes.has_note("are lost"));
  REQUIRE(with.open());
  const StoreModel found = content(with);
  size_t most = 0;
  for (const auto& [name, items] : found.buckets) {
    most = std::max(most, items.size());
    if (items.size() >= 20) CHECK((name == "b" || name.starts_with("recovered:")));
  }
  CHECK(most >= 20);
  CHECK(found.buckets.at("0").contains("first"));
}

TEST_CASE("repair: a change is not done to a value from before a gap in the log", "[tools][repair]") {
  const std::string engine = GENERATE("badger", "simple_kv");
  EngineHarness with(options_of(engine, 1));
  REQUIRE(with.open());
  REQUIRE(with.put("0", "k", "aaaa") == EngineHarness::Outcome::committed);
  REQUIRE(with.put("0", "k", "MARKEDbbbbbbbb") == EngineHarness::Outcome::committed);
  REQUIRE(with.splice("0", "k", 0, "c", 14) == EngineHarness::Outcome::committed);
  REQUIRE(with.put("0", "other", "value") == EngineHarness::Outcome::committed);
  mark_and_kill(with);
  damage_record(*with.files, "MARKED", 0);
  ToolNotes notes;
  REQUIRE(repair(with, *with.files, notes));
  INFO(notes.text());
  CHECK(notes.has_note("lost: "));
  REQUIRE(with.open());
  CHECK_FALSE(with.get("0", "k").has_value());
  CHECK(with.get("0", "other") == "value");
}

TEST_CASE("repair: which snapshot counts where the manifest is lost", "[tools][repair]") {
  EngineHarness with(options_of("simple_kv", 1));
  REQUIRE(with.open());
  for (int i = 0; i < 200; ++i)
    REQUIRE(with.put("0", "key" + std::to_string(i), "value") == EngineHarness::Outcome::committed);
  REQUIRE(with.snapshot());
  for (int i = 0; i < 200; ++i)
    REQUIRE(with.put("0", "key" + std::to_string(i), "newer") == EngineHarness::Outcome::committed);
  sync_and_kill(with);
  const std::string state = "/db/last_state/";
  std::vector<std::string> names;
  const auto listed = with.files->list("/db/last_state").value();
  for (const std::string& name : listed)
    if (name.ends_with(".snapshot")) names.push_back(name);
  REQUIRE(names.size() == 4);
  const uint64_t generation = std::stoull(names[0]);
  const auto next = [&](const std::string& name) {
    return state + std::to_string(generation + 1) + name.substr(name.find('-'));
  };
  ToolNotes notes;
  SECTION("a newer one was begun") {
    for (const std::string& name : names) {
      REQUIRE(with.files->create(next(name)));
      with.files->set_content(next(name), with.files->content(state + name).substr(0, 60));
    }
  }
  SECTION("a file is of another shard") {
    with.files->set_content(state + names[1], with.files->content(state + names[2]));
    REQUIRE(repair(with, *with.files, notes));
    INFO(notes.text());
    REQUIRE(with.open());
    for (const auto& [key, entry] : with.content("0")) CHECK(entry.first == "newer");
    CHECK(with.count("0") == 200);  // the log has all of them
    return;
  }
  SECTION("all of one is damaged") {
    for (const std::string& name : names) {
      std::string bytes = with.files->content(state + name);
      bytes[bytes.size() / 2] ^= 1;
      with.files->set_content(state + name, bytes);
    }
    with.files->set_content(state + "MANIFEST", "damaged");
    REQUIRE(repair(with, *with.files, notes));
    INFO(notes.text());
    for (const std::string& name : names) CHECK(notes.has_note(name + ": "));
    return;
  }
  REQUIRE(with.files->remove(state + "MANIFEST"));
  const auto segments = with.files->list("/db/wal").value();
  for (const std::string& name : segments) REQUIRE(with.files->remove("/db/wal/" + name));
  // Not an empty store: that one would remove the snapshots.
  const Status opened = with.open();
  CHECK(opened.kind() == ErrorKind::corruption);
  REQUIRE(repair(with, *with.files, notes));
  INFO(notes.text());
  REQUIRE(with.open());
  uint64_t keys = 0;
  for (const auto& [name, items] : content(with).buckets) keys += items.size();
  CHECK(keys == 200);
}

TEST_CASE("repair: tables under each other's names, and one of another store", "[tools][repair]") {
  constexpr int keys_all = 3000;
  const auto make = [](EngineHarness& with, const std::string& prefix) {
    REQUIRE(with.open());
    Random random(9);
    for (int i = 0; i < keys_all; ++i)
      REQUIRE(
          with.put("0", prefix + std::to_string(i), std::to_string(random.next()) + std::to_string(random.next())) ==
          EngineHarness::Outcome::committed);
    REQUIRE(with.snapshot());
    with.executor.run_for(3000);
    REQUIRE(with.close());
    return files_in(*with.files, "/db/tables");
  };
  EngineHarness with(options_of("badger", 1)), other(options_of("badger", 2));
  const auto tables = make(with, "mine:"), theirs = make(other, "theirs:");
  REQUIRE(tables.size() > 1);
  const bool is_manifest_lost = GENERATE(false, true);
  const std::string first = with.files->content(tables[0]), second = with.files->content(tables[1]);
  with.files->set_content(tables[0], second);
  with.files->set_content(tables[1], first);
  if (is_manifest_lost) with.files->set_content("/db/MANIFEST", "damaged");
  ToolNotes notes;
  const Status repaired = repair(with, *with.files, notes);
  INFO(repaired.to_string() << "\n" << notes.text());
  REQUIRE(repaired);
  REQUIRE(with.open());
  size_t keys = 0;
  for (const auto& [name, items] : content(with).buckets) keys += items.size();
  CHECK(keys == keys_all);
  REQUIRE(with.snapshot());
  REQUIRE(with.close());
  if (is_manifest_lost) return;
  const auto now = files_in(*with.files, "/db/tables");
  with.files->set_content(now.back(), other.files->content(theirs.back()));
  for (const std::string& path : files_in(*with.files, "/db/damaged")) REQUIRE(with.files->remove(path));
  ToolNotes again;
  REQUIRE(repair(with, *with.files, again));
  INFO(again.text());
  REQUIRE(with.open());
  const auto found = with.content("0");
  CHECK(found.size() < keys_all);
  for (const auto& [key, entry] : found) CHECK(key.starts_with("mine:"));
}

TEST_CASE("repair: what fails on the way leaves the store as it was, and nothing beside it", "[tools][repair]") {
  const std::string engine = GENERATE("badger", "simple_kv");
  EngineHarness first(options_of(engine, 5));
  fill(first, 5, 100);
  cut_zeroes(*first.files, files_in(*first.files, "/db/wal").back());
  EngineHarness with(options_of(engine, 5));
  with.files = first.files->kill();
  with.files->set_capacity(with.files->used_bytes() + 20'000);
  ToolNotes notes;
  const Status refused = repair(with, *with.files, notes);
  INFO(refused.to_string());
  REQUIRE(refused.kind() == ErrorKind::no_space);
  CHECK_FALSE(with.files->exists("/db/repaired").value());
  CHECK_FALSE(with.files->exists("/db/salvaged").value());
  CHECK_FALSE(with.files->exists("/db/damaged").value());
  with.files->set_capacity(SimulatedFileSystem::unlimited);
  REQUIRE(with.files->create("/db/RESTORING"));
  const Status restoring = repair(with, *with.files, notes);
  CHECK(restoring.to_string().find("settd restore") != std::string::npos);
  REQUIRE(with.files->remove("/db/RESTORING"));
  REQUIRE(repair(with, *with.files, notes));
  CHECK(repair(with, *with.files, notes));
  const std::string wal = files_in(*with.files, "/db/wal").back();
  std::string bytes = with.files->content(wal);
  bytes[30] ^= 1;
  with.files->set_content(wal, bytes);
  CHECK(repair(with, *with.files, notes).to_string().find("/db/damaged") != std::string::npos);
}

TEST_CASE("repair: no empty store takes the place of a damaged one", "[tools][repair]") {
  const std::string engine = GENERATE("badger", "simple_kv");
  EngineHarness with(options_of(engine, 4));
  fill(with, 4, 60);
  // As after a power cut in the middle, but the new store is gone.
  for (const std::string& path : files_in(*with.files, "/db")) {
    const std::string to = "/db/damaged" + path.substr(3);
    REQUIRE(with.files->create_directories(parent_path(to)));
    REQUIRE(with.files->rename(path, to));
  }
  REQUIRE(with.files->create("/db/REPAIRING"));
  REQUIRE(with.files->create("/db/REPAIR_MOVES_IN"));
  ToolNotes notes;
  const Status repaired = repair(with, *with.files, notes);
  CHECK(repaired.kind() == ErrorKind::corruption);
  CHECK(repaired.to_string().find("/db/damaged") != std::string::npos);
  CHECK(with.open().kind() == ErrorKind::corruption);
}

TEST_CASE("repair: the power goes after any call: damaged still, none that opens, or repaired",
          "[tools][repair][crash]") {
  const std::string engine = GENERATE("badger", "simple_kv");
  EngineHarness first(options_of(engine, 3));
  StoreModel expected = fill(first, 3, 60);
  cut_zeroes(*first.files, files_in(*first.files, "/db/wal").back());
  uint64_t refused = 0;
  for (uint64_t calls = 0;; calls += 1 + calls / 40) {
    INFO(engine << " after " << calls << " calls");
    REQUIRE(calls < 3000);
    EngineHarness before(options_of(engine, 3));
    before.files = first.files->kill();
    before.files->crash_after(calls);
    ToolNotes notes;
    const bool has_ended = repair(before, *before.files, notes).is_ok() && !before.files->crashed();
    for (const CrashPolicy policy : {CrashPolicy::keep, CrashPolicy::drop, CrashPolicy::reordered}) {
      EngineHarness with(options_of(engine, 3));
      with.files = before.files->crash(policy, calls);
      const Status opened = with.open();
      INFO("policy " << static_cast<int>(policy) << " " << opened.to_string());
      refused += opened.to_string().find("settd repair") != std::string::npos;
      if (opened) REQUIRE(with.close());
      const Status again = repair(with, *with.files, notes);
      INFO(again.to_string());
      REQUIRE(again);
      REQUIRE(with.open());
      StoreModel found = content(with);
      forget_empty(found, with.last_now_ms());
      StoreModel left = expected;
      forget_empty(left, with.last_now_ms());
      REQUIRE(found.text() == left.text());
      REQUIRE(with.close());
      CHECK_FALSE(with.files->exists("/db/repaired").value());
      CHECK(with.files->exists("/db/damaged").value());
    }
    if (has_ended) break;
  }
  CHECK(refused > 3);
}

}  // namespace sett::storage
