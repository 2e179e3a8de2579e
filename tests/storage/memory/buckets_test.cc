// Buckets: made by the first write, flushed, dropped, swapped, limited, and what memory they are said to take.
#include <catch2/catch.hpp>

#include "tests/support/engine_harness.h"

using namespace sett::storage;
using Outcome = EngineHarness::Outcome;

namespace {
EngineOptions any_engine() {
  return GENERATE(from_range(all_engines()));
}
std::vector<std::string> names_of(EngineHarness& with) {
  std::vector<std::string> names;
  for (const auto& info : with.store().list_buckets()) names.push_back(info.name);
  return names;
}
}  // namespace

TEST_CASE("buckets: a bucket is made by its first write, apart from all others", "[engine][buckets]") {
  EngineHarness with(any_engine());
  INFO(describe(with.options));
  REQUIRE(with.open());
  REQUIRE_FALSE(with.get("a", "b,c"));
  REQUIRE(names_of(with).empty());
  with.remove("a", "k");
  with.flush("a");
  with.drop("a");
  REQUIRE(names_of(with).empty());
  const uint64_t reruns = with.reruns;
  with.put("a", "b,c", "1");
  REQUIRE(with.reruns > reruns);  // the first write takes all shards
  with.put("a,b", "c", "2");
  REQUIRE(names_of(with) == std::vector<std::string>{"a", "a,b"});
  REQUIRE(with.get("a", "b,c") == "1");
  REQUIRE_FALSE(with.get("a", "c"));
  REQUIRE(with.get("a,b", "c") == "2");
  with.flush("a");
  REQUIRE(names_of(with) == std::vector<std::string>{"a", "a,b"});
  REQUIRE_FALSE(with.get("a", "b,c"));
  REQUIRE(with.count("a") == 0);
  with.drop("a");
  REQUIRE(names_of(with) == std::vector<std::string>{"a,b"});
  with.swap("a,b", "new");
  REQUIRE(names_of(with) == std::vector<std::string>{"new"});
  REQUIRE(with.get("new", "c") == "2");
  REQUIRE(with.count("a,b") == 0);
  with.swap("new", "new");
  with.swap("neither", "nor");
  REQUIRE(names_of(with) == std::vector<std::string>{"new"});
  REQUIRE(with.get("new", "c") == "2");
}

TEST_CASE("buckets: max_buckets, with drops and creations in one run", "[engine][buckets]") {
  auto options = any_engine();
  options.kv.buckets_max = 3;
  EngineHarness with(options);
  INFO(describe(with.options));
  REQUIRE(with.open());
  for (const char* name : {"a", "b", "c"}) REQUIRE(with.put(name, "k", "v") == Outcome::committed);
  REQUIRE(with.put("d", "k", "v") == Outcome::too_many_buckets);
  REQUIRE(with.swap("a", "d") == Outcome::committed);
  REQUIRE(names_of(with) == std::vector<std::string>{"b", "c", "d"});
  REQUIRE(with.get("d", "k") == "v");
  REQUIRE(with.swap("a", "d") == Outcome::committed);
  REQUIRE(with.get("a", "k") == "v");
  REQUIRE(with.flush("a") == Outcome::committed);
  REQUIRE(with.put("a", "k", "v") == Outcome::committed);
  const auto exchange = with.run([](Transaction& txn) {
    txn.drop(txn.bucket("a"));
    txn.put(txn.bucket("d"), "k", "v", 0, Event::set);
  });
  REQUIRE(exchange == Outcome::committed);
  REQUIRE(names_of(with) == std::vector<std::string>{"b", "c", "d"});
  const auto twice = with.run([](Transaction& txn) {
    txn.drop(txn.bucket("b"));
    txn.put(txn.bucket("e"), "k", "v", 0, Event::set);
    txn.put(txn.bucket("f"), "k", "v", 0, Event::set);
  });
  REQUIRE(twice == Outcome::too_many_buckets);
  REQUIRE(names_of(with) == std::vector<std::string>{"b", "c", "d"});
}

