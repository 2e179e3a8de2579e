// Value logs over their lives: rotated, collected while their values change, removed, named by manifests.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <functional>
#include <utility>

#include "storage/lsm/manifest.h"
#include "tests/support/store_model.h"

using namespace sett::storage;
using Outcome = EngineHarness::Outcome;

namespace {

EngineOptions gc_options(uint64_t seed = 1) {
  EngineOptions options;
  options.engine = "badger";
  options.seed = seed;
  options.kv.default_shards = 2;
  options.badger.mem_table_bytes = 16 << 10;
  options.badger.value_log_file_bytes = 4 << 10;
  options.badger.gc_interval_ms = 100;
  options.badger.gc_discard_ratio = 0.3;
  return options;
}

std::string large(uint64_t bytes, char fill = 'v') {
  return std::string(bytes, fill);
}

TreeManifest manifest_of(EngineHarness& with) {
  return read_tree_manifest(*with.files, "/db").value().value();
}

// Hands all calls on; says when a manifest takes its name.
class ManifestWatch final : public FileSystem {
 public:
  explicit ManifestWatch(EngineHarness& with) : with_(with) {}
  std::function<void()> before;  // once
  std::function<void()> after;   // each time

  Result<std::unique_ptr<AppendFile>> create(const std::string& path) override { return files().create(path); }
  Result<std::unique_ptr<RandomAccessFile>> open(const std::string& path) override { return files().open(path); }
  Result<bool> exists(const std::string& path) override { return files().exists(path); }
  Result<std::vector<std::string>> list(const std::string& directory) override { return files().list(directory); }
  Status create_directories(const std::string& directory) override { return files().create_directories(directory); }
  Status remove(const std::string& path) override { return files().remove(path); }
  Status remove_directory(const std::string& path) override { return files().remove_directory(path); }
  Status rename(const std::string& from, const std::string& to) override {
    if (to == "/db/MANIFEST" && before) std::exchange(before, nullptr)();
    const Status status = files().rename(from, to);
    if (to == "/db/MANIFEST" && after) after();
    return status;
  }
  Status link(const std::string& from, const std::string& to) override { return files().link(from, to); }
  Status truncate(const std::string& path, uint64_t size) override { return files().truncate(path, size); }
  Status sync_directory(const std::string& directory) override { return files().sync_directory(directory); }
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override { return files().lock(path); }
  Result<uint64_t> free_bytes(const std::string& directory) override { return files().free_bytes(directory); }

 private:
  SimulatedFileSystem& files() { return *with_.files; }

  EngineHarness& with_;
};

}  // namespace

TEST_CASE("badger: a value log that was removed is not named again by the next flush", "[badger][value_log_gc]") {
  EngineHarness with(gc_options());
  ManifestWatch watch(with);
  with.seen_through = &watch;
  REQUIRE(with.open());
  REQUIRE(with.put("0", "gone", large(1000)) == Outcome::committed);
  REQUIRE(with.snapshot());  // the manifest names the file, which is the active one
  const uint64_t first = manifest_of(with).value_logs.at(0).number;
  REQUIRE(with.put("0", "gone", "small") == Outcome::committed);
  REQUIRE(with.snapshot());
  with.executor.run_for(4000);  // tables are merged: nothing points there any more
  REQUIRE(with.put("0", "next", large(3500)) == Outcome::committed);  // which needs a file of its own
  with.executor.run_for(4000);
  watch.after = [&] {
    for (const VlogMeta& file : manifest_of(with).value_logs) REQUIRE(file.number != first);
  };
  watch.after();
  REQUIRE(with.snapshot());
  with.executor.run_for(2000);
  REQUIRE(with.close());
  const Status opened = with.open();
  INFO(opened.to_string());
  REQUIRE(opened);
  REQUIRE(with.get("0", "gone") == "small");
  REQUIRE(with.get("0", "next") == large(3500));
}

TEST_CASE("badger: a value log that is sealed while a manifest is written keeps its end", "[badger][value_log_gc]") {
  EngineOptions options = gc_options();
  options.badger.gc_enabled = false;
  EngineHarness with(options);
  ManifestWatch watch(with);
  with.seen_through = &watch;
  REQUIRE(with.open());
  REQUIRE(with.put("0", "early", large(500)) == Outcome::committed);
  with.executor.run_for(20);
  watch.before = [&] {  // the manifest that is being written says where the file ended so far
    REQUIRE(with.put("0", "late", large(700)) == Outcome::committed);
    REQUIRE(with.put("0", "next", large(3500)) == Outcome::committed);
  };
  REQUIRE(with.snapshot());
  REQUIRE_FALSE(watch.before);
  REQUIRE(with.snapshot());
  REQUIRE(with.close());
  REQUIRE(with.open());
  REQUIRE(with.get("0", "early") == large(500));
  REQUIRE(with.get("0", "late") == large(700));
  REQUIRE(with.get("0", "next") == large(3500));
}

