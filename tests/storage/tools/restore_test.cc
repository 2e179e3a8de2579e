#include "storage/tools/restore.h"

#include <catch2/catch.hpp>

#include "storage/backup/backups.h"
#include "storage/tools/verify.h"
#include "tests/support/engine_harness.h"
#include "tests/support/tool_notes.h"

namespace sett::storage {
namespace {

using Content = std::map<std::string, std::pair<std::string, int64_t>>;

const std::vector<RestoreTarget> targets{{"badger", "/db"}, {"simple_kv", "/db"}};

EngineOptions options_of(const std::string& engine) {
  EngineOptions options;
  options.engine = engine;
  options.kv.snapshot_log_bytes = 0;
  return options;
}

void fill(EngineHarness& with, const std::string& prefix, int count) {
  for (int i = 0; i < count; ++i)
    REQUIRE(with.put("0", prefix + std::to_string(i), std::string(static_cast<size_t>(i), 'v')) ==
            EngineHarness::Outcome::committed);
}

// A store with another content than its backup "b".
Content make(EngineHarness& with) {
  REQUIRE(with.open());
  fill(with, "old:", 120);
  const Content content = with.content("0");
  Backups backups(*with.files, with.executor, with.clock, "/backups");
  Status made = Status::error(ErrorKind::closed, "not ended");
  backups.begin("b", {[&](BackupPartDone done) { with.store().begin_backup(std::move(done)); }},
                [&](const Status& status) { made = status; });
  with.executor.run_for(1000);
  REQUIRE(made);
  fill(with, "new:", 120);
  with.remove("0", "old:7");
  with.executor.run_for(500);
  REQUIRE(with.close());
  return content;
}

}  // namespace

TEST_CASE("a restore is refused while the store is open, and where the backup is damaged or missing", "[backup]") {
  const std::string engine = GENERATE("badger", "simple_kv");
  EngineHarness with(options_of(engine));
  make(with);
  ToolNotes notes;
  REQUIRE(with.open());
  CHECK(restore_backup(*with.files, "/backups/b", targets, notes).kind() == ErrorKind::busy);
  REQUIRE(with.close());
  CHECK(restore_backup(*with.files, "/backups/none", targets, notes).kind() == ErrorKind::not_found);
  const auto manifest = read_backup_manifest(*with.files, "/backups/b").value().value();
  for (const auto& file : manifest.files) {
    const std::string path = "/backups/b/" + file.name, whole = with.files->content(path);
    std::string damaged = whole;
    damaged[damaged.size() / 2] ^= 1;
    with.files->set_content(path, damaged);
    const auto hash = with.files->durable_hash();
    ToolNotes found;
    CHECK(restore_backup(*with.files, "/backups/b", targets, found).kind() == ErrorKind::corruption);
    REQUIRE(found.damage.size() == 1);
    CHECK(found.damage.front().file() == path);
    CHECK(with.files->durable_hash() == hash);
    with.files->set_content(path, whole);
  }
}

TEST_CASE("the power goes after any call of a restore: the old content, none that opens, or the new",
          "[backup][crash]") {
  const std::string engine = GENERATE("badger", "simple_kv");
  EngineHarness first(options_of(engine));
  const Content backed_up = make(first);
  uint64_t refused = 0;
  for (uint64_t calls = 0;; ++calls) {
    INFO(engine << " after " << calls << " calls");
    REQUIRE(calls < 1000);
    auto files = first.files->kill();
    files->crash_after(calls);
    ToolNotes notes;
    const bool has_ended = restore_backup(*files, "/backups/b", targets, notes).is_ok() && !files->crashed();
    for (const CrashPolicy policy : {CrashPolicy::keep, CrashPolicy::drop, CrashPolicy::reordered}) {
      EngineHarness with(options_of(engine));
      with.files = files->crash(policy, calls);
      const Status opened = with.open();
      INFO("policy " << static_cast<int>(policy) << " " << opened.to_string());
      if (opened) {
        const Content found = with.content("0");
        CHECK((found == backed_up || (!has_ended && found.contains("new:1"))));
        REQUIRE(with.close());
      } else {
        ++refused;
        CHECK(opened.to_string().find("settd restore") != std::string::npos);
      }
      // Once more, to its end.
      const Status again = restore_backup(*with.files, "/backups/b", targets, notes);
      INFO(again.to_string());
      REQUIRE(again);
      REQUIRE(with.open());
      CHECK(with.content("0") == backed_up);
      CHECK(with.count("0") == backed_up.size());
      REQUIRE(with.close());
      CHECK_FALSE(with.files->exists("/db/replaced").value());
      CHECK_FALSE(with.files->exists("/db/restored").value());
    }
    if (has_ended) break;
  }
  CHECK(refused > 5);
}

TEST_CASE("a backup is restored into a folder that is not there", "[backup]") {
  const std::string engine = GENERATE("badger", "simple_kv");
  EngineHarness with(options_of(engine));
  const Content backed_up = make(with);
  ToolNotes notes;
  REQUIRE(restore_backup(*with.files, "/backups/b", {{engine, "/elsewhere/db"}}, notes));
  CHECK(restore_backup(*with.files, "/backups/b", {}, notes).kind() == ErrorKind::unsupported);
  with.options.kv.path = "/elsewhere/db";
  REQUIRE(with.open());
  CHECK(with.content("0") == backed_up);
  REQUIRE(with.close());
}

}  // namespace sett::storage
