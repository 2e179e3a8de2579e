// What is appended while a write, a sync or a removal is under way belongs to the next group.
#include <catch2/catch.hpp>

#include "tests/support/log_harness.h"

using namespace sett::storage;

namespace {

// Passes everything on; runs a hook in the middle of each sync of a file.
class HookedFile final : public AppendFile {
 public:
  HookedFile(std::unique_ptr<AppendFile> file, const std::function<void()>& in_sync)
      : file_(std::move(file)), in_sync_(in_sync) {}
  Status append(std::string_view bytes) override { return file_->append(bytes); }
  Status sync() override {
    auto status = file_->sync();
    if (in_sync_) in_sync_();
    return status;
  }
  Status allocate(uint64_t bytes) override { return file_->allocate(bytes); }
  Status trim() override { return file_->trim(); }
  uint64_t size() const override { return file_->size(); }
  Status close() override { return file_->close(); }

 private:
  const std::unique_ptr<AppendFile> file_;
  const std::function<void()>& in_sync_;
};

class HookedFileSystem final : public FileSystem {
 public:
  explicit HookedFileSystem(FileSystem& files) : files_(files) {}
  std::function<void()> in_sync, in_remove;

  Result<std::unique_ptr<AppendFile>> create(const std::string& path) override {
    auto file = files_.create(path);
    if (!file) return file.status();
    return std::unique_ptr<AppendFile>(std::make_unique<HookedFile>(std::move(*file), in_sync));
  }
  Result<std::unique_ptr<RandomAccessFile>> open(const std::string& path) override { return files_.open(path); }
  Result<bool> exists(const std::string& path) override { return files_.exists(path); }
  Result<std::vector<std::string>> list(const std::string& directory) override { return files_.list(directory); }
  Status create_directories(const std::string& directory) override { return files_.create_directories(directory); }
  Status remove(const std::string& path) override {
    if (in_remove) in_remove();
    return files_.remove(path);
  }
  Status remove_directory(const std::string& path) override { return files_.remove_directory(path); }
  Status rename(const std::string& from, const std::string& to) override { return files_.rename(from, to); }
  Status link(const std::string& from, const std::string& to) override { return files_.link(from, to); }
  Status truncate(const std::string& path, uint64_t size) override { return files_.truncate(path, size); }
  Status sync_directory(const std::string& directory) override { return files_.sync_directory(directory); }
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override { return files_.lock(path); }
  Result<uint64_t> free_bytes(const std::string& directory) override { return files_.free_bytes(directory); }

 private:
  FileSystem& files_;
};

struct Hooked {
  ManualClock clock;
  SeededExecutor executor{1, clock};
  SimulatedFileSystem simulated;
  HookedFileSystem files{simulated};
  std::unique_ptr<Log> log;

  explicit Hooked(bool sync_writes) {
    auto options = small_log_options();
    options.sync_writes = sync_writes;
    auto opened = Log::open(files, executor, clock, options, 0, [](Sequence, std::string_view) { return Status(); });
    REQUIRE(opened);
    log = std::move(opened->log);
    executor.run_ready();
  }
  void in_next_sync(std::function<void()> step) {
    files.in_sync = [step = std::move(step), done = false]() mutable {
      if (!std::exchange(done, true)) step();
    };
  }
  Journal::Room append(std::string_view record) {
    const std::string_view parts[] = {record};
    return log->append(parts, Journal::Urgency::normal).room;
  }
};

Records found_in(std::unique_ptr<SimulatedFileSystem> image) {
  LogHarness then;
  then.files = std::move(image);
  REQUIRE(then.open());
  return then.found;
}

}  // namespace

TEST_CASE("what arrives during a sync waits for the next one", "[log]") {
  Hooked with(true);
  int syncs = 0;
  with.files.in_sync = [&] {
    if (++syncs > 1) return;
    for (int i = 0; i < 3; ++i) {
      REQUIRE(with.append("later") == Journal::Room::ok);
      with.log->write_if_small();
    }
    REQUIRE(with.log->synced() == 0);
  };
  REQUIRE(with.append("first") == Journal::Room::ok);
  with.log->write_if_small();
  std::vector<Sequence> safe_marks;
  with.log->set_progress_listener([&] { safe_marks.push_back(with.log->safe()); });
  with.executor.run_ready();
  REQUIRE(syncs == 2);
  REQUIRE(with.log->safe() == 4);
  REQUIRE(std::is_sorted(safe_marks.begin(), safe_marks.end()));
  REQUIRE(std::count(safe_marks.begin(), safe_marks.end(), Sequence{1}) > 0);
  REQUIRE(std::count(safe_marks.begin(), safe_marks.end(), Sequence{2}) == 0);
}

