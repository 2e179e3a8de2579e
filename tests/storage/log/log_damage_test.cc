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

  SmallLog(uint64_t count, bool clean_close) : SmallLog(small_sizes(count), clean_close) {}
  SmallLog(const std::vector<uint64_t>& sizes, bool clean_close) {
    REQUIRE(with.open());
    for (uint64_t i = 1; i <= sizes.size(); ++i) {
      const auto record = record_of(i, sizes[i - 1]);
      REQUIRE(with.append(record).room == Journal::Room::ok);
      records.emplace_back(i, record);
      with.log->write_if_small();
      with.log->request_sync();
      if (clean_close || i < sizes.size()) with.executor.run_ready();
    }
    if (clean_close) REQUIRE(with.log->close());
    name = with.path(with.segments().front());
    bytes = with.files->content(name);
  }

  static std::vector<uint64_t> small_sizes(uint64_t count) {
    std::vector<uint64_t> sizes;
    for (uint64_t i = 1; i <= count; ++i) sizes.push_back(i * 7 % 60);
    return sizes;
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

struct Place {
  uint64_t offset, end, mark;
};

// The chunks of a segment that is sound.
std::vector<Place> chunks_of(const std::string& bytes) {
  using namespace log_format;
  const auto header = get_segment_header(bytes.data());
  std::vector<Place> places;
  for (uint64_t offset = segment_header_bytes; offset < bytes.size();) {
    const uint64_t block_end = offset - offset % block_bytes + block_bytes;
    const auto rest = std::string_view(bytes).substr(offset, block_end - offset);
    const auto chunk = get_chunk(rest, epoch_checksum(header.epoch), header.start_position + offset);
    if (!chunk && rest.size() >= chunk_room_bytes_min) break;
    if (chunk) places.push_back({offset, offset + chunk->bytes(), chunk->mark - header.start_position});
    offset = chunk ? offset + chunk->bytes() : block_end;
  }
  return places;
}

// Whether bytes from `at` on, `length` of them, may not be missed: a chunk behind them says that they had been synced.
bool is_known_synced(const std::vector<Place>& chunks, uint64_t at, uint64_t length) {
  uint64_t bad = at;
  for (const Place& chunk : chunks) {
    if (chunk.offset <= at && at < chunk.end) bad = chunk.offset;
    if (chunk.offset >= at + length && chunk.mark > bad) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a hole in the synced part of the last segment is damage, over the borders of blocks too", "[log]") {
  const uint64_t seed = GENERATE(1, 2, 3, 4);
  Random random(seed);
  std::vector<uint64_t> sizes;
  const uint64_t size_max = seed == 1 ? 600 : seed == 2 ? 6'000 : seed == 3 ? 14'000 : 40'000;
  for (uint64_t all = 0; all < 52'000; all += sizes.back() + 23) {
    sizes.push_back(std::min(random.below(size_max), 55'000 - all));
  }
  SmallLog log(sizes, false);
  const auto chunks = chunks_of(log.bytes);
  REQUIRE(chunks.size() >= sizes.size());
  const uint64_t end = chunks.back().end;
  REQUIRE(end > 52'000);
  uint64_t refused = 0;
  for (const uint64_t length : {1, 8, 16, 23, 512, 4'096, 20'000}) {
    for (uint64_t at = log_format::segment_header_bytes; at < end;) {
      for (const bool zeroes : {true, false}) {
        INFO("seed " << seed << " length " << length << " at " << at << " zeroes " << zeroes << " of " << end);
        auto bytes = log.bytes;
        for (uint64_t i = at; i < std::min<uint64_t>(at + length, bytes.size()); ++i) {
          bytes[i] = zeroes ? '\0' : static_cast<char>(random.next());
        }
        if (!is_known_synced(chunks, at, length) || bytes == log.bytes) continue;
        const auto differs = std::mismatch(bytes.begin(), bytes.end(), log.bytes.begin()).first - bytes.begin();
        const auto status = log.open_with(bytes);
        REQUIRE(status.kind() == ErrorKind::corruption);
        REQUIRE(status.file() == log.name);
        REQUIRE(*status.offset() <= static_cast<uint64_t>(differs));
        REQUIRE(log.with.files->content(log.name) == bytes);
        ++refused;
      }
      const uint64_t in_block = at % log_format::block_bytes;
      const bool at_border = in_block < 64 || in_block + std::min<uint64_t>(length, 64) + 64 > log_format::block_bytes;
      at += at_border ? 1 : 1 + random.below(300);
    }
  }
  REQUIRE(refused > 2'000);
}

TEST_CASE("a hole over several blocks is damage when one chunk at the end of the log is left", "[log]") {
  LogHarness with;
  with.options.segment_bytes = 512 << 10;
  REQUIRE(with.open());
  while (with.log->last() < 100) {
    REQUIRE(with.put(record_of(with.log->last(), 4'000)));
    with.log->request_sync();
    with.executor.run_ready();
  }
  const auto name = with.path(with.segments().front());
  const auto bytes = with.files->content(name);
  const auto chunks = chunks_of(bytes);
  Random random(5);
  for (int i = 0; i < 60; ++i) {
    const uint64_t at = chunks[random.below(chunks.size() - 3)].offset + random.below(4'000);
    const uint64_t hole_end = chunks.back().offset - random.below(3'000);
    if (at >= hole_end) continue;
    const int filling = i % 3;
    INFO("hole from " << at << " to " << hole_end << " filling " << filling);
    auto other = bytes;
    for (uint64_t to = at; to < hole_end; ++to) {
      // Zeroes; noise; the fields of a chunk of 4 KB at every eleventh byte.
      static constexpr char like_chunks[] = {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16};
      other[to] = filling == 0 ? '\0' : filling == 1 ? static_cast<char>(random.next()) : like_chunks[to % 11];
    }
    LogHarness damaged(with.options);
    damaged.files = with.files->kill();
    damaged.files->set_content(name, other);
    const auto status = damaged.open();
    REQUIRE(status.kind() == ErrorKind::corruption);
    REQUIRE(*status.offset() <= at);
    REQUIRE(status.message().find("at byte " + std::to_string(chunks.back().offset)) != std::string::npos);
  }
}

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
      REQUIRE(status.message().find("settd repair") != std::string::npos);
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
