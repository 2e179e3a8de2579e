// BACKUP over the simulated disk: what is restored is the state of one sequence; the power goes after any call, and
// what is left is a backup that verifies, or one that is known as incomplete, and a store without harm.
#include "storage/backup/backups.h"

#include <catch2/catch.hpp>
#include <set>

#include "storage/backup/backup_manifest.h"
#include "storage/tools/restore.h"
#include "storage/tools/verify.h"
#include "tests/support/store_model.h"
#include "tests/support/tool_notes.h"

namespace sett::storage {
namespace {

using Call = SimulatedFileSystem::Call;
const std::string folder = "/backups";

EngineOptions options_of(const std::string& engine, uint64_t seed) {
  EngineOptions options;
  options.engine = engine;
  options.seed = seed;
  options.kv.default_shards = 2;
  options.kv.snapshot_log_bytes = 0;
  options.badger.tables_by_bucket = seed % 3 == 0;
  options.badger.value_log_file_bytes = 3 << 10;
  options.badger.value_log_records_max = 12;
  options.badger.gc_interval_ms = 200;
  return options;
}

void write_some(EngineHarness& with, Random& random, int count) {
  const OperationMix mix{.keys = 30, .bytes_max = 150, .large_values = false, .bucket_changes = true};
  for (int i = 0; i < count; ++i) {
    const Operation operation = draw_operation(random, mix);
    with.run([&](Transaction& txn) { perform(txn, operation); });
    if (random.one_in(4)) with.executor.run_for(static_cast<int64_t>(random.below(60)));
    if (random.one_in(20)) with.executor.run_for(600);
  }
}

std::vector<Backups::Source> source_of(EngineHarness& with) {
  return {[&with](BackupPartDone done) { with.store().begin_backup(std::move(done)); }};
}

// nullopt: it has not ended (the power is off).
std::optional<Status> make_backup(EngineHarness& with, Backups& backups, const std::string& name,
                                  const std::function<void()>& meanwhile = {}) {
  auto outcome = std::make_shared<std::optional<Status>>();
  backups.begin(name, source_of(with), [outcome](const Status& status) { *outcome = status; });
  for (int steps = 0; steps < 20000 && !*outcome && !with.files->crashed(); ++steps) {
    if (meanwhile && steps % 3 == 0) meanwhile();
    with.executor.run_for(1);
  }
  return *outcome;
}

// With nothing left in memory that a count would have to wait for.
StoreModel content_now(EngineHarness& with) {
  if (with.options.engine == "badger") REQUIRE(with.snapshot());
  bool counts_agree = false;
  StoreModel model = content_of(with, counts_agree);
  CHECK(counts_agree);
  return model;
}

// Restores into the files, opens, looks.
StoreModel restored(std::unique_ptr<SimulatedFileSystem> files, const EngineOptions& options, const std::string& name,
                    int64_t now_ms) {
  EngineHarness with(options);
  with.files = std::move(files);
  with.clock.jump_wall_ms(std::max<int64_t>(0, now_ms - with.now()));
  ToolNotes notes;
  const Status status =
      restore_backup(*with.files, folder + "/" + name, {{"badger", "/db"}, {"simple_kv", "/db"}}, notes);
  INFO(status.to_string() << notes.text());
  REQUIRE(status);
  const Status opened = with.open();
  INFO(opened.to_string());
  REQUIRE(opened);
  StoreModel model = content_now(with);
  REQUIRE(with.put("0", "new", "value") == EngineHarness::Outcome::committed);
  with.executor.run_for(1500);
  REQUIRE(with.close());
  ToolNotes again;
  verify_backup(*with.files, folder + "/" + name, again);  // the store has left it alone
  INFO(again.text());
  REQUIRE(again.damage.empty());
  return model;
}

}  // namespace

TEST_CASE("a backup holds what the store held, whatever the store does afterwards", "[backup]") {
  const std::string engine = GENERATE("badger", "simple_kv");
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    const bool links = seed % 2 == 0;
    INFO(engine << " seed " << seed);
    EngineHarness with(options_of(engine, seed));
    if (!links) with.files->inject({.call = Call::link, .persistent = true, .kind = ErrorKind::unsupported});
    REQUIRE(with.open());
    Random random(seed);
    Backups backups(*with.files, with.executor, with.clock, folder);
    std::vector<StoreModel> states;
    for (int round = 0; round < 3; ++round) {
      write_some(with, random, 60);
      states.push_back(content_now(with));
      const auto made = make_backup(with, backups, "b" + std::to_string(round));
      REQUIRE(made);
      INFO(made->to_string());
      REQUIRE(*made);
      CHECK(backups.state().last_ms > 0);
      CHECK(backups.state().bytes > 0);
      const auto taken = make_backup(with, backups, "b" + std::to_string(round));
      CHECK(taken->kind() == ErrorKind::already_exists);
    }
    write_some(with, random, 60);
    const int64_t now_ms = with.now();
    REQUIRE(with.close());
    for (int round = 0; round < 3; ++round) {
      const std::string name = "b" + std::to_string(round);
      ToolNotes notes;
      verify_backup(*with.files, folder + "/" + name, notes);
      INFO(name << "\n" << notes.text());
      CHECK(notes.damage.empty());
      StoreModel expected = states[static_cast<size_t>(round)];
      StoreModel found = restored(with.files->kill(), with.options, name, now_ms);
      expected.forget_expired(now_ms);
      found.forget_expired(now_ms);
      INFO("expected\n" << expected.text() << "found\n" << found.text());
      CHECK(found == expected);
    }
  }
}