TEST_CASE("a loop writes on while the lane syncs, and what it writes waits for the next sync", "[log]") {
  Hooked with(false);
  REQUIRE(with.append("a") == Journal::Room::ok);
  with.log->write_if_small();
  bool ran = false;
  with.in_next_sync([&] {
    ran = true;
    REQUIRE(with.append("b") == Journal::Room::ok);
    with.log->write_if_small();
    CHECK(with.log->written() == 2);
    CHECK(with.log->safe() == 2);
    CHECK(with.log->synced() == 0);
    CHECK(with.log->stats().loop_writes == 2);
    CHECK(with.log->stats().unsynced_bytes > 0);
  });
  with.executor.run_for(1000);
  REQUIRE(ran);
  REQUIRE(with.log->synced() == 1);
  REQUIRE(with.log->stats().unsynced_bytes > 0);
  REQUIRE(found_in(with.simulated.crash(CrashPolicy::drop, 1)) == Records{{1, "a"}});
  REQUIRE(found_in(with.simulated.kill()) == Records{{1, "a"}, {2, "b"}});
  with.executor.run_for(1000);
  REQUIRE(with.log->synced() == 2);
  REQUIRE(with.log->stats().unsynced_bytes == 0);
  REQUIRE(with.log->close());
}

TEST_CASE("a loop writes on while segments that nobody needs are removed", "[log]") {
  Hooked with(false);
  Sequence last = 0;
  for (; last < 20; ++last) {
    REQUIRE(with.append(std::string(10'000, 'a')) == Journal::Room::ok);
    with.executor.run_ready();
  }
  int removals = 0;
  with.files.in_remove = [&] {
    ++removals;
    REQUIRE(with.append("b") == Journal::Room::ok);
    with.log->write_if_small();
    CHECK(with.log->written() == ++last);
  };
  with.log->release(last - 1);
  with.executor.run_ready();
  CHECK(removals >= 2);
  with.files.in_remove = {};
  REQUIRE(with.log->close());
}

TEST_CASE("what does not fit into the active segment waits for the sync that is under way", "[log]") {
  Hooked with(false);
  REQUIRE(with.append("a") == Journal::Room::ok);
  with.log->write_if_small();
  with.in_next_sync([&] {
    REQUIRE(with.append(std::string(60'000, 'b')) == Journal::Room::ok);
    REQUIRE(with.append(std::string(8'000, 'c')) == Journal::Room::ok);  // runs on into the next segment
    with.log->write_if_small();
    CHECK(with.log->written() == 1);
  });
  with.executor.run_for(1000);
  REQUIRE(with.log->written() == 3);
  with.executor.run_for(1000);
  REQUIRE(with.log->synced() == 3);
}

TEST_CASE("writers are held while a sync takes too long, and go on after it", "[log]") {
  Hooked with(false);
  REQUIRE(with.append("a") == Journal::Room::ok);
  with.log->write_if_small();
  Journal::Room told = Journal::Room::failed;
  with.log->set_progress_listener([&] { told = Journal::Room::ok; });
  with.in_next_sync([&] {
    with.clock.advance_ms(1001);
    CHECK(with.append("b") == Journal::Room::hold);
    told = Journal::Room::hold;
  });
  with.executor.run_for(1000);
  REQUIRE(told == Journal::Room::ok);
  REQUIRE(with.append("b") == Journal::Room::ok);
}

TEST_CASE("a sync that fails is final for what was written meanwhile too", "[log]") {
  Hooked with(false);
  REQUIRE(with.append("a") == Journal::Room::ok);
  with.log->write_if_small();
  with.simulated.inject({.call = SimulatedFileSystem::Call::sync});
  with.in_next_sync([&] {
    REQUIRE(with.append("b") == Journal::Room::ok);
    with.log->write_if_small();
    CHECK(with.log->written() == 2);
  });
  with.executor.run_for(1000);
  REQUIRE(with.log->failed());
  REQUIRE(with.log->synced() == 0);
  REQUIRE(with.append("c") == Journal::Room::failed);
  with.executor.run_for(3000);
  REQUIRE(with.log->synced() == 0);
  REQUIRE_FALSE(with.log->close());
}

TEST_CASE("a segment is synced shortly before its end, so that the next one is entered quickly", "[log]") {
  Hooked with(false);
  while (with.log->stats().syncs == 0) {
    REQUIRE(with.log->last() < 200);
    REQUIRE(with.append(std::string(500, 'x')) == Journal::Room::ok);
    with.log->write_if_small();
    with.executor.run_ready();
  }
  REQUIRE(with.log->stats().segments == 1);
  REQUIRE(with.log->stats().bytes > 60'000);
  const Sequence synced = with.log->synced();
  REQUIRE(synced > 110);
  while (with.log->stats().segments == 1) {
    REQUIRE(with.append(std::string(500, 'x')) == Journal::Room::ok);
    with.log->write_if_small();
    with.executor.run_ready();
  }
  REQUIRE(with.log->stats().syncs == 1);  // once for each segment
}
