// Bytes that are not what was written: cut short, flipped, copied from elsewhere.
#include <algorithm>
#include <catch2/catch.hpp>

#include "storage/log/log_format.h"
#include "tests/support/log_harness.h"

using namespace sett::storage;

namespace {

// One segment with a few records, of which `synced` were synced and known to be.
struct SmallLog {
  LogHarness with;
  std::string name;
  std::string bytes;
  Records records;

  SmallLog(uint64_t count, bool clean_close) {
    REQUIRE(with.open());
    for (uint64_t i = 1; i <= count; ++i) {
      const auto record = record_of(i, i * 7 % 60);
      REQUIRE(with.append(record).room == Journal::Room::ok);
      records.emplace_back(i, record);
      with.log->write_if_small();
      with.log->request_sync();
      if (clean_close || i < count) with.executor.run_ready();
    }
    if (clean_close) REQUIRE(with.log->close());
    name = with.path(with.segments().front());
    bytes = with.files->content(name);
  }

  // Opens the log with other bytes; what was found is in `with`.
  Status open_with(std::string other) {
    with.restart_on(std::make_unique<SimulatedFileSystem>());
    REQUIRE(with.files->create_directories(with.options.directory));
    REQUIRE(with.files->create(name));
    REQUIRE(with.files->sync_directory(with.options.directory));
    with.files->set_content(name, std::move(other));
    return with.open();
  }
  bool found_a_prefix() const {
    return with.found.size() <= records.size() && std::equal(with.found.begin(), with.found.end(), records.begin());
  }
};

}  // namespace

TEST_CASE("a log file cut short at any byte is damage, after a clean close and after a crash", "[log]") {
  for (const bool clean_close : {true, false}) {
    SmallLog log(12, clean_close);
    REQUIRE((log.bytes.size() < log.with.options.segment_bytes) == clean_close);
    log.with.options.must_exist = true;
    // Of a file that was not closed: all lengths with records, then some of its unused end.
    const size_t used = log.bytes.find_last_not_of('\0') + 1;
    for (size_t length = 0; length < log.bytes.size(); length += length <= used + 100 ? 1 : 517) {
      INFO("clean close " << clean_close << " length " << length << " of " << log.bytes.size());
      const auto bytes = log.bytes.substr(0, length);
      const auto status = log.open_with(bytes);
      REQUIRE(status.kind() == ErrorKind::corruption);
      REQUIRE(status.file() == log.name);
      REQUIRE(status.offset().has_value());
      REQUIRE(*status.offset() <= length);
      REQUIRE(status.message().find("the file is shorter than it was made") != std::string::npos);
      REQUIRE(log.with.files->content(log.name) == bytes);
      REQUIRE(log.with.segments().size() == 1);
      REQUIRE(log.found_a_prefix());
    }
    REQUIRE(log.open_with(log.bytes));
    REQUIRE(log.with.found.size() >= log.records.size() - 1);  // the last was not synced when it was not closed
  }
}

TEST_CASE("a file that is cut short behind older ones is damage too", "[log]") {
  LogHarness with;
  REQUIRE(with.open());
  for (int life = 0; life < 3; ++life) {
    REQUIRE(with.put(record_of(1, 1000)));
    if (life < 2) REQUIRE(with.log->close());
    if (life < 2) REQUIRE(with.open());
  }
  with.log->request_sync();
  with.executor.run_ready();
  REQUIRE(with.log->synced() == 3);
  const auto names = with.segments();
  REQUIRE(names.size() == 4);  // the last one is made ready
  const auto last_begun = with.path(names[2]);
  const auto bytes = with.files->content(last_begun);
  for (size_t length = 0; length < bytes.size(); length += length < 1200 ? 1 : 499) {
    LogHarness damaged;
    damaged.files = with.files->kill();
    REQUIRE(damaged.files->remove(with.path(names[3])));
    damaged.files->set_content(last_begun, bytes.substr(0, length));
    const auto status = damaged.open();
    INFO("length " << length << ": " << status.to_string());
    REQUIRE(status.kind() == ErrorKind::corruption);
    REQUIRE(status.file() == last_begun);
  }
}

TEST_CASE("a crash at any moment of a clean close", "[log][crash]") {
  bool closed = false;
  for (uint64_t calls = 0; !closed; ++calls) {
    REQUIRE(calls < 60);
    SmallLog log(5, false);
    log.with.files->crash_after(calls);
    closed = log.with.log->close().is_ok();
    const auto synced = closed ? log.records.size() : log.records.size() - 1;
    for (const auto policy : crash_policies) {
      for (uint64_t seed = 1; seed <= 5; ++seed) {
        LogHarness then;
        then.files = log.with.files->crash(policy, seed);
        const auto status = then.open();
        INFO("calls " << calls << " policy " << static_cast<int>(policy) << " seed " << seed << " "
                      << status.to_string());
        REQUIRE(status);
        REQUIRE(then.found.size() >= synced);
      }
    }
    LogHarness then;
    then.files = log.with.files->kill();
    REQUIRE(then.open());
    REQUIRE(then.found == log.records);
  }
}

