#include "storage/badger/scan_cursors.h"

#include <catch2/catch.hpp>
#include <set>

using namespace sett::storage;

TEST_CASE("scan cursors: a walk goes on, and one call may be repeated", "[badger][scan_cursors]") {
  ScanCursors cursors(1);
  uint64_t before = 0, cursor = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string key = "key" + std::to_string(i);
    const uint64_t next = cursors.remember(cursor, 7, key);
    REQUIRE(next != 0);
    REQUIRE(next != cursor);
    REQUIRE(next < 1ull << 53);  // clients keep cursors in doubles
    REQUIRE(cursors.find(next, 7) == key);
    REQUIRE_FALSE(cursors.find(next, 8));
    if (cursor != 0) REQUIRE(cursors.find(cursor, 7) == "key" + std::to_string(i - 1));
    if (before != 0) REQUIRE_FALSE(cursors.find(before, 7));
    before = cursor;
    cursor = next;
  }
  // The last call once more: it begins where it did, and its answer leads on.
  const uint64_t again = cursors.remember(before, 7, "key999");
  REQUIRE(cursors.find(before, 7) == "key998");
  REQUIRE(cursors.find(again, 7) == "key999");
}

TEST_CASE("scan cursors: what nobody was given is nobody's", "[badger][scan_cursors]") {
  ScanCursors cursors(2);
  REQUIRE_FALSE(cursors.find(0, 7));
  REQUIRE_FALSE(cursors.find(1, 7));
  const uint64_t cursor = cursors.remember(0, 7, "k");
  for (const uint64_t other : {cursor + 1, cursor - 1, cursor ^ (uint64_t{1} << 30)})
    REQUIRE_FALSE(cursors.find(other, 7));
  // One that is not known begins a walk of its own and leaves the others.
  const uint64_t other = cursors.remember(12345, 7, "other");
  REQUIRE(cursors.find(cursor, 7) == "k");
  REQUIRE(cursors.find(other, 7) == "other");
}

TEST_CASE("scan cursors: the walks used last are kept, by number and by bytes", "[badger][scan_cursors]") {
  SECTION("by number") {
    ScanCursors cursors(3);
    const uint64_t first = cursors.remember(0, 7, "first");
    const uint64_t second = cursors.remember(0, 7, "second");
    std::set<uint64_t> all;
    for (uint64_t i = 0; i + 2 < ScanCursors::slots_max; ++i) all.insert(cursors.remember(0, 7, "k"));
    REQUIRE(all.size() == ScanCursors::slots_max - 2);
    REQUIRE(cursors.find(first, 7) == "first");  // which makes the second the oldest
    cursors.remember(0, 7, "one more");
    REQUIRE_FALSE(cursors.find(second, 7));
    REQUIRE(cursors.find(first, 7) == "first");
  }
  SECTION("by bytes") {
    ScanCursors cursors(3);
    const std::string key(1 << 20, 'k');
    const uint64_t first = cursors.remember(0, 7, key);
    for (uint64_t i = 0; i < ScanCursors::bytes_max / key.size() - 1; ++i) cursors.remember(0, 7, key);
    REQUIRE(cursors.find(first, 7));
    const uint64_t last = cursors.remember(cursors.remember(0, 7, key), 7, key);
    REQUIRE(cursors.find(last, 7));
    for (int i = 0; i < 64; ++i) cursors.remember(0, 7, key);
    REQUIRE_FALSE(cursors.find(first, 7));
  }
}