TEST_CASE("buckets: slots are used again, ids never", "[engine][buckets]") {
  EngineHarness with(any_engine());
  INFO(describe(with.options));
  REQUIRE(with.open());
  std::set<BucketId> ids;
  uint32_t slots = 0;
  for (int i = 0; i < 300; ++i) {
    with.put("a", "k" + std::to_string(i), "v");
    with.put("b", "k", "v");
    for (const auto& info : with.store().list_buckets()) {
      ids.insert(info.id);
      slots = std::max(slots, slot_of(info.id));
    }
    if (i % 3 == 0) with.drop("b");
    with.flush("a");
    with.executor.run_ready();
    REQUIRE(with.count("a") == 0);
  }
  REQUIRE(ids.size() == 300 + 101);  // "b" anew after each but the last of its 100 drops, and once before
  REQUIRE(slots < 8);
}

TEST_CASE("buckets: many batches of catalogue changes and keys", "[engine][buckets]") {
  EngineHarness with(any_engine());
  INFO(describe(with.options));
  REQUIRE(with.open());
  with.put("a", "old", "v");
  const auto outcome = with.run([](Transaction& txn) {
    const auto a = txn.bucket("a"), b = txn.bucket("b");
    txn.flush(a);
    CHECK_FALSE(txn.read(a, "old"));
    txn.put(a, "new", "1", 0, Event::set);
    txn.put(b, "k", "2", 0, Event::set);
    txn.swap(a, b);
    txn.put(a, "both", "3", 0, Event::set);
    txn.drop(b);
    CHECK_FALSE(txn.exists(b));
    txn.put(b, "last", "4", 0, Event::set);
  });
  REQUIRE(outcome == Outcome::committed);
  for (int life = 0; life < 2; ++life) {
    REQUIRE(with.content("a") ==
            std::map<std::string, std::pair<std::string, int64_t>>{{"k", {"2", 0}}, {"both", {"3", 0}}});
    REQUIRE(with.content("b") == std::map<std::string, std::pair<std::string, int64_t>>{{"last", {"4", 0}}});
    if (!with.is_durable()) break;
    REQUIRE(with.close());
    REQUIRE(with.open());
  }
}

TEST_CASE("buckets: a read after a swap waits for the swap", "[engine][buckets]") {
  EngineOptions options;
  options.engine = "simple_kv";
  options.kv.sync_writes = true;
  EngineHarness with(options);
  REQUIRE(with.open());
  with.put("a", "k", "v");
  with.put("b", "other", "v");
  with.executor.run_ready();
  REQUIRE(with.get("a", "k"));
  REQUIRE(with.last_dependency() <= with.store().journal().safe());
  with.swap("a", "b");
  REQUIRE(with.store().journal().safe() < with.store().journal().last());
  REQUIRE(with.get("b", "k") == "v");
  REQUIRE(with.last_dependency() == with.store().journal().last());
  REQUIRE_FALSE(with.get("a", "k"));
  REQUIRE(with.last_dependency() == with.store().journal().last());
}

TEST_CASE("memory: the limit is reached and left by removal, expiry, flush and drop alike", "[engine][buckets]") {
  EngineOptions options;
  options.chaos = GENERATE(false, true);
  options.memory_max = 1 << 20;
  EngineHarness with(options);
  REQUIRE(with.open());
  const std::string value(1000, 'v');
  for (int round = 0; round < 40; ++round) {
    REQUIRE_FALSE(with.store().over_memory_limit());
    const bool expires = round % 4 == 1;
    for (int i = 0; i < 1200; ++i) with.put("a", "key" + std::to_string(i), value, expires ? with.now() + 1000 : 0);
    REQUIRE(with.store().over_memory_limit());
    if (round % 4 == 0)
      for (int i = 0; i < 1200; ++i) with.remove("a", "key" + std::to_string(i));
    if (expires) with.executor.run_for(1100);
    if (round % 4 == 2) with.flush("a");
    if (round % 4 == 3) with.drop("a");
  }
  // Nothing drifts: after many buckets of a few keys the figure is where it was.
  for (int i = 0; i < 2000; ++i) {
    with.put("b", "k", "v", with.now() + 5);
    if (i % 2 == 0) with.executor.run_for(20);
    with.drop("b");
  }
  REQUIRE_FALSE(with.store().over_memory_limit());
  for (int i = 0; i < 1200; ++i) with.put("a", "key" + std::to_string(i), value);
  REQUIRE(with.store().over_memory_limit());
}
