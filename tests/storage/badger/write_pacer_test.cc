#include "storage/badger/write_pacer.h"

#include <catch2/catch.hpp>

using namespace sett::storage;

namespace {
constexpr uint64_t mb = 1 << 20;
constexpr int64_t second = 1'000'000;
constexpr uint64_t room = 100 * mb;

// Bytes that writers of 1000 bytes, as many as may, get through from one moment to another.
uint64_t admitted(WritePacer& pacer, uint64_t used, int64_t from_us, int64_t to_us) {
  uint64_t bytes = 0;
  for (int64_t now = from_us; now < to_us; now += 1000)
    while (pacer.admit(used, now) && pacer.is_slowing()) {
      pacer.note_written(1000);
      bytes += 1000;
    }
  return bytes;
}

// A pacer that has seen flushes of 20 MB a second.
void teach(WritePacer& pacer, int64_t& now) {
  for (int i = 0; i < 20; ++i) {
    pacer.note_flush_due(20 * mb, now);
    pacer.note_flushed(now += second);
  }
}
}  // namespace

TEST_CASE("nobody is slowed while half of the room is free", "[badger][write_pacer]") {
  WritePacer pacer(room);
  pacer.note_used(room / 2, second);
  REQUIRE_FALSE(pacer.is_slowing());
  REQUIRE(pacer.bytes_per_s() == UINT64_MAX);
  for (int i = 0; i < 100; ++i) {
    REQUIRE(pacer.admit(room / 2, second));
    pacer.note_written(100 * mb);
  }
  pacer.note_used(room / 2 + 1, second);
  REQUIRE(pacer.is_slowing());
  pacer.note_used(0, second);
  REQUIRE_FALSE(pacer.is_slowing());
}

TEST_CASE("with no flush due writers get what flushes drain, times what is left of half of the room",
          "[badger][write_pacer]") {
  WritePacer pacer(room);
  int64_t now = second;
  teach(pacer, now);
  for (const uint64_t left : {40 * mb, 20 * mb, 5 * mb}) {
    pacer.note_used(room - left, now);
    const uint64_t wanted = 20 * mb * left / (50 * mb);
    const uint64_t bytes = admitted(pacer, room - left, now, now + second);
    INFO("left " << left << " admitted " << bytes);
    REQUIRE(bytes > wanted * 98 / 100);
    REQUIRE(bytes < wanted * 102 / 100);
    now += second;
  }
}

TEST_CASE("what is left of the room lasts until the flush that is due has ended", "[badger][write_pacer]") {
  WritePacer pacer(room);
  int64_t now = second;
  teach(pacer, now);
  pacer.note_flush_due(50 * mb, now);
  const int64_t end = now + 2'500'000;  // as at 20 MB a second
  uint64_t used = room / 2 + 1, first_second = 0;
  pacer.note_used(used, now);
  for (const int64_t begin = now; now < end; now += 1000)
    while (pacer.admit(used, now)) {
      pacer.note_written(1000);
      used += 1000;
      if (now < begin + second) first_second += 1000;
    }
  CHECK(first_second > 19 * mb);
  CHECK(first_second < 21 * mb);
  CHECK(used > room * 88 / 100);
  CHECK(used < room);
  CHECK(pacer.bytes_per_s() > 5 * mb);
}

TEST_CASE("a flush that does not end slows writers more and more, never to a stop", "[badger][write_pacer]") {
  WritePacer pacer(room);
  int64_t now = second;
  teach(pacer, now);
  pacer.note_flush_due(20 * mb, now);
  pacer.note_flush_due(20 * mb, now + 10 * second);  // it is the same
  uint64_t before = UINT64_MAX;
  for (const int64_t after_s : {2, 10, 60, 600}) {
    pacer.note_used(room * 6 / 10, now + after_s * second);
    REQUIRE(pacer.bytes_per_s() < before);
    before = pacer.bytes_per_s();
    REQUIRE(before > 100'000);
  }
  const uint64_t refused = pacer.slowed_writes();
  admitted(pacer, room * 6 / 10, now + 700 * second, now + 701 * second);
  REQUIRE(pacer.slowed_writes() > refused);
}

TEST_CASE("a write that is larger than the allowance is let through, and paid for after", "[badger][write_pacer]") {
  WritePacer pacer(room);
  int64_t now = second;
  teach(pacer, now);
  pacer.note_used(room * 3 / 4, now);  // 10 MB a second
  REQUIRE(pacer.admit(room * 3 / 4, now));
  REQUIRE(pacer.admit(room * 3 / 4, now));  // one that found no room elsewhere has cost nothing
  pacer.note_written(10 * mb);
  REQUIRE_FALSE(pacer.admit(room * 3 / 4, now + second / 2));
  // The allowance is refilled by no more than some milliseconds between two tries.
  bool is_let = false;
  for (int64_t at = now + second / 2; at < now + 3 * second && !is_let; at += 1000)
    is_let = pacer.admit(room * 3 / 4, at);
  REQUIRE(is_let);
}

TEST_CASE("what a slowed writer may take comes in steps, not byte by byte as time passes", "[badger][write_pacer]") {
  WritePacer pacer(room);
  int64_t now = second;
  teach(pacer, now);
  pacer.note_used(room * 3 / 4, now);  // 10 MB a second
  int pauses = 0, writes = 0;
  bool was_let = true;
  for (const int64_t end = now + second; now < end; now += 10) {  // 10 us: half of a write of 200 bytes
    const bool is_let = pacer.admit(room * 3 / 4, now);
    if (was_let && !is_let) ++pauses;
    if (is_let) {
      pacer.note_written(200);
      ++writes;
    }
    was_let = is_let;
  }
  REQUIRE(writes > 45'000);
  REQUIRE(pauses < 600);
}
