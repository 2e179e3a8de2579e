#include "storage/badger/hot_entries.h"

#include <catch2/catch.hpp>
#include <map>
#include <string_view>
#include <vector>

#include "storage/base/random.h"
#include "storage/table/filter.h"
#include "tests/support/engine_harness.h"

using namespace sett::storage;

namespace {

HotEntries::Entry entry_of(std::string_view value, Sequence sequence = 1) {
  return {.value = value, .expires_at_ms = 0, .sequence = sequence};
}

void offer_twice(HotEntries& hot, const std::string& key, std::string_view value, Sequence sequence = 1) {
  const uint64_t hash = filter_hash(key);
  hot.offer(hash, key, entry_of(value, sequence));
  hot.offer(hash, key, entry_of(value, sequence));
}

const HotEntries::Entry* find(HotEntries& hot, const std::string& key) {
  return hot.find(filter_hash(key), key);
}

}  // namespace

TEST_CASE("an entry is taken in when it is offered for the second time", "[badger][hot_entries]") {
  HotEntries hot;
  offer_twice(hot, "key", "value");
  REQUIRE(find(hot, "key") == nullptr);  // no capacity
  hot.set_capacity(1 << 20);
  hot.offer(filter_hash("key"), "key", entry_of("value", 7));
  REQUIRE(find(hot, "key") == nullptr);
  hot.offer(filter_hash("key"), "key", entry_of("value", 7));
  REQUIRE(find(hot, "key")->value == "value");
  REQUIRE(find(hot, "key")->sequence == 7);
  REQUIRE(hot.hits() == 2);
  hot.erase(filter_hash("key"), "key");
  REQUIRE(find(hot, "key") == nullptr);
  REQUIRE(hot.empty());
  const std::string large(HotEntries::value_bytes_max + 1, 'x');
  offer_twice(hot, "large", large);
  REQUIRE(find(hot, "large") == nullptr);
}

TEST_CASE("hot entries stay within their capacity, and what is found is what was offered last",
          "[badger][hot_entries]") {
  const auto seed = GENERATE(range(1u, 6u));
  INFO("seed " << seed);
  Random random(seed);
  HotEntries hot;
  hot.set_capacity(64 << 10);
  std::map<std::string, std::string> model;
  uint64_t found = 0;
  for (int step = 0; step < 20000; ++step) {
    const std::string key = "key" + std::to_string(random.below(random.one_in(2) ? 20 : 2000));
    if (random.one_in(20)) {
      hot.erase(filter_hash(key), key);
      model.erase(key);
    } else if (random.one_in(3)) {
      const std::string value(random.below(200), static_cast<char>('a' + step % 26));
      offer_twice(hot, key, value);
      model[key] = value;
    } else if (const auto* entry = find(hot, key)) {
      ++found;
      REQUIRE(model.contains(key));
      REQUIRE(entry->value == model[key]);
    }
    REQUIRE(hot.bytes() <= (64 << 10));
  }
  REQUIRE(found > 1000);
  hot.set_capacity(4 << 10);
  REQUIRE(hot.bytes() <= (4 << 10));
  hot.set_capacity(0);
  REQUIRE(hot.empty());
}

TEST_CASE("what was found holds while others take its place, and while the table grows", "[badger][hot_entries]") {
  HotEntries hot;
  hot.set_capacity(64 << 10);
  offer_twice(hot, "a", "v");
  const HotEntries::Entry found = *find(hot, "a");
  for (int i = 0; i < 5000; ++i) offer_twice(hot, "key" + std::to_string(i), "value");
  REQUIRE(find(hot, "a") == nullptr);
  REQUIRE(found.value == "v");
}

TEST_CASE("badger: a run reads many hot keys of one shard, and each view holds to its end", "[badger][hot_entries]") {
  EngineOptions options;
  options.engine = "badger";
  options.kv.default_shards = 1;
  options.badger.cache_bytes = 1 << 20;
  EngineHarness with(options);
  REQUIRE(with.open());
  constexpr int keys = 300;
  for (int i = 0; i < keys; ++i)
    REQUIRE(with.put("0", "k" + std::to_string(i), std::to_string(i)) == EngineHarness::Outcome::committed);
  REQUIRE(with.snapshot());
  for (int round = 0; round < 4; ++round) {
    std::vector<std::string_view> views;
    const auto outcome = with.run([&](Transaction& txn) {
      views.clear();
      const auto bucket = txn.bucket("0");
      for (int i = 0; i < keys; ++i) {
        const auto entry = txn.read(bucket, "k" + std::to_string(i), Part::value);
        if (!entry) return;
        views.push_back(entry->value);
      }
      for (int i = 0; i < keys; ++i) REQUIRE(views[static_cast<size_t>(i)] == std::to_string(i));
    });
    REQUIRE(outcome == EngineHarness::Outcome::committed);
  }
  REQUIRE(with.figure("badger_hot_hits") > keys);
}

TEST_CASE("badger: a hot entry never outlives a write to its key", "[badger][hot_entries]") {
  EngineOptions options;
  options.engine = "badger";
  options.badger.cache_bytes = 1 << 20;
  EngineHarness with(options);
  REQUIRE(with.open());
  const auto read_often = [&](const std::string& key) {
    for (int i = 0; i < 4; ++i) static_cast<void>(with.get("0", key));
  };
  REQUIRE(with.put("0", "key", "first") == EngineHarness::Outcome::committed);
  REQUIRE(with.put("0", "expires", "soon", with.now() + 5000) == EngineHarness::Outcome::committed);
  REQUIRE(with.snapshot());
  read_often("key");
  read_often("expires");
  REQUIRE(with.figure("badger_hot_hits") >= 4);
  REQUIRE(with.put("0", "key", "second") == EngineHarness::Outcome::committed);
  REQUIRE(with.get("0", "key") == "second");
  REQUIRE(with.snapshot());
  REQUIRE(with.get("0", "key") == "second");
  read_often("key");
  REQUIRE(with.splice("0", "key", 0, "S", 6) == EngineHarness::Outcome::committed);
  REQUIRE(with.get("0", "key") == "Second");
  REQUIRE(with.snapshot());
  read_often("key");
  REQUIRE(with.expire("0", "key", with.now() + 9000) == EngineHarness::Outcome::committed);
  REQUIRE(with.expiry("0", "key") > with.now());
  REQUIRE(with.snapshot());
  read_often("key");
  REQUIRE(with.remove("0", "key") == EngineHarness::Outcome::committed);
  REQUIRE_FALSE(with.get("0", "key"));
  REQUIRE(with.snapshot());
  REQUIRE_FALSE(with.get("0", "key"));
  read_often("expires");
  with.executor.run_for(6000);
  REQUIRE_FALSE(with.get("0", "expires"));
  REQUIRE(with.snapshot());
  REQUIRE_FALSE(with.get("0", "expires"));
  REQUIRE(with.put("0", "key", "dropped") == EngineHarness::Outcome::committed);
  REQUIRE(with.snapshot());
  read_often("key");
  REQUIRE(with.flush("0") == EngineHarness::Outcome::committed);
  REQUIRE_FALSE(with.get("0", "key"));
}
