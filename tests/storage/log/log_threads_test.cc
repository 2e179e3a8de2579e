// Many appenders on real threads and real files.
#include <atomic>
#include <catch2/catch.hpp>
#include <map>
#include <thread>

#include "storage/base/thread_executor.h"
#include "storage/io/posix_file_system.h"
#include "storage/log/log.h"
#include "tests/support/temporary_directory.h"

using namespace sett::storage;

namespace {

constexpr int threads = 4;
constexpr int records_each = 400;

// Appends from one thread until it has placed all its records, as a loop does: at the end of each turn a small write.
void append_records(Log& log, int thread, std::map<Sequence, std::string>& mine) {
  for (int i = 0; i < records_each;) {
    const std::string head = std::to_string(thread) + "/" + std::to_string(i) + ":";
    const std::string body(i % 50 == 0 ? 40'000 : static_cast<size_t>(i % 97), static_cast<char>('a' + thread));
    const std::string_view parts[] = {head, body};
    const auto appended = log.append(parts, Journal::Urgency::normal);
    if (appended.room == Journal::Room::failed) return;
    if (appended.room == Journal::Room::ok) {
      mine.emplace(appended.sequence, head + body);
      ++i;
    } else {
      std::this_thread::yield();
    }
    if (i % 3 == 0) log.write_if_small();
    if (i % 40 == 0) log.release(log.synced() / 4);
  }
  log.write_if_small();
}

}  // namespace

TEST_CASE("concurrent appenders", "[log]") {
  const bool sync_writes = GENERATE(false, true);
  TemporaryDirectory directory;
  PosixFileSystem files;
  SystemClock clock;
  LogOptions options;
  options.directory = directory.path() + "/wal";
  options.sync_writes = sync_writes;
  options.sync_interval_ms = 5;
  options.segment_bytes = 256 << 10;
  options.emergency_bytes = 8 << 10;
  std::map<Sequence, std::string> expected;
  Sequence released = 0;
  {
    ThreadExecutor executor(1, 1, [](Executor::Task) {});
    auto opened = Log::open(files, executor, clock, options, 0, [](Sequence, std::string_view) { return Status(); });
    REQUIRE(opened);
    Log& log = *opened->log;
    std::atomic<uint64_t> progress = 0;
    log.set_progress_listener([&] { ++progress; });
    std::vector<std::map<Sequence, std::string>> appended(threads);
    std::vector<std::thread> appenders;
    for (int i = 0; i < threads; ++i) {
      appenders.emplace_back([&log, &mine = appended[static_cast<size_t>(i)], i] { append_records(log, i, mine); });
    }
    for (auto& appender : appenders) appender.join();
    released = log.synced() / 4;
    executor.stop();
    REQUIRE(log.close());
    REQUIRE_FALSE(log.failed());
    REQUIRE(progress > 0);
    for (auto& mine : appended) expected.merge(mine);
    REQUIRE(log.synced() == log.last());
  }
  REQUIRE(expected.size() == threads * records_each);
  REQUIRE(expected.rbegin()->first == threads * records_each);
  expected.erase(expected.begin(), expected.upper_bound(released));

  ThreadExecutor executor(1, 1, [](Executor::Task) {});
  std::map<Sequence, std::string> found;
  auto opened = Log::open(files, executor, clock, options, released, [&](Sequence sequence, std::string_view record) {
    found.emplace(sequence, record);
    return Status();
  });
  REQUIRE(opened);
  REQUIRE(found == expected);
  executor.stop();
  REQUIRE(opened->log->close());
}
