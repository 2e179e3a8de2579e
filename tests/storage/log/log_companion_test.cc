// The log's companion: bytes that records point to are written and synced before the records are, by whoever writes
// the log, but never by a loop; and a record that misses them begins a torn tail.
#include <algorithm>
#include <catch2/catch.hpp>

#include "tests/support/log_harness.h"

using namespace sett::storage;

namespace {

// Knows for which records it has bytes, and looks at the disk whenever it is called.
class FakeCompanion final : public LogCompanion {
 public:
  explicit FakeCompanion(LogHarness& with) : with_(with) {}

  bool has_unwritten() const override {
    ++questions;
    return given > written || (begins_after != 0 && questions > begins_after);
  }
  Status write() override {
    ++writes;
    if (given > written) REQUIRE(last_record_in(*with_.files->kill()) <= written);
    if (write_status) written = given;
    return write_status;
  }
  Status sync() override {
    ++syncs;
    if (written > synced) REQUIRE(last_record_in(*with_.files->crash(CrashPolicy::drop, 1)) <= synced);
    if (sync_status) synced = written;
    return sync_status;
  }
  // All records up to the log's last need bytes of it.
  void give() { given = with_.log->last(); }
  void check() const {
    REQUIRE(std::min(with_.log->written(), given) <= written);
    REQUIRE(std::min(with_.log->synced(), given) <= synced);
  }

  Sequence given = 0, written = 0, synced = 0;
  uint64_t writes = 0, syncs = 0, begins_after = 0;
  mutable uint64_t questions = 0;
  Status write_status, sync_status;

 private:
  static Sequence last_record_in(SimulatedFileSystem& image) {
    ManualClock clock;
    SeededExecutor executor(1, clock);
    Sequence last = 0;
    auto opened =
        Log::open(image, executor, clock, small_log_options(), 0, [&](Sequence sequence, std::string_view record) {
          if (!record.empty()) last = sequence;
          return Status();
        });
    REQUIRE(opened);
    return last;
  }

  LogHarness& with_;
};

struct Companioned : LogHarness {
  explicit Companioned(bool sync_writes = false, uint64_t seed = 1) : LogHarness(small_log_options(), seed) {
    options.sync_writes = sync_writes;
    options.companion = &companion;
    REQUIRE(open());
    log->set_progress_listener([this] { companion.check(); });
    executor.run_ready();
  }
  FakeCompanion companion{*this};
};

// Opens; the record of that sequence finds nothing of what it points to.
Status open_without(LogHarness& with, Sequence missing) {
  with.found.clear();
  auto opened = Log::open(*with.files, with.executor, with.clock, with.options, 0,
                          [&](Sequence sequence, std::string_view record) {
                            if (sequence == missing)
                              return Status::error(ErrorKind::incomplete, "the value is not there");
                            with.found.emplace_back(sequence, record);
                            return Status();
                          });
  if (!opened) return opened.status();
  with.log = std::move(opened->log);
  with.recovery = opened->recovery;
  return {};
}

}  // namespace

TEST_CASE("log companion: its bytes are written and synced first, across segments", "[log][companion]") {
  for (const bool sync_writes : {false, true}) {
    for (uint64_t seed = 1; seed <= 6; ++seed) {
      INFO("sync_writes " << sync_writes << " seed " << seed);
      Companioned with(sync_writes, seed);
      Random random(seed);
      for (uint64_t i = 0; i < 120; ++i) {
        REQUIRE(with.put(record_of(i, random.one_in(9) ? 30'000 + random.below(40'000) : random.below(2000))));
        with.companion.give();
        if (random.one_in(3)) with.log->write_if_small();
        if (random.one_in(6)) with.log->request_sync();
        for (uint64_t n = random.below(3); n > 0; --n) with.executor.run_one();
        if (random.one_in(10)) with.executor.run_for(static_cast<int64_t>(random.below(1500)));
        with.companion.check();
      }
      REQUIRE(with.log->close());
      REQUIRE(with.companion.synced == with.log->last());
      with.companion.check();
      REQUIRE(with.segments().size() > 5);
    }
  }
}

TEST_CASE("log companion: a loop writes what needs none of it, and nothing else", "[log][companion]") {
  Companioned with;
  with.append("plain");
  with.log->write_if_small();
  REQUIRE(with.log->written() == 1);
  REQUIRE(with.companion.writes == 0);
  with.companion.written = with.companion.synced = 1;  // there is nothing of it
  with.append("points");
  with.companion.give();
  with.log->write_if_small();
  REQUIRE(with.log->written() == 1);  // left to the lane
  REQUIRE(with.companion.writes == 0);
  with.executor.run_ready();
  REQUIRE(with.log->written() == 2);
  REQUIRE(with.companion.writes == 1);
}

TEST_CASE("log companion: what it is given while a loop writes is left to the lane", "[log][companion]") {
  Companioned with;
  with.append("plain");
  with.companion.questions = 0;
  with.companion.begins_after = 1;  // another thread has a value when the loop has looked
  with.log->write_if_small();
  REQUIRE(with.log->written() == 1);
  REQUIRE(with.companion.writes == 0);
}

