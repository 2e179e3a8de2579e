#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/io/simulated_file_system.h"
#include "storage/log/log.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seeded_executor.h"

namespace sett::storage {

using Records = std::vector<std::pair<Sequence, std::string>>;

inline LogOptions small_log_options() {
  LogOptions options;
  options.directory = "/db/wal";
  options.segment_bytes = 64 << 10;
  options.buffer_bytes_max = 256 << 10;
  options.emergency_bytes = 4 << 10;
  options.epoch_seed = 7;
  return options;
}

// A log over the simulated file system with a seeded executor, and what was read when it was opened.
struct LogHarness {
  explicit LogHarness(LogOptions log_options = small_log_options(), uint64_t seed = 1)
      : options(std::move(log_options)), files(std::make_unique<SimulatedFileSystem>()), executor(seed, clock) {}

  Status open(Sequence after = 0) {
    found.clear();
    auto opened = Log::open(*files, executor, clock, options, after, [&](Sequence sequence, std::string_view record) {
      found.emplace_back(sequence, record);
      return Status();
    });
    if (!opened) return opened.status();
    log = std::move(opened->log);
    recovery = opened->recovery;
    return {};
  }
  // The process is gone, the files are as `image`.
  void restart_on(std::unique_ptr<SimulatedFileSystem> image) {
    log.reset();
    executor.drop_all();
    files = std::move(image);
  }
  Journal::Appended append(std::string_view record, Journal::Urgency urgency = Journal::Urgency::normal) {
    const std::string_view parts[] = {record};
    return log->append(parts, urgency);
  }
  // Appends and lets the log lane run until it is taken; false if it is refused.
  bool put(std::string_view record) {
    for (int tries = 0; tries < 100; ++tries) {
      const auto appended = append(record);
      if (appended.room == Journal::Room::ok) return true;
      if (appended.room != Journal::Room::hold) return false;
      executor.run_ready();
    }
    return false;
  }
  std::vector<std::string> segments() { return files->list(options.directory).value(); }
  std::string path(const std::string& name) const { return join_path(options.directory, name); }

  LogOptions options;
  ManualClock clock;
  std::unique_ptr<SimulatedFileSystem> files;
  SeededExecutor executor;
  std::unique_ptr<Log> log;
  Records found;
  LogRecovery recovery;
};

// A record that tells its number and is not all one byte.
inline std::string record_of(uint64_t number, uint64_t bytes) {
  std::string record = std::to_string(number) + ":";
  Random random(number);
  record.resize(std::max<uint64_t>(bytes, record.size()), '\0');
  for (size_t i = record.find(':') + 1; i < record.size(); ++i) record[i] = static_cast<char>(random.next());
  record.resize(bytes);
  return record;
}

}  // namespace sett::storage