TEST_CASE("badger: a collection gives the bytes back and lets the memtable be flushed", "[badger][value_log_gc]") {
  EngineOptions options = gc_options();
  options.badger.value_log_file_bytes = 256 << 10;
  EngineHarness with(options);
  REQUIRE(with.open());
  constexpr int keys = 200;
  for (int i = 0; i < keys; ++i)
    REQUIRE(with.put("0", "key" + std::to_string(i), large(1000, static_cast<char>('a' + i % 26))) ==
            Outcome::committed);
  REQUIRE(with.put("0", "rotates", large(300 << 10)) == Outcome::committed);
  for (int i = 0; i < keys; i += 2) REQUIRE(with.remove("0", "key" + std::to_string(i)) == Outcome::committed);
  REQUIRE(with.snapshot());
  const TreeManifest before = manifest_of(with);
  const uint64_t used = with.files->used_bytes();
  with.executor.run_for(10'000);
  // 100 KB were moved, many memtables full, and nobody else has written.
  REQUIRE(manifest_of(with).flushed_through > before.flushed_through + keys / 4);
  REQUIRE(with.snapshot());
  with.executor.run_for(5000);
  REQUIRE(with.files->used_bytes() < used - (64 << 10));
  for (const VlogMeta& file : manifest_of(with).value_logs) REQUIRE(file.number != before.value_logs.at(0).number);
  for (int i = 1; i < keys; i += 2)
    REQUIRE(with.get("0", "key" + std::to_string(i)) == large(1000, static_cast<char>('a' + i % 26)));
  REQUIRE(with.count("0") == keys / 2 + 1);
}

TEST_CASE("badger: a collection goes on while writers are slowed", "[badger][value_log_gc]") {
  EngineOptions options = gc_options();
  options.badger.mem_tables = 4;
  options.kv.wal_segment_bytes = 4 << 20;  // the log needs no further file
  EngineHarness with(options);
  REQUIRE(with.open());
  constexpr int keys = 100;
  for (int i = 0; i < keys; ++i) REQUIRE(with.put("0", "key" + std::to_string(i), large(700)) == Outcome::committed);
  for (int i = 0; i < keys; i += 2) REQUIRE(with.remove("0", "key" + std::to_string(i)) == Outcome::committed);
  // Flushes fail from here on, so memtables fill up beyond the half from which writers are slowed.
  REQUIRE(with.snapshot());
  with.files->inject({.call = SimulatedFileSystem::Call::create, .persistent = true});
  for (int i = 0; i < 2000 && with.figure("badger_writers_slowed") == 0; ++i) {
    REQUIRE(with.put("0", "small" + std::to_string(i), std::string(50, 's')) == Outcome::committed);
    with.executor.run_one();
  }
  REQUIRE(with.figure("badger_writers_slowed") == 1);
  const uint64_t moved = with.figure("badger_gc_moved_values");
  with.executor.run_for(5000);
  REQUIRE(with.figure("badger_writers_slowed") == 1);
  REQUIRE(with.figure("badger_gc_moved_values") > moved);
}

TEST_CASE("badger: values change in any way while they are collected", "[badger][value_log_gc]") {
  const int seeds = std::getenv("SETT_LONG") ? 300 : 12;
  uint64_t files_gone = 0;
  for (int seed = 1; seed <= seeds; ++seed) {
    INFO("seed " << seed);
    EngineOptions options = gc_options(static_cast<uint64_t>(seed));
    options.badger.mem_table_bytes = 4 << 10;
    options.badger.mem_tables = 1 + static_cast<uint32_t>(seed) / 2 % 6;
    options.badger.gc_interval_ms = 1;
    options.badger.gc_discard_ratio = 0.01;
    EngineHarness with(options);
    REQUIRE(with.open());
    Random random(static_cast<uint64_t>(seed));
    StoreModel model;
    Sequence synced = 0;
    StoreModel synced_model;
    const auto compare = [&](StoreModel expected) {
      bool counts_agree = false;
      const StoreModel found = content_of(with, counts_agree);
      expected.forget_expired(with.last_now_ms());
      REQUIRE(found.text() == expected.text());
      REQUIRE(counts_agree);
    };
    for (int step = 0; step < 120; ++step) {
      Operation operation = draw_operation(random, {.keys = 12, .bytes_max = 300, .large_values = false});
      if (operation.kind == Operation::Kind::put && random.one_in(2)) operation.value = large(800 + random.below(400));
      REQUIRE(with.run([&](Transaction& txn) { perform(txn, operation); }) == Outcome::committed);
      perform(model, operation, with.last_now_ms());
      for (uint64_t n = random.below(12); n > 0; --n) with.executor.run_one();
      if (random.one_in(6)) with.executor.run_for(static_cast<int64_t>(random.below(80)));
      if (random.one_in(25)) with.executor.run_for(1500);
      if (step % 10 == 9) compare(model);
      if (step % 40 == 39) {  // the power goes, with all on disk that was promised
        with.store().journal().request_sync();
        with.executor.run_ready();
        synced = with.store().journal().synced();
        REQUIRE(synced == with.store().journal().last());
        synced_model = model;
        for (int i = 0; i < 3; ++i) with.executor.run_one();
        files_gone += manifest_of(with).next_file_number;
        with.power_cut(CrashPolicy::drop, static_cast<uint64_t>(seed + step));
        const Status opened = with.open();
        INFO(opened.to_string());
        REQUIRE(opened);
        compare(synced_model);
      }
    }
  }
  REQUIRE(files_gone > static_cast<uint64_t>(seeds) * 60);
}
