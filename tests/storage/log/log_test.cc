#include "storage/log/log.h"

#include <catch2/catch.hpp>

#include "storage/log/counting_journal.h"
#include "storage/log/log_format.h"
#include "storage/log/log_writer.h"
#include "tests/support/log_harness.h"

using namespace sett::storage;
using Room = Journal::Room;
using Urgency = Journal::Urgency;
using Call = SimulatedFileSystem::Call;

TEST_CASE("records of all sizes come back whole and in order", "[log]") {
  for (const uint64_t seed : {1, 2, 3, 4, 5}) {
    INFO("seed " << seed);
    LogHarness with;
    REQUIRE(with.open());
    Random random(seed);
    Records written;
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 60; ++i) {
        const uint64_t limits[] = {1, 40, 500, 33000, 70000, 200000};
        const auto record = record_of(random.next(), random.below(limits[random.below(6)]));
        REQUIRE(with.put(record));
        written.emplace_back(with.log->last(), record);
        if (random.one_in(3)) with.log->write_if_small();
        if (random.one_in(10)) with.executor.run_for(static_cast<int64_t>(random.below(1200)));
      }
      REQUIRE(with.log->close());
      REQUIRE(with.log->safe() == with.log->last());
      REQUIRE(with.append("late").room == Room::failed);
      REQUIRE(with.open());
      REQUIRE(with.found == written);
      REQUIRE(with.recovery.cut_bytes == 0);
      REQUIRE(with.recovery.records == written.size());
      REQUIRE(with.recovery.first_sequence == 1);
      REQUIRE(with.recovery.last_sequence == written.back().first);
      REQUIRE(with.log->last() == written.back().first);
    }
    const Sequence middle = written[written.size() / 2].first;
    REQUIRE(with.log->close());
    REQUIRE(with.open(middle));
    REQUIRE(with.found.front().first == middle + 1);
    REQUIRE(with.found.size() == written.size() - written.size() / 2 - 1);
  }
}

TEST_CASE("a record of several parts is one record", "[log]") {
  LogHarness with;
  REQUIRE(with.open());
  const std::string_view parts[] = {"", "ab", "", "cde", ""};
  REQUIRE(with.log->append(parts, Urgency::normal).sequence == 1);
  REQUIRE(with.log->append({}, Urgency::normal).sequence == 2);
  REQUIRE(with.log->close());
  REQUIRE(with.open());
  REQUIRE(with.found == Records{{1, "abcde"}, {2, ""}});
}

TEST_CASE("opening again and again without writing leaves no files behind", "[log]") {
  LogHarness with;
  for (int i = 0; i < 5; ++i) {
    REQUIRE(with.open());
    with.executor.run_ready();
    if (i % 2 == 0) REQUIRE(with.log->close());
    with.restart_on(with.files->kill());
  }
  REQUIRE(with.open());
  REQUIRE(with.segments().size() == 1);
  REQUIRE(with.log->last() == 0);
}

