#include "storage/simple_kv/simple_kv_store.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/support/engine_harness.h"

using namespace sett::storage;

namespace {

EngineOptions kv_options() {
  EngineOptions options;
  options.engine = "simple_kv";
  return options;
}

std::vector<std::string> log_files(SimulatedFileSystem& files) {
  std::vector<std::string> paths;
  const auto names = files.list("/db/wal");
  for (const auto& name : names.value()) paths.push_back("/db/wal/" + name);
  return paths;
}

void fill(EngineHarness& with, int keys) {
  for (int i = 0; i < keys; ++i) {
    REQUIRE(with.put("0", "key" + std::to_string(i), std::string(3000, 'v')) == EngineHarness::Outcome::committed);
  }
}

enum class Loss : uint8_t { deleted, emptied, zeroed };

void lose(SimulatedFileSystem& files, const std::string& path, Loss loss) {
  if (loss == Loss::deleted)
    REQUIRE(files.remove(path));
  else
    files.set_content(path, std::string(loss == Loss::emptied ? 0 : files.content(path).size(), '\0'));
}

// Takes the last log file, the last two and so on: each time the start is refused, and changes nothing.
void expect_every_lost_end_refused(EngineHarness& with) {
  const auto paths = log_files(*with.files);
  for (const Loss loss : {Loss::deleted, Loss::emptied, Loss::zeroed}) {
    for (size_t lost = 1; lost <= paths.size(); ++lost) {
      EngineHarness then(with.options);
      then.files = with.files->kill();
      for (size_t i = paths.size() - lost; i < paths.size(); ++i) lose(*then.files, paths[i], loss);
      const auto calls = then.files->mutating_calls();
      const auto status = then.open();
      INFO("loss " << static_cast<int>(loss) << " of " << lost << " of " << paths.size() << ": " << status.to_string());
      REQUIRE(status.kind() == ErrorKind::corruption);
      REQUIRE(then.files->mutating_calls() == calls);
      if (loss == Loss::deleted && lost == 1)
        REQUIRE(status.message().find("its last records are missing") != std::string::npos);
    }
  }
}

}  // namespace

TEST_CASE("after a clean stop log files that are missing at the end are noticed", "[simple_kv]") {
  auto options = kv_options();
  options.kv.sync_writes = GENERATE(true, false);
  EngineHarness with(options);
  REQUIRE(with.open());
  SECTION("of a store without a snapshot") {
    fill(with, 40);
  }
  SECTION("behind a snapshot") {
    fill(with, 10);
    REQUIRE(with.snapshot());
    fill(with, 40);
  }
  SECTION("written in several lives") {
    for (int life = 0; life < 3; ++life) {
      fill(with, 15);
      REQUIRE(with.close());
      REQUIRE(with.open());
    }
    fill(with, 1);
  }
  SECTION("with an expiry pass as the last record") {
    fill(with, 40);
    REQUIRE(with.put("0", "short", "v", with.now() + 10) == EngineHarness::Outcome::committed);
    const Sequence before = with.store().journal().last();
    with.executor.run_for(500);
    REQUIRE(with.store().journal().last() > before);
  }
  SECTION("with a change of names as the last record") {
    fill(with, 40);
    REQUIRE(with.put("a", "k", "v") == EngineHarness::Outcome::committed);
    REQUIRE(with.swap("0", "a") == EngineHarness::Outcome::committed);
  }
  REQUIRE(with.close());
  REQUIRE(log_files(*with.files).size() >= 2);
  expect_every_lost_end_refused(with);
  REQUIRE(with.open());
  REQUIRE(with.close());  // without a record since
  const auto paths = log_files(*with.files);
  EngineHarness then(options);
  then.files = with.files->kill();
  REQUIRE(then.open());
}

