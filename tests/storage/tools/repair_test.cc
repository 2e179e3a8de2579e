#include "storage/tools/repair.h"

#include <catch2/catch.hpp>

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
  if (engine == "badger")
    verify_badger(files, "/db", notes);
  else
    verify_simple_kv(files, "/db", notes);
  INFO(notes.text());
  return notes.damage.size();
}

std::vector<std::string> files_in(SimulatedFileSystem& files, const std::string& folder) {
  std::vector<std::string> found;
  const auto names = files.list(folder);
  if (!names.is_ok()) return found;
  for (const std::string& name : names.value()) {
    const std::string path = join_path(folder, name);
    if (files.list(path).is_ok()) {
      for (std::string& below : files_in(files, path)) found.push_back(std::move(below));
    } else if (name != "LOCK") {
      found.push_back(path);
    }
  }
  return found;
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
  with.store().journal().request_sync();
  with.executor.run_ready();
  with.kill();
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
      if (opened)
        REQUIRE(with.close());
      else
        refused += opened.to_string().find("settd repair") != std::string::npos;
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