TEST_CASE("without sync_writes a record is safe when written, and synced within the interval", "[log]") {
  LogHarness with;
  REQUIRE(with.open());
  with.executor.run_ready();
  int progress = 0;
  with.log->set_progress_listener([&] { ++progress; });
  REQUIRE(with.append("a").room == Room::ok);
  REQUIRE(with.log->safe() == 0);
  with.log->write_if_small();
  REQUIRE(with.log->stats().loop_writes == 1);
  REQUIRE(progress == 1);
  REQUIRE(with.log->written() == 1);
  REQUIRE(with.log->safe() == 1);
  REQUIRE(with.log->stats().unsynced_bytes > 0);
  with.executor.run_for(999);
  REQUIRE(with.log->synced() == 0);
  with.executor.run_for(1);
  REQUIRE(with.log->synced() == 1);
  REQUIRE(with.log->stats().unsynced_bytes == 0);
  REQUIRE(progress == 2);

  SECTION("an empty chunk carries the mark forward and calls for no sync") {
    const auto syncs = with.log->stats().syncs;
    const auto before = with.log->stats().bytes;
    with.executor.run_for(100);
    REQUIRE(with.log->stats().bytes == before + log_format::chunk_header_bytes);
    with.executor.run_for(10'000);
    REQUIRE(with.log->stats().bytes == before + log_format::chunk_header_bytes);
    REQUIRE(with.log->stats().syncs == syncs);
  }
  SECTION("a request brings the sync at once") {
    REQUIRE(with.append("b").room == Room::ok);
    with.log->request_sync();
    REQUIRE(with.log->synced() == 1);
    with.executor.run_ready();
    REQUIRE(with.log->synced() == 2);
  }
  SECTION("what is not small goes to the log lane") {
    const auto loop_writes = with.log->stats().loop_writes;
    REQUIRE(with.put(std::string(70000, 'x')));
    with.log->write_if_small();
    REQUIRE(with.log->stats().loop_writes == loop_writes);
    with.executor.run_ready();
    REQUIRE(with.log->written() == 2);
    REQUIRE(with.log->stats().loop_writes == loop_writes);
  }
  SECTION("no small write while a sync is due") {
    REQUIRE(with.append("b").room == Room::ok);
    with.clock.advance_ms(1000);
    with.log->write_if_small();
    REQUIRE(with.log->written() == 1);
    with.executor.run_ready();
    REQUIRE(with.log->synced() == 2);
  }
  SECTION("writers are held while the oldest unsynced byte is too old") {
    REQUIRE(with.append("b").room == Room::ok);
    with.clock.advance_ms(2000);
    REQUIRE(with.append("c").room == Room::ok);
    with.clock.advance_us(1);
    REQUIRE(with.append("d").room == Room::hold);
    with.executor.run_ready();
    REQUIRE(with.log->stats().delayed_syncs == 1);
    REQUIRE(with.append("d").room == Room::ok);
  }
}

TEST_CASE("with sync_writes one sync serves all who wait", "[log]") {
  LogHarness with;
  with.options.sync_writes = true;
  REQUIRE(with.open());
  with.executor.run_ready();
  for (int i = 0; i < 50; ++i) {
    REQUIRE(with.append("x").room == Room::ok);
    with.log->write_if_small();
  }
  REQUIRE(with.log->safe() == 0);
  with.executor.run_ready();
  REQUIRE(with.log->safe() == 50);
  REQUIRE(with.log->stats().syncs == 1);
  REQUIRE(with.log->stats().writes == 1);
}

TEST_CASE("the buffer is bounded, a single larger record is let in when it is empty", "[log]") {
  LogHarness with;
  with.options.segment_bytes = 1 << 20;
  REQUIRE(with.open());
  with.executor.run_ready();
  REQUIRE(with.append(std::string(200'000, 'a')).room == Room::ok);
  REQUIRE(with.append(std::string(70'000, 'b')).room == Room::hold);
  REQUIRE(with.append("c").room == Room::ok);
  with.executor.run_ready();
  REQUIRE(with.append(std::string(600'000, 'd')).room == Room::ok);
  REQUIRE(with.append("e").room == Room::hold);
  REQUIRE(with.log->close());
  REQUIRE(with.open());
  REQUIRE(with.found.size() == 3);
}

TEST_CASE("segments that hold only released records are removed, the active one never", "[log]") {
  LogHarness with;
  REQUIRE(with.open());
  for (uint64_t i = 1; i <= 40; ++i) REQUIRE(with.put(record_of(i, 10'000)));
  with.executor.run_ready();
  const auto before = with.log->stats();
  REQUIRE(before.segments > 5);
  with.log->release(20);
  with.executor.run_ready();
  REQUIRE(with.log->stats().segments < before.segments);
  REQUIRE(with.log->stats().bytes < before.bytes);
  REQUIRE(with.log->close());
  REQUIRE(with.open(20));
  REQUIRE(with.found.size() == 20);
  REQUIRE(with.found.front() == std::pair<Sequence, std::string>(21, record_of(21, 10'000)));
  const auto refused = with.open(2);
  REQUIRE(refused.kind() == ErrorKind::corruption);
  with.executor.run_ready();
  with.log->release(40);
  with.executor.run_ready();
  REQUIRE(with.log->stats().segments == 1);
  REQUIRE(with.put("more"));
  REQUIRE(with.log->close());
  REQUIRE(with.open(40));
  REQUIRE(with.found == Records{{41, "more"}});
}

TEST_CASE("a segment that is missing is noticed", "[log]") {
  LogHarness with;
  REQUIRE(with.open());
  for (uint64_t i = 1; i <= 40; ++i) REQUIRE(with.put(record_of(i, 10'000)));
  REQUIRE(with.log->close());
  const auto names = with.segments();
  for (size_t i = 0; i + 1 < names.size(); ++i) {
    LogHarness damaged;
    damaged.files = with.files->kill();
    REQUIRE(damaged.files->remove(damaged.path(names[i])));
    INFO(names[i]);
    REQUIRE(damaged.open().kind() == ErrorKind::corruption);
    REQUIRE(damaged.segments().size() == names.size() - 1);
  }
  LogHarness all_gone;
  REQUIRE(all_gone.open(7).kind() == ErrorKind::corruption);
}

TEST_CASE("a full disk refuses, keeps a reserve for what frees space, and takes writes again", "[log]") {
  LogHarness with;
  REQUIRE(with.open());
  with.executor.run_ready();
  with.files->set_capacity(with.files->used_bytes());
  Room room = Room::ok;
  uint64_t accepted = 0;
  while (accepted < 1000) {
    room = with.append(record_of(1, 1000)).room;
    if (room == Room::hold) {
      with.executor.run_ready();
      room = with.append(record_of(1, 1000)).room;
    }
    if (room != Room::ok) break;
    ++accepted;
    with.log->write_if_small();
  }
  REQUIRE(room == Room::no_space);
  REQUIRE(accepted > 100);
  REQUIRE(with.log->stats().disk_full);
  REQUIRE_FALSE(with.log->failed());
  REQUIRE(with.log->last() == accepted);
  uint64_t reserved = 0;
  while (reserved < 1000 && with.append(record_of(2, 1000), Urgency::frees_space).room == Room::ok) ++reserved;
  REQUIRE(reserved >= 3);
  REQUIRE(reserved <= 5);

  int progress = 0;
  with.log->set_progress_listener([&] { ++progress; });
  with.files->set_capacity(SimulatedFileSystem::unlimited);
  with.executor.run_for(100);
  REQUIRE(progress > 0);
  REQUIRE_FALSE(with.log->stats().disk_full);
  REQUIRE(with.append("again").room == Room::ok);
  REQUIRE(with.log->close());
  REQUIRE(with.open());
  REQUIRE(with.found.size() == accepted + reserved + 1);
}

TEST_CASE("a record for which the disk has no room does not take what room there is", "[log]") {
  LogHarness with;
  REQUIRE(with.open());
  with.executor.run_ready();
  with.files->set_capacity(with.files->used_bytes() + 300'000);
  const auto used = with.files->used_bytes();
  REQUIRE(with.append(std::string(1'000'000, 'x')).room == Room::hold);
  with.executor.run_ready();
  REQUIRE(with.append(std::string(1'000'000, 'x')).room == Room::no_space);
  REQUIRE(with.files->used_bytes() == used);
  REQUIRE(with.append("small").room == Room::ok);
  with.executor.run_for(100);
  REQUIRE_FALSE(with.log->stats().disk_full);
}

TEST_CASE("a disk that is smaller than a segment is used to its end, in smaller ones", "[log]") {
  LogHarness with;
  with.options.segment_bytes = 8 << 20;
  with.options.emergency_bytes = 60'000;
  const uint64_t capacity = 1'000'000;
  with.files->set_capacity(capacity);
  REQUIRE(with.open());
  uint64_t accepted = 0;
  while (accepted < 2000 && with.put(record_of(accepted, 1000))) ++accepted;
  REQUIRE(with.log->stats().disk_full);
  REQUIRE(with.files->used_bytes() > capacity - 64 * 1024);
  REQUIRE(accepted * 1000 > capacity * 8 / 10);
  REQUIRE(with.append("delete", Urgency::frees_space).room == Room::ok);
  with.executor.run_for(2000);
  REQUIRE(with.append(record_of(1, 1000)).room == Room::no_space);
  with.log->release(with.log->last() / 2);
  with.executor.run_for(200);
  REQUIRE_FALSE(with.log->stats().disk_full);
  REQUIRE(with.put("resumed"));
  REQUIRE(with.log->close());
  REQUIRE(with.open(with.log->last() / 2));
  REQUIRE(with.found.back().second == "resumed");
}

TEST_CASE("on a full disk the segment being written goes too, once nothing in it is needed", "[log]") {
  LogHarness with;
  with.options.emergency_bytes = with.options.segment_bytes - 1000;
  with.files->set_capacity(2 * with.options.segment_bytes);  // the one that is written, the one ahead
  REQUIRE(with.open());
  with.executor.run_ready();
  uint64_t accepted = 0;
  while (accepted < 1000 && with.put(record_of(accepted, 1000))) ++accepted;
  REQUIRE(with.log->stats().disk_full);
  with.log->write_if_small();
  with.executor.run_for(1200);
  // What is free is left to somebody else: no segment is made of it.
  with.log->keep_free(2 * with.options.segment_bytes, with.log->stats().appended_bytes);
  with.log->release(with.log->last());
  with.executor.run_for(1000);
  REQUIRE(with.log->stats().segments == 1);
  REQUIRE(with.files->used_bytes() <= with.options.segment_bytes);
  REQUIRE(with.log->stats().disk_full);
  with.files->set_capacity(8 * with.options.segment_bytes);
  with.log->keep_free(0, with.log->stats().appended_bytes);
  with.executor.run_for(200);
  REQUIRE_FALSE(with.log->stats().disk_full);
  REQUIRE(with.put("resumed"));
  const auto last = with.log->last();
  with.executor.run_for(1200);
  with.restart_on(with.files->crash(CrashPolicy::drop, 1));
  REQUIRE(with.open(last - 1));
  REQUIRE(with.found == Records{{last, "resumed"}});
  REQUIRE(with.open(last - 2).kind() == ErrorKind::corruption);
}

TEST_CASE("before it is known how much is to stay free the log is not full: who finds no room waits", "[log]") {
  LogHarness with;
  with.options.awaits_keep_free = true;
  REQUIRE(with.open());
  with.executor.run_for(1000);
  REQUIRE_FALSE(with.log->stats().disk_full);
  Room room = Room::ok;
  for (int i = 0; i < 1000 && room == Room::ok; ++i) room = with.append(std::string(10'000, 'x')).room;
  REQUIRE(room == Room::hold);
  with.executor.run_for(100);
  // What the engine decides from a look before its first word counts for nothing.
  with.log->hold_when_full(false, with.log->stats().appended_bytes);
  REQUIRE(with.append(std::string(10'000, 'x')).room == Room::hold);
  with.log->keep_free(0, with.log->stats().appended_bytes);
  REQUIRE(with.append(std::string(10'000, 'x')).room == Room::hold);
  with.executor.run_ready();
  REQUIRE(with.append(std::string(10'000, 'x')).room == Room::ok);
}

TEST_CASE("a log opens on a full disk, so that deletes can be written", "[log]") {
  LogHarness with;
  with.files->set_capacity(50'000);
  REQUIRE(with.open());
  with.executor.run_ready();
  REQUIRE(with.append("delete", Urgency::frees_space).room == Room::ok);
  REQUIRE(with.log->close());
  REQUIRE(with.open());
  REQUIRE(with.found.size() == 1);
}

TEST_CASE("a failed write or sync is final", "[log]") {
  const auto call = GENERATE(Call::append, Call::sync);
  const bool persistent = GENERATE(false, true);
  const auto kind = GENERATE(ErrorKind::io, ErrorKind::no_space);
  LogHarness with;
  with.options.sync_writes = true;
  REQUIRE(with.open());
  with.executor.run_ready();
  REQUIRE(with.append("safe").room == Room::ok);
  with.log->write_if_small();
  with.executor.run_ready();
  REQUIRE(with.log->safe() == 1);
  int progress = 0;
  with.log->set_progress_listener([&] { ++progress; });
  with.files->inject({.call = call, .persistent = persistent, .kind = kind, .short_bytes = 9});
  REQUIRE(with.append("lost").room == Room::ok);
  with.log->write_if_small();
  with.executor.run_ready();
  REQUIRE(with.log->failed());
  REQUIRE(progress > 0);
  REQUIRE(with.log->safe() == 1);
  REQUIRE(with.append("refused").room == Room::failed);
  with.log->write_if_small();
  with.log->request_sync();
  with.executor.run_for(5000);
  REQUIRE(with.log->safe() == 1);
  REQUIRE(with.log->close().kind() == kind);
  with.restart_on(with.files->kill());
  REQUIRE(with.open());
  REQUIRE(with.found.front().second == "safe");
  REQUIRE(with.found.size() <= 2);
  REQUIRE(with.append("new").room == Room::ok);
}

TEST_CASE("the journal without files counts", "[log]") {
  CountingJournal journal;
  REQUIRE(journal.append({}, Urgency::normal).sequence == 1);
  REQUIRE(journal.append({}, Urgency::frees_space).sequence == 2);
  REQUIRE(journal.safe() == 2);
  REQUIRE_FALSE(journal.keeps_records());
  REQUIRE_FALSE(journal.failed());
}
