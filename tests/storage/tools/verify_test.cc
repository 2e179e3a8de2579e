#include "storage/tools/verify.h"

#include <catch2/catch.hpp>
#include <map>

#include "storage/lsm/manifest.h"
#include "storage/tools/store_files.h"
#include "tests/support/engine_harness.h"
#include "tests/support/golden_stores.h"
#include "tests/support/store_model.h"
#include "tests/support/tool_notes.h"

namespace sett::storage {
namespace {

ToolNotes verify(FileSystem& files, const std::string& engine, const std::string& path) {
  ToolNotes notes;
  if (engine == "badger")
    verify_badger(files, path, notes);
  else
    verify_simple_kv(files, path, notes);
  CHECK(notes.goes_on);
  return notes;
}

// A store with tables on several levels, value logs, a log; closed.
void fill(EngineHarness& with, uint64_t seed) {
  REQUIRE(with.open());
  Random random(seed);
  for (int i = 0; i < 300; ++i) {
    const std::string key = "key:" + std::to_string(random.below(80));
    const std::string bucket = random.one_in(4) ? "other" : "0";
    if (random.one_in(5))
      with.remove(bucket, key);
    else
      with.put(bucket, key, std::string(random.below(200), 'v'), random.one_in(4) ? with.now() + 1'000'000 : 0);
    if (i % 100 == 50) REQUIRE(with.snapshot());
    if (i % 40 == 7) with.executor.run_for(700);
    if (i == 200) with.drop("other");
  }
  REQUIRE(with.close());
}

EngineOptions options_of(const std::string& engine, uint64_t seed) {
  EngineOptions options;
  options.engine = engine;
  options.seed = seed;
  options.kv.snapshot_log_bytes = 0;
  options.badger.tables_by_bucket = seed % 3 == 0;
  return options;
}

}  // namespace

TEST_CASE("verify finds nothing wrong with the golden stores", "[tools]") {
  SimulatedFileSystem files;
  const auto names = load_golden_stores(files);
  size_t good = 0;
  for (const char* engine : {"badger", "simple_kv"}) {
    const ToolNotes notes = verify(files, engine, "/golden/" + std::string(engine));
    INFO(notes.text());
    CHECK(notes.damage.empty());
    good += notes.good.size();
  }
  CHECK(good == names.size());
}

TEST_CASE("verify names the file of any flipped byte of the golden stores, and changes nothing", "[tools]") {
  SimulatedFileSystem files;
  for (const std::string& name : load_golden_stores(files)) {
    const std::string path = "/golden/" + name, engine = name.substr(0, name.find('/'));
    const std::string whole = files.content(path);
    for (size_t at = 0; at < whole.size(); ++at) {
      // Zeroes that no checksum covers: behind the version of a log's header and a value log's they are covered.
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ (1 << at % 8));
      files.set_content(path, damaged);
      const auto hash = files.durable_hash();
      const ToolNotes notes = verify(files, engine, "/golden/" + engine);
      INFO(name << " byte " << at << "\n" << notes.text());
      REQUIRE_FALSE(notes.damage.empty());
      bool is_named = false;
      for (const Status& status : notes.damage)
        is_named = is_named || status.to_string().find(path) != std::string::npos;
      REQUIRE(is_named);
      REQUIRE(files.durable_hash() == hash);
    }
    files.set_content(path, whole);
  }
}

TEST_CASE("verify finds nothing wrong with a store that has lived, also one that was killed", "[tools]") {
  for (const char* engine : {"badger", "simple_kv"}) {
    for (const uint64_t seed : {1, 2, 3}) {
      EngineHarness with(options_of(engine, seed));
      fill(with, seed);
      ToolNotes notes = verify(*with.files, engine, "/db");
      INFO(engine << " " << seed << "\n" << notes.text());
      CHECK(notes.damage.empty());
      CHECK(notes.good.size() >= 3);
      REQUIRE(with.open());
      for (int i = 0; i < 50; ++i) with.put("0", "key:" + std::to_string(i), std::string(100, 'w'));
      with.executor.run_for(20);
      with.kill();
      notes = verify(*with.files, engine, "/db");
      INFO("killed\n" << notes.text());
      CHECK(notes.damage.empty());
    }
  }
}

TEST_CASE("verify tells of a missing file, and of one cut short", "[tools]") {
  EngineHarness with(options_of("badger", 1));
  fill(with, 1);
  const auto manifest = read_tree_manifest(*with.files, "/db").value().value();
  std::vector<std::string> paths{"/db/MANIFEST"};
  for (const auto& level : manifest.levels)
    for (const TableMeta& meta : level) paths.push_back("/db/tables/" + table_file_name(meta.number));
  for (const VlogMeta& file : manifest.value_logs) {
    char name[40];
    std::snprintf(name, sizeof name, "/db/values/%020llu.vlog", static_cast<unsigned long long>(file.number));
    paths.emplace_back(name);
  }
  paths.push_back("/db/wal/" + with.files->list("/db/wal").value().back());
  REQUIRE(paths.size() >= 5);
  const auto is_named = [](const ToolNotes& notes, const std::string& path) {
    for (const Status& status : notes.damage)
      if (status.to_string().find(path) != std::string::npos) return true;
    return false;
  };
  for (const std::string& path : paths) {
    INFO(path);
    const std::string whole = with.files->content(path);
    with.files->set_content(path, whole.substr(0, whole.size() / 2));
    CHECK(is_named(verify(*with.files, "badger", "/db"), path));
    REQUIRE(with.files->remove(path));
    CHECK(is_named(verify(*with.files, "badger", "/db"), path.find("wal") == std::string::npos ? path : "/db/wal"));
    REQUIRE(with.files->create(path));
    with.files->set_content(path, whole);
  }
  CHECK(verify(*with.files, "badger", "/db").damage.empty());
}

TEST_CASE("a store that is open is not verified", "[tools]") {
  EngineHarness with(options_of("badger", 1));
  REQUIRE(with.open());
  CHECK(lock_store(*with.files, "/db").status().kind() == ErrorKind::busy);
  REQUIRE(with.close());
  auto lock = lock_store(*with.files, "/db");
  REQUIRE(lock);
  CHECK(*lock != nullptr);
  CHECK_FALSE(with.open());
  lock->reset();
  CHECK(with.open());
  const auto none = lock_store(*with.files, "/nothing");
  REQUIRE(none.is_ok());
  CHECK(none.value() == nullptr);
  CHECK_FALSE(with.files->exists("/nothing").value());
}

}  // namespace sett::storage