TEST_CASE("a backup that is made while writes go on is of one sequence between its begin and its end", "[backup]") {
  const std::string engine = GENERATE("badger", "simple_kv");
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    INFO(engine << " seed " << seed);
    EngineHarness with(options_of(engine, seed));
    REQUIRE(with.open());
    Random random(seed);
    write_some(with, random, 80);
    Backups backups(*with.files, with.executor, with.clock, folder);
    uint64_t counter = 0;
    const auto write_one = [&] {
      ++counter;
      const std::string value = std::to_string(counter) + std::string(random.below(200), 'x');
      const std::string key = "key:" + std::to_string(counter % 7), last = std::to_string(counter);
      with.run([&](Transaction& txn) {
        txn.put(txn.bucket("count"), key, value, 0, Event::set);
        txn.put(txn.bucket("count"), "last", last, 0, Event::set);
      });
      if (counter % 10 == 0) with.drop("other");
      if (counter % 10 == 5) with.put("other", "k", "v");
    };
    write_one();
    const uint64_t before = counter;
    const auto made = make_backup(with, backups, "b", write_one);
    REQUIRE(made);
    INFO(made->to_string());
    REQUIRE(*made);
    const int64_t now_ms = with.now();
    REQUIRE(with.close());
    const StoreModel found = restored(with.files->kill(), with.options, "b", now_ms);
    const auto& bucket = found.buckets.at("count");
    const uint64_t last = std::stoull(bucket.at("last").value);
    CHECK(last >= before);
    CHECK(last <= counter);
    for (uint64_t back = 0; back < 7 && last > back; ++back)
      CHECK(std::stoull(bucket.at("key:" + std::to_string((last - back) % 7)).value) == last - back);
  }
}

TEST_CASE("a backup shares what has not changed, also where it cannot be linked to the store", "[backup]") {
  EngineHarness with(options_of("badger", 1));
  REQUIRE(with.open());
  for (int i = 0; i < 200; ++i) with.put("0", "key:" + std::to_string(i), std::string(150, 'v'));
  with.executor.run_for(3000);
  Backups backups(*with.files, with.executor, with.clock, folder);
  const auto cost_of = [&](const std::string& name) {
    const uint64_t before = with.files->used_bytes();
    const auto made = make_backup(with, backups, name);
    REQUIRE(made);
    REQUIRE(*made);
    return with.files->used_bytes() - before;
  };
  const uint64_t linked = cost_of("linked");
  const uint64_t all = backups.state().bytes;
  CHECK(linked < all / 4);
  with.files->inject({.call = Call::link, .persistent = true, .kind = ErrorKind::unsupported});
  CHECK(cost_of("copied") > all / 2);
  // From the store to the backup nothing can be linked, which is tried first; within the backups it can.
  with.files->clear_faults();
  const auto manifest = read_backup_manifest(*with.files, folder + "/copied").value().value();
  uint64_t tried = 0;
  for (const auto& file : manifest.files)
    if (file.name.find("/tables/") != std::string::npos || file.name.find("/values/") != std::string::npos)
      with.files->inject({.call = Call::link, .nth = ++tried, .kind = ErrorKind::unsupported});
  REQUIRE(tried > 0);
  CHECK(cost_of("shared") < all / 4);
  ToolNotes notes;
  verify_backup(*with.files, folder + "/shared", notes);
  CHECK(notes.damage.empty());
}