TEST_CASE("a log whose end is zeroes from any byte on opens with a prefix and goes on", "[log]") {
  SmallLog log(12, false);
  size_t longest = 0;
  const size_t used = log.bytes.find_last_not_of('\0') + 1;
  for (size_t length = 0; length <= used; ++length) {
    INFO("length " << length);
    auto bytes = log.bytes.substr(0, length);
    bytes.resize(log.bytes.size(), '\0');
    REQUIRE(log.open_with(std::move(bytes)));
    REQUIRE(log.found_a_prefix());
    REQUIRE(log.with.found.size() >= longest);
    longest = log.with.found.size();
    const auto kept = log.with.found;
    const auto appended = log.with.append("new");
    REQUIRE(appended.room == Journal::Room::ok);
    REQUIRE(appended.sequence > kept.size());
    REQUIRE(log.with.log->close());
    REQUIRE(log.with.open());
    REQUIRE(log.with.recovery.cut_bytes == 0);
    REQUIRE(log.with.found.size() == kept.size() + 1);
    REQUIRE(log.with.found.back().second == "new");
  }
  REQUIRE(longest == log.records.size());
}

TEST_CASE("a flipped byte in a log that was closed is damage, and nothing is changed", "[log]") {
  SmallLog log(12, true);
  for (size_t at = 0; at < log.bytes.size(); ++at) {
    for (const unsigned char flip : {0x01, 0x80, 0xFF}) {
      INFO("byte " << at << " flip " << int{flip});
      auto bytes = log.bytes;
      bytes[at] = static_cast<char>(bytes[at] ^ flip);
      const auto status = log.open_with(bytes);
      if (log_format::segment_version(bytes) > log_format::version) {
        REQUIRE(status.kind() == ErrorKind::unsupported);
        REQUIRE(status.message().find(log.name + ": written by a newer sett") == 0);
        REQUIRE(log.with.files->content(log.name) == bytes);
        continue;
      }
      REQUIRE(status.kind() == ErrorKind::corruption);
      REQUIRE(status.file() == log.name);
      REQUIRE(status.offset().has_value());
      REQUIRE(*status.offset() <= at);
      REQUIRE(status.message().find("restore the data directory") != std::string::npos);
      REQUIRE(log.with.files->content(log.name) == bytes);
      REQUIRE(log.with.segments().size() == 1);
      REQUIRE(log.found_a_prefix());
    }
  }
}

TEST_CASE("a flipped byte in a log that was not closed is damage or, in the last group, cut", "[log]") {
  SmallLog log(8, false);
  // The last record was framed when all before it were synced, so its chunk speaks for them, not for itself.
  const size_t end = log.bytes.find_last_not_of('\0') + 1;
  const size_t last_begin = [&] {
    size_t offset = log_format::segment_header_bytes;
    for (size_t i = 0; i + 1 < log.records.size(); ++i) {
      offset += log_format::chunk_header_bytes + log_format::sequence_bytes + log.records[i].second.size();
    }
    return offset;
  }();
  for (size_t at = 0; at < end; ++at) {
    INFO("byte " << at);
    auto bytes = log.bytes;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    const auto status = log.open_with(bytes);
    REQUIRE(log.found_a_prefix());
    if (log_format::segment_version(bytes) > log_format::version) {
      REQUIRE(status.kind() == ErrorKind::unsupported);
    } else if (at < last_begin) {
      REQUIRE(status.kind() == ErrorKind::corruption);
    } else {
      REQUIRE(status);
      REQUIRE(log.with.found.size() == log.records.size() - 1);
      REQUIRE(log.with.recovery.cut_bytes > 0);
    }
  }
}

