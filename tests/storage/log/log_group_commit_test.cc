// What is appended while a write or a sync is under way belongs to the next group.
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
  std::function<void()> in_sync;

  Result<std::unique_ptr<AppendFile>> create(const std::string& path) override {
    auto file = files_.create(path);
    if (!file) return file.status();
    return std::unique_ptr<AppendFile>(std::make_unique<HookedFile>(std::move(*file), in_sync));
  }
  Result<std::unique_ptr<RandomAccessFile>> open(const std::string& path) override { return files_.open(path); }
  Result<bool> exists(const std::string& path) override { return files_.exists(path); }
  Result<std::vector<std::string>> list(const std::string& directory) override { return files_.list(directory); }
  Status create_directories(const std::string& directory) override { return files_.create_directories(directory); }
  Status remove(const std::string& path) override { return files_.remove(path); }
  Status remove_directory(const std::string& path) override { return files_.remove_directory(path); }
  Status rename(const std::string& from, const std::string& to) override { return files_.rename(from, to); }
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
  Journal::Room append(std::string_view record) {
    const std::string_view parts[] = {record};
    return log->append(parts, Journal::Urgency::normal).room;
  }
};

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

TEST_CASE("during a sync no loop writes; what it appended is written after it", "[log]") {
  Hooked with(false);
  with.files.in_sync = [&] {
    if (with.log->last() > 1) return;
    REQUIRE(with.append("later") == Journal::Room::ok);
    with.log->write_if_small();
    REQUIRE(with.log->written() == 1);
  };
  REQUIRE(with.append("first") == Journal::Room::ok);
  with.log->request_sync();
  with.executor.run_ready();
  REQUIRE(with.log->synced() == 1);
  REQUIRE(with.log->written() == 2);
  REQUIRE(with.log->stats().unsynced_bytes > 0);
  with.executor.run_for(1000);
  REQUIRE(with.log->synced() == 2);
}