TEST_CASE("what a clean stop noted holds after a start, kill -9, and power cuts", "[simple_kv]") {
  EngineHarness with(kv_options());
  REQUIRE(with.open());
  fill(with, 30);
  REQUIRE(with.close());
  const auto before = log_files(*with.files);
  REQUIRE(with.open());
  for (const auto policy : crash_policies) {
    EngineHarness then(kv_options());
    then.files = with.files->crash(policy, 1);
    REQUIRE(then.open());
    CHECK(then.count("0") == 30);
  }
  fill(with, 3);
  with.kill();
  // The end that was there at the stop, and all that came later.
  for (const Loss loss : {Loss::deleted, Loss::zeroed}) {
    EngineHarness then(kv_options());
    then.files = with.files->kill();
    for (const auto& path : log_files(*then.files))
      if (path >= before.back()) lose(*then.files, path, loss);
    CHECK(then.open().kind() == ErrorKind::corruption);
  }
  REQUIRE(with.open());
  CHECK(with.count("0") == 30);
}

TEST_CASE("a stop notes the last record that counts, not the number of one that was cut away", "[simple_kv]") {
  EngineHarness with(kv_options());
  REQUIRE(with.open());
  REQUIRE(with.put("0", "whole", "v") == EngineHarness::Outcome::committed);
  const Sequence whole = with.store().journal().last();
  REQUIRE(with.put("0", "torn", std::string(20'000, 'v')) == EngineHarness::Outcome::committed);
  REQUIRE(with.put("0", "torn", std::string(5'000, 'v')) == EngineHarness::Outcome::committed);
  with.executor.run_for(20);
  const auto path = log_files(*with.files).front();
  with.kill();
  auto bytes = with.files->content(path);
  std::fill(bytes.begin() + 10'000, bytes.begin() + 10'100, 'x');
  with.files->set_content(path, bytes);
  REQUIRE(with.open());
  REQUIRE_FALSE(with.get("0", "torn"));
  REQUIRE(with.store().journal().last() > whole);
  for (int life = 0; life < 2; ++life) {
    REQUIRE(with.close());
    REQUIRE(with.open());
    CHECK(with.get("0", "whole") == "v");
  }
  REQUIRE(with.snapshot());
  REQUIRE(with.close());
  REQUIRE(with.open());
  CHECK(with.get("0", "whole") == "v");
}

TEST_CASE("a stop on a full disk leaves the manifest as it was", "[simple_kv][full_disk]") {
  EngineHarness with(kv_options());
  REQUIRE(with.open());
  fill(with, 5);
  const auto before = with.files->content("/db/last_state/MANIFEST");
  with.executor.run_for(100);
  with.files->inject(
      {.call = SimulatedFileSystem::Call::create, .nth = 1, .persistent = true, .kind = ErrorKind::no_space});
  REQUIRE(with.close());
  with.files->clear_faults();
  CHECK(with.files->content("/db/last_state/MANIFEST") == before);
  REQUIRE(with.open());
  CHECK(with.count("0") == 5);
  REQUIRE(with.close());
  CHECK(with.files->content("/db/last_state/MANIFEST") != before);
}

TEST_CASE("what open refuses", "[simple_kv]") {
  EngineOptions options;
  options.engine = "simple_kv";
  SECTION("a hash that nobody knows") {
    options.kv.hash = "md5";
    EngineHarness with(options);
    const auto status = with.open();
    REQUIRE(status.kind() == ErrorKind::invalid_argument);
    REQUIRE(status.message().find("xxh3, fnv1a, crc16") != std::string::npos);
  }
  SECTION("an absurd number of shards") {
    options.kv.shards = 5000;
    EngineHarness with(options);
    REQUIRE(with.open().message().find("1 to 1024") != std::string::npos);
  }
  SECTION("a folder that is in use") {
    EngineHarness with(options);
    REQUIRE(with.open());
    REQUIRE(open_simple_kv(*with.files, with.executor, with.clock, options.kv, nullptr).status().kind() ==
            ErrorKind::busy);
  }
  SECTION("a log that is missing behind a snapshot") {
    EngineHarness with(options);
    REQUIRE(with.open());
    with.put("0", "k", "v");
    REQUIRE(with.snapshot());
    REQUIRE(with.close());
    const auto names = with.files->list("/db/wal");
    for (const auto& name : names.value()) REQUIRE(with.files->remove("/db/wal/" + name));
    REQUIRE(with.open().kind() == ErrorKind::corruption);
  }
}