TEST_CASE("log companion: when it fails the log fails, and the record is not written", "[log][companion]") {
  const bool at_write = GENERATE(true, false);
  Companioned with;
  REQUIRE(with.put("sound"));
  with.companion.give();
  with.log->request_sync();
  with.executor.run_ready();
  REQUIRE(with.log->synced() == 1);
  (at_write ? with.companion.write_status : with.companion.sync_status) = Status::error(ErrorKind::io, "broken");
  REQUIRE(with.append("lost").room == Journal::Room::ok);
  with.companion.give();
  with.log->request_sync();
  with.executor.run_ready();
  REQUIRE(with.log->failed());
  REQUIRE(with.log->synced() == 1);
  REQUIRE(with.log->written() == (at_write ? 1 : 2));
  REQUIRE(with.append("more").room == Journal::Room::failed);
}

TEST_CASE("log companion: what records point to is synced before a start says that they are", "[log][companion]") {
  LogHarness with;
  REQUIRE(with.open());
  with.executor.run_ready();
  REQUIRE(with.put("a record"));
  with.log->write_if_small();
  with.restart_on(with.files->kill());
  const auto segments = with.segments();
  uint64_t calls = 0;
  with.options.sync_pointed_to = [&] {
    ++calls;
    REQUIRE(with.found.size() == 1);       // all is read, ...
    REQUIRE(with.segments() == segments);  // ... and nothing is changed
    return calls == 1 ? Status::error(ErrorKind::io, "cannot be synced") : Status();
  };
  REQUIRE(with.open().kind() == ErrorKind::io);
  REQUIRE(with.segments() == segments);
  REQUIRE(with.open());
  REQUIRE(calls == 2);
  REQUIRE(with.found == Records{{1, "a record"}});
}

TEST_CASE("log companion: an incomplete record begins a torn tail", "[log][companion]") {
  const uint64_t bytes = GENERATE(20u, 40'000u);  // the last also over a block's border
  LogHarness with;
  REQUIRE(with.open());
  with.executor.run_ready();
  Records expected;
  for (uint64_t i = 1; i <= 3; ++i) {
    REQUIRE(with.put(record_of(i, i == 2 ? bytes : 10)));
    if (i == 1) expected.emplace_back(1, record_of(1, 10));
    with.log->write_if_small();
    with.executor.run_ready();
  }
  with.restart_on(with.files->kill());
  REQUIRE(open_without(with, 2));
  REQUIRE(with.found == expected);
  REQUIRE(with.recovery.cut_bytes > bytes);
  with.executor.run_ready();
  REQUIRE(with.put("after"));
  const Sequence next = with.log->last();
  REQUIRE(next > 3);  // what was cut leaves its numbers
  REQUIRE(with.log->close());
  with.restart_on(with.files->kill());
  REQUIRE(with.open());
  expected.emplace_back(next, "after");
  REQUIRE(with.found == expected);
}

TEST_CASE("log companion: an incomplete record that was synced is damage", "[log][companion]") {
  const bool by_mark = GENERATE(true, false);  // else by the record that follows
  LogHarness with;
  REQUIRE(with.open());
  with.executor.run_ready();
  REQUIRE(with.put("one"));
  REQUIRE(with.put("two"));
  with.log->request_sync();
  with.executor.run_ready();
  REQUIRE(with.log->synced() == 2);
  if (by_mark) {
    with.executor.run_for(200);
  } else {
    REQUIRE(with.put("three"));
    with.log->write_if_small();
  }
  with.restart_on(with.files->kill());
  const uint64_t before = with.files->durable_hash();
  const auto status = open_without(with, 2);
  INFO(status.to_string());
  REQUIRE(status.kind() == ErrorKind::corruption);
  REQUIRE(status.to_string().find(".wal") != std::string::npos);
  REQUIRE(with.files->durable_hash() == before);
  REQUIRE(with.open());  // with the value there all is well
}

TEST_CASE("log companion: an incomplete record over the end of a segment", "[log][companion]") {
  LogHarness with;
  REQUIRE(with.open());
  with.executor.run_ready();
  REQUIRE(with.put(record_of(1, 40'000)));
  with.executor.run_ready();
  REQUIRE(with.put(record_of(2, 40'000)));  // the segment has 64 KB
  with.executor.run_ready();
  REQUIRE(with.log->written() == 2);
  with.restart_on(with.files->kill());
  SECTION("that ends in the last segment is cut from both") {
    REQUIRE(open_without(with, 2));
    REQUIRE(with.found == Records{{1, record_of(1, 40'000)}});
    with.executor.run_ready();
    REQUIRE(with.put("after"));
    const Sequence next = with.log->last();
    REQUIRE(with.log->close());
    with.restart_on(with.files->kill());
    REQUIRE(with.open());
    REQUIRE(with.found == Records{{1, record_of(1, 40'000)}, {next, "after"}});
  }
  SECTION("that ends in an earlier one is damage") {
    const auto status = open_without(with, 1);
    INFO(status.to_string());
    REQUIRE(status.kind() == ErrorKind::corruption);
  }
}