TEST_CASE("names of backups, and one at a time", "[backup]") {
  for (const char* name : {"a", "2026-11-28_nightly.1", "A-Z_0.9"}) CHECK(is_backup_name(name));
  for (const std::string& name : std::vector<std::string>{"", ".", "..", ".a", "a/b", "a b", std::string(129, 'a')})
    CHECK_FALSE(is_backup_name(name));
  EngineHarness with(options_of("badger", 1));
  REQUIRE(with.open());
  REQUIRE(with.put("0", "k", "v") == EngineHarness::Outcome::committed);
  Backups backups(*with.files, with.executor, with.clock, folder);
  std::vector<Status> ended;
  for (const char* name : {"a", "b", "a/b"})
    backups.begin(name, source_of(with), [&](const Status& status) { ended.push_back(status); });
  REQUIRE(ended.size() == 2);
  CHECK(ended[0].kind() == ErrorKind::busy);
  CHECK(ended[1].kind() == ErrorKind::invalid_argument);
  CHECK(backups.state().is_running);
  with.executor.run_for(1000);
  REQUIRE(ended.size() == 3);
  CHECK(ended[2]);
  CHECK_FALSE(backups.state().is_running);
  // What is no backup's is left alone.
  REQUIRE(with.files->create_directories(folder + "/else/deep"));
  REQUIRE(with.files->create(folder + "/else/deep/file"));
  REQUIRE(backups.remove_incomplete());
  CHECK(with.files->exists(folder + "/else/deep/file").value());
  CHECK(make_backup(with, backups, "else")->kind() == ErrorKind::already_exists);
  REQUIRE(with.close());
}

TEST_CASE("a backup that fails at any call leaves nothing that looks like one, and the store unharmed", "[backup]") {
  const std::string engine = GENERATE("badger", "simple_kv");
  for (uint64_t nth = 1;; ++nth) {
    INFO(engine << " call " << nth);
    EngineHarness with(options_of(engine, 3));
    REQUIRE(with.open());
    Random random(3);
    write_some(with, random, 30);
    with.executor.run_for(300);
    Backups backups(*with.files, with.executor, with.clock, folder);
    with.files->inject({.nth = nth});
    const auto made = make_backup(with, backups, "b");
    with.files->clear_faults();
    REQUIRE(made);
    ToolNotes notes;
    verify_backup(*with.files, folder + "/b", notes);
    INFO(made->to_string() << "\n" << notes.text());
    CHECK(notes.damage.empty() == made->is_ok());
    if (!*made) {
      CHECK(backups.state().failed);
      REQUIRE(backups.remove_incomplete());
      CHECK_FALSE(with.files->exists(folder + "/b").value());
    }
    if (*made && nth > 60) break;
    REQUIRE(nth < 400);
  }
}

TEST_CASE("the power goes after any call of a backup", "[backup][crash]") {
  const std::string engine = GENERATE("badger", "simple_kv");
  uint64_t complete = 0, incomplete = 0;
  for (uint64_t calls = 0;; ++calls) {
    INFO(engine << " after " << calls << " calls");
    REQUIRE(calls < 600);
    EngineHarness with(options_of(engine, 5));
    with.options.kv.sync_writes = true;
    REQUIRE(with.open());
    Random random(5);
    write_some(with, random, 25);
    with.executor.run_for(50);
    const StoreModel expected = content_now(with);
    Backups backups(*with.files, with.executor, with.clock, folder);
    with.files->crash_after(calls);
    const auto made = make_backup(with, backups, "b");
    const bool has_ended = made && *made && !with.files->crashed();
    const int64_t now_ms = with.now();
    with.gone();
    for (const CrashPolicy policy : {CrashPolicy::keep, CrashPolicy::drop, CrashPolicy::reordered}) {
      auto image = with.files->crash(policy, calls + 1);
      ToolNotes notes;
      verify_backup(*image, folder + "/b", notes);
      const bool has_manifest = read_backup_manifest(*image, folder + "/b").value().has_value();
      INFO("policy " << static_cast<int>(policy) << "\n" << notes.text());
      CHECK(notes.damage.empty() == has_manifest);
      if (has_ended) CHECK(has_manifest);
      (has_manifest ? complete : incomplete) += 1;
      if (has_manifest) {
        StoreModel found = restored(image->kill(), with.options, "b", now_ms), wanted = expected;
        wanted.forget_expired(now_ms);
        found.forget_expired(now_ms);
        INFO("wanted\n" << wanted.text() << "restored\n" << found.text());
        CHECK(found == wanted);
      }
      // The store, and another backup of that name.
      EngineHarness then(with.options);
      then.files = std::move(image);
      then.clock.jump_wall_ms(std::max<int64_t>(0, now_ms - then.now()));
      REQUIRE(then.open());
      StoreModel found = content_now(then), wanted = expected;
      wanted.forget_expired(then.now());
      found.forget_expired(then.now());
      INFO("wanted\n" << wanted.text() << "found\n" << found.text());
      CHECK(found == wanted);
      Backups again(*then.files, then.executor, then.clock, folder);
      REQUIRE(again.remove_incomplete());
      const auto second = make_backup(then, again, "b");
      REQUIRE(second);
      INFO(second->to_string());
      CHECK((has_manifest ? second->kind() == ErrorKind::already_exists : second->is_ok()));
      REQUIRE(then.close());
    }
    if (has_ended) break;
  }
  CHECK(complete > 3);
  CHECK(incomplete > 30);
}

}  // namespace sett::storage
