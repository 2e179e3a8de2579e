// What every engine does, with and without chaos in front.
#include <catch2/catch.hpp>

#include "storage/expiry_reaper.h"
#include "tests/support/engine_harness.h"

using namespace sett::storage;
using Outcome = EngineHarness::Outcome;

namespace {
EngineOptions any_engine() {
  return GENERATE(from_range(all_engines()));
}
std::string bytes_of(uint64_t size, uint64_t seed) {
  std::string bytes(size, '\0');
  Random random(seed);
  for (char& c : bytes) c = static_cast<char>(random.next());
  return bytes;
}
}  // namespace

#define OPEN(with)                  \
  EngineHarness with(any_engine()); \
  INFO(describe(with.options));     \
  REQUIRE(with.open())

TEST_CASE("engine: put, read, overwrite with other sizes, remove", "[engine]") {
  OPEN(with);
  for (const std::string& key : {std::string(), std::string("k"), std::string("\0\r\n\xff", 4), std::string(255, 'x'),
                                 std::string(256, 'x'), std::string(70'000, 'x')}) {
    uint64_t before = 0;
    REQUIRE_FALSE(with.get("0", key));
    for (const uint64_t size : {0u, 1u, 20u, 64u, 65'534u, 65'535u, 65'536u, 70'000u, 65'535u, 3u, 255u, 256u, 0u}) {
      const auto value = bytes_of(size, size + key.size());
      INFO("key of " << key.size() << ", " << before << " to " << size << " bytes");
      REQUIRE(with.put("0", key, value) == Outcome::committed);
      REQUIRE(with.get("0", key) == value);
      REQUIRE(with.usage("0").bytes == key.size() + size);
      before = size;
    }
    REQUIRE(with.count("0") == 1);
    REQUIRE(with.remove("0", key) == Outcome::committed);
    REQUIRE_FALSE(with.get("0", key));
    REQUIRE(with.count("0") == 0);
  }
}

TEST_CASE("engine: splices grow, cut, fill with zeroes, and take bytes of the value itself", "[engine]") {
  OPEN(with);
  std::string value = bytes_of(100, 1);
  const int64_t due_ms = with.now() + 100'000;
  with.put("0", "k", value, due_ms);
  Random random(3);
  for (int i = 0; i < 60; ++i) {
    const uint64_t new_length = i % 20 == 19 ? 65'000 + random.below(2000) : random.below(3000);
    const auto bytes = bytes_of(random.below(new_length + 1), random.next());
    const uint64_t offset = random.below(new_length - bytes.size() + 1);
    REQUIRE(with.splice("0", "k", offset, bytes, new_length) == Outcome::committed);
    value.resize(new_length);
    value.replace(offset, bytes.size(), bytes);
    REQUIRE(with.get("0", "k") == value);
  }
  REQUIRE(with.expiry("0", "k") == due_ms);
  // A view into the entry itself, which has to move for it: SETRANGE of what GET showed.
  value = bytes_of(40'000, 9);
  with.put("0", "k", value);
  const auto outcome = with.run([](Transaction& txn) {
    const auto in = txn.bucket("0");
    if (const auto found = txn.read(in, "k")) txn.splice(in, "k", 40'000, found->value, 80'000, Event::append);
  });
  REQUIRE(outcome == Outcome::committed);
  REQUIRE(with.get("0", "k") == value + value);
}

TEST_CASE("engine: an entry is invisible from its due millisecond, counted out at once, removed soon", "[engine]") {
  OPEN(with);
  with.put("0", "other", "x");
  with.put("0", "k", "v", with.now() + 500);
  with.put("0", "later", "v", with.now() + 1000);
  with.clock.advance_ms(499);
  REQUIRE(with.get("0", "k") == "v");
  REQUIRE(with.count("0") == 3);
  with.clock.advance_ms(1);
  REQUIRE_FALSE(with.get("0", "k"));
  REQUIRE(with.count("0") == 2);
  REQUIRE(with.content("0").size() == 2);
  REQUIRE(with.usage("0").expiring_keys == 1);
  REQUIRE(with.store().stats().expired_keys == 0);
  with.seen.clear();
  with.executor.run_for(50);
  REQUIRE(with.store().stats().expired_keys == 1);
  REQUIRE(with.seen == std::vector<EngineHarness::Seen>{{"0", "k", Event::expired}});
  REQUIRE(with.usage("0").bytes == 6 + 6);
  // What expires while nobody looks goes too, also many at a time, also in other buckets.
  for (int i = 0; i < 2000; ++i) with.put(i % 2 ? "0" : "1", "many" + std::to_string(i), "v", with.now() + 10 + i % 7);
  with.executor.run_for(20 + 50);
  REQUIRE(with.store().stats().expired_keys == 2001);
  REQUIRE(with.store().stats().expiry_lag_ms <= 50);
  with.executor.run_for(2000);
  REQUIRE(with.content("0").size() == 1);
  REQUIRE(with.store().stats().expiry_lag_ms == 0);
}

TEST_CASE("engine: expire, persist, and expiries in the past", "[engine]") {
  OPEN(with);
  with.put("0", "k", "v");
  with.expire("0", "k", with.now() + 100);
  REQUIRE(with.expiry("0", "k") == with.now() + 100);
  with.expire("0", "k", 0);
  REQUIRE(with.expiry("0", "k") == 0);
  with.executor.run_for(200);
  REQUIRE(with.get("0", "k") == "v");
  with.expire("0", "k", with.now());
  REQUIRE_FALSE(with.get("0", "k"));
  with.put("0", "k", "v", with.now() + 100);
  with.put("0", "k", "w");  // without one
  REQUIRE(with.expiry("0", "k") == 0);
  with.put("0", "k", "w", with.now() - 1);
  REQUIRE_FALSE(with.get("0", "k"));
  REQUIRE(with.count("0") == 0);
}

TEST_CASE("engine: a clock that is set back revives nothing and ends nothing early", "[engine]") {
  OPEN(with);
  with.put("0", "k", "v", with.now() + 1000);
  with.clock.advance_ms(1500);
  REQUIRE_FALSE(with.get("0", "k"));
  with.executor.run_for(50);
  with.clock.jump_wall_ms(-10'000);
  REQUIRE_FALSE(with.get("0", "k"));
  REQUIRE(with.put("0", "new", "v", with.last_now_ms() + 5) == Outcome::committed);
  REQUIRE(with.get("0", "new") == "v");
  REQUIRE(with.last_now_ms() >= with.now() + 9'000);
  with.clock.jump_wall_ms(+20'000);
  REQUIRE_FALSE(with.get("0", "new"));
}

TEST_CASE("engine: what the hook sees", "[engine]") {
  OPEN(with);
  using Seen = std::vector<EngineHarness::Seen>;
  with.run([&](Transaction& txn) {
    const auto in = txn.bucket("0");
    txn.put(in, "a", "1", 0, Event::set);
    txn.put(in, "b", "2", 0, Event::set);
    txn.remove(in, "a", Event::del);
  });
  REQUIRE(with.seen == Seen{{"0", "a", Event::set}, {"0", "b", Event::set}, {"0", "a", Event::del}});
  with.seen.clear();
  // In one batch with catalogue changes a key's event names the bucket as it was called then.
  with.run([&](Transaction& txn) {
    const auto zero = txn.bucket("0"), one = txn.bucket("1");
    txn.put(zero, "c", "3", 0, Event::set);
    txn.swap(zero, one);
    txn.put(zero, "d", "4", 0, Event::set);
    txn.flush(one);
    txn.put(one, "e", "5", 0, Event::set);
  });
  REQUIRE(with.seen == Seen{{"0", "c", Event::set},
                            {"1", std::nullopt, Event::flushed},
                            {"0", std::nullopt, Event::flushed},
                            {"0", "d", Event::set},
                            {"1", std::nullopt, Event::flushed},
                            {"1", "e", Event::set}});
}

TEST_CASE("engine: usage and samples", "[engine]") {
  OPEN(with);
  std::map<std::string, int> drawn;
  for (int i = 0; i < 100; ++i) with.put("0", "key" + std::to_string(i), "value", i < 10 ? with.now() + 1000 : 0);
  const auto usage = with.usage("0");
  REQUIRE(usage.keys == 100);
  REQUIRE(usage.expiring_keys == 10);
  REQUIRE(usage.bytes == 100 * 5 + 10 * 4 + 90 * 5);
  REQUIRE(usage.expires_in_count == 10);
  REQUIRE(usage.expires_in_sum_ms == 10 * 1000);
  REQUIRE(with.get("0", "key1"));
  REQUIRE_FALSE(with.get("0", "nokey"));
  REQUIRE(with.usage("0").operations == usage.operations + 2);
  REQUIRE(with.usage("0").hits == usage.hits + 1);
  Random random(5);
  for (int i = 0; i < 3000; ++i) {
    std::string key;
    const auto shard = static_cast<ShardIndex>(random.below(with.store().shard_count()));
    with.run([&](Transaction& txn) { txn.sample(txn.bucket("0"), shard, random, key); });
    REQUIRE((with.store().capabilities().ordered || with.store().shard_of(key) == shard));
    ++drawn[key];
  }
  REQUIRE(drawn.size() > 95);
  // Only what lives is drawn, however much of it has expired.
  for (int i = 10; i < 99; ++i) with.expire("0", "key" + std::to_string(i), with.now() + 1);
  with.clock.advance_ms(2000);
  std::string last;
  for (ShardIndex shard = 0; shard < with.store().shard_count(); ++shard) {
    std::string key;
    bool found = false;
    with.run([&](Transaction& txn) { found = txn.sample(txn.bucket("0"), shard, random, key); });
    if (found && !(with.store().capabilities().ordered && last == key)) last += key;
  }
  REQUIRE(last == "key99");
}

TEST_CASE("engine: scans with many cursors while the table grows, shrinks and expires", "[engine]") {
  OPEN(with);
  const auto stays = [](int i) { return "stays" + std::to_string(i); };
  constexpr int staying = 600;
  for (int i = 0; i < staying; ++i) with.put("0", stays(i), "v");
  struct Cursor {
    uint64_t position = 0;
    bool done = false;
    std::set<std::string> found;
  };
  std::vector<Cursor> cursors(1000);
  const auto step = [&](Cursor& cursor, uint64_t entries) {
    if (cursor.done) return;
    std::set<std::string> some;
    uint64_t next = 0;
    with.run([&](Transaction& txn) {
      some.clear();
      next = txn.scan(txn.bucket("0"), cursor.position, entries,
                      [&](std::string_view key, const EntryView&) { some.emplace(key); });
    });
    cursor.found.merge(some);
    cursor.position = next;
    cursor.done = next == 0;
    REQUIRE(next < (1ull << 53));
  };
  Random random(11);
  uint64_t fleeting = 0;
  for (int phase = 0; phase < 6; ++phase) {
    for (int i = 0; i < 1500; ++i) {
      const auto key = "goes" + std::to_string(phase % 2 == 0 ? fleeting++ : --fleeting);
      if (phase % 2 == 0)
        with.put("0", key, "v", random.one_in(3) ? with.now() + 40 : 0);
      else
        with.remove("0", key);
      step(cursors[random.below(cursors.size())], 1 + random.below(60));
    }
    with.executor.run_for(20);
  }
  for (Cursor& cursor : cursors) {
    for (int i = 0; i < 100'000 && !cursor.done; ++i) step(cursor, 200);
    REQUIRE(cursor.done);
    for (int i = 0; i < staying; ++i) {
      if (!cursor.found.contains(stays(i))) FAIL("cursor missed " << stays(i));
    }
  }
}

TEST_CASE("engine: a position of another start begins anew", "[engine]") {
  OPEN(with);
  for (int i = 0; i < 300; ++i) with.put("0", "key" + std::to_string(i), "v");
  for (const uint64_t foreign : {1ull, 12345ull, (1ull << 41) + 5, ~0ull, 1ull << 52}) {
    std::set<std::string> found;
    uint64_t position = foreign;
    with.run([&](Transaction& txn) {
      found.clear();
      position = foreign;
      do {
        position = txn.scan(txn.bucket("0"), position, 10,
                            [&](std::string_view key, const EntryView&) { found.emplace(key); });
      } while (position != 0);
    });
    REQUIRE(found.size() == 300);
  }
}