TEST_CASE("the sequence of a record that is cut is not given out again", "[log]") {
  LogHarness with;
  REQUIRE(with.open());
  REQUIRE(with.append("whole").room == Journal::Room::ok);
  REQUIRE(with.append(std::string(50'000, 'x')).room == Journal::Room::ok);
  with.log->write_if_small();
  const auto name = with.path(with.segments().front());
  auto bytes = with.files->content(name);
  std::fill(bytes.begin() + 40'000, bytes.end(), '\0');
  with.restart_on(with.files->kill());
  with.files->set_content(name, bytes);
  REQUIRE(with.open());
  REQUIRE(with.found == Records{{1, "whole"}});
  REQUIRE(with.recovery.cut_bytes > 30'000);
  REQUIRE(with.log->last() == 2);
  // ... nor after a second crash, when the tail is gone
  with.restart_on(with.files->crash(CrashPolicy::drop, 1));
  REQUIRE(with.open());
  REQUIRE(with.recovery.cut_bytes == 0);
  REQUIRE(with.append("next").sequence == 3);
}

TEST_CASE("sequences that stand in the cut tail only are not given out again", "[log]") {
  LogHarness with;
  REQUIRE(with.open());
  for (int i = 0; i < 5; ++i) REQUIRE(with.append(std::string(i == 1 ? 40'000 : 100, 'x')).room == Journal::Room::ok);
  with.log->write_if_small();
  const auto name = with.path(with.segments().front());
  auto bytes = with.files->content(name);
  const size_t second = log_format::segment_header_bytes + log_format::chunk_header_bytes + 8 + 100;
  bytes[second + 1000] = '!';
  with.restart_on(with.files->kill());
  with.files->set_content(name, bytes);
  REQUIRE(with.open());
  REQUIRE(with.found.size() == 1);
  REQUIRE(with.recovery.last_sequence == 1);
  REQUIRE(with.log->last() == 5);
}

TEST_CASE("a flipped byte in any segment of a longer log is damage", "[log]") {
  LogHarness with;
  REQUIRE(with.open());
  for (uint64_t i = 1; i <= 12; ++i) REQUIRE(with.put(record_of(i, i == 6 ? 150'000 : 12'000)));
  REQUIRE(with.log->close());
  const auto names = with.segments();
  REQUIRE(names.size() > 3);
  Random random(11);
  for (int i = 0; i < 400; ++i) {
    const auto path = with.path(names[random.below(names.size())]);
    const auto bytes = with.files->content(path);
    size_t at = random.below(bytes.size());
    if (at >= 8 && at < 12) at = 0;  // of a newer version nothing else is looked at
    INFO(path << " byte " << at);
    LogHarness damaged;
    damaged.files = with.files->kill();
    auto other = bytes;
    other[at] = static_cast<char>(other[at] ^ 0x04);
    damaged.files->set_content(path, other);
    const auto status = damaged.open();
    REQUIRE(status.kind() == ErrorKind::corruption);
    REQUIRE(status.file() == path);
  }
}

TEST_CASE("a value that contains bytes of a log never passes for a record", "[log]") {
  // The log itself is stored in the log, shifted in all ways, then its end is torn off at many places.
  SmallLog source(10, true);
  LogHarness with;
  with.options.segment_bytes = 256 << 10;
  REQUIRE(with.open());
  Records written;
  for (size_t shift = 0; shift < 64; ++shift) {
    const auto record = std::string(shift, '\0') + source.bytes;
    REQUIRE(with.put(record));
    written.emplace_back(with.log->last(), record);
  }
  const auto own_name = with.path(with.segments().front());
  with.log->request_sync();
  with.executor.run_ready();
  const auto own_bytes = with.files->content(own_name).substr(0, 30'000);
  REQUIRE(with.put(own_bytes));  // of the same segment, the same epoch
  written.emplace_back(with.log->last(), own_bytes);
  with.log->write_if_small();
  const auto name = with.path(with.segments().front());
  const auto bytes = with.files->content(name);
  const size_t end = bytes.find_last_not_of('\0') + 1;
  Random random(3);
  for (int i = 0; i < 200; ++i) {
    const size_t length = end - random.below(29'000);
    INFO("length " << length);
    LogHarness torn;
    torn.files = with.files->kill();
    auto torn_bytes = bytes.substr(0, length);
    torn_bytes.resize(bytes.size(), '\0');
    torn.files->set_content(name, std::move(torn_bytes));
    REQUIRE(torn.open());
    REQUIRE(std::equal(torn.found.begin(), torn.found.end(), written.begin()));
    REQUIRE(torn.found.size() >= written.size() - 1);
  }
}

TEST_CASE("a log that is known to be there is not begun anew when it is gone", "[log]") {
  LogHarness with;
  REQUIRE(with.open());
  REQUIRE(with.append("kept").room == Journal::Room::ok);
  REQUIRE(with.log->close());
  with.options.must_exist = true;
  with.restart_on(std::make_unique<SimulatedFileSystem>());
  const Status status = with.open();
  CHECK(status.kind() == ErrorKind::corruption);
  CHECK(status.file() == with.options.directory);
}

TEST_CASE("a segment that is missing before one that was made ready is damage", "[log]") {
  SmallLog log(3, false);  // not closed: the second segment is ready, and not begun
  REQUIRE(log.with.segments().size() >= 2);
  log.with.restart_on(log.with.files->kill());
  REQUIRE(log.with.files->remove(log.name));
  const Status status = log.with.open();
  CHECK(status.kind() == ErrorKind::corruption);
  CHECK(status.to_string().find("number 1, is missing") != std::string::npos);
}
