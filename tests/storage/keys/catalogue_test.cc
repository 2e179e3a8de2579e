#include "storage/keys/catalogue.h"

#include <catch2/catch.hpp>

#include "storage/base/random.h"

using namespace sett::storage;

TEST_CASE("catalogue: propose, bind, unbind, swap", "[keys]") {
  Catalogue catalogue(3);
  REQUIRE(catalogue.find("a") == no_bucket);
  const BucketId a = catalogue.propose(0, 1), b = catalogue.propose(1, 2);
  REQUIRE(a != b);
  REQUIRE(slot_of(a) != slot_of(b));
  REQUIRE(catalogue.bind("a", a) == no_bucket);
  REQUIRE(catalogue.bind("b", b) == no_bucket);
  REQUIRE(catalogue.find("a") == a);
  REQUIRE(catalogue.name_of(b) == "b");
  // A swap goes through a moment in which both names mean the same.
  REQUIRE(catalogue.bind("a", b) == a);
  REQUIRE_FALSE(catalogue.is_bound(a));
  REQUIRE(catalogue.bind("b", a) == b);
  REQUIRE(catalogue.find("a") == b);
  REQUIRE(catalogue.find("b") == a);
  REQUIRE(catalogue.name_of(a) == "b");
  REQUIRE(catalogue.name_of(b) == "a");
  REQUIRE(catalogue.bind("a", no_bucket) == b);
  REQUIRE_FALSE(catalogue.is_bound(b));
  REQUIRE(catalogue.name_of(b).empty());
  const BucketId next = catalogue.propose(0, 1);
  REQUIRE(slot_of(next) == slot_of(b));
  REQUIRE(generation_of(next) > generation_of(b));
  REQUIRE(catalogue.propose(0, 2) != no_bucket);
  REQUIRE(catalogue.propose(0, 3) == no_bucket);
  catalogue.raise_generation(100);
  catalogue.raise_generation(50);
  REQUIRE(catalogue.generation() == 100);
  REQUIRE(generation_of(catalogue.propose(0, 0)) == 101);
}

TEST_CASE("catalogue: against a map", "[keys]") {
  for (const uint64_t seed : {1, 2, 3}) {
    INFO("seed " << seed);
    Random random(seed);
    Catalogue catalogue(20);
    std::map<std::string, BucketId> map;
    BucketId last = no_bucket;
    for (int step = 0; step < 3000; ++step) {
      const std::string name = std::to_string(random.below(25));
      const bool adds = !map.contains(name);
      if (random.one_in(3)) {
        REQUIRE(catalogue.bind(name, no_bucket) == (adds ? no_bucket : map[name]));
        map.erase(name);
        continue;
      }
      const BucketId id = catalogue.propose(0, adds ? 1 : 0);
      REQUIRE((id == no_bucket) == (adds && map.size() == 20));
      if (id == no_bucket) continue;
      REQUIRE(generation_of(id) > generation_of(last));
      for (const auto& [other, bound] : map) REQUIRE(slot_of(bound) != slot_of(id));
      last = id;
      REQUIRE(catalogue.bind(name, id) == (adds ? no_bucket : map[name]));
      map[name] = id;
      for (const auto& [other, bound] : map) {
        REQUIRE(catalogue.find(other) == bound);
        REQUIRE(catalogue.name_of(bound) == other);
      }
    }
  }
}

TEST_CASE("catalogue: all buckets get new ids in one batch", "[keys]") {
  constexpr uint32_t buckets = bucket_slots_max / 2;  // as many slots again are needed
  Catalogue catalogue(buckets);
  for (int round = 0; round < 3; ++round) {
    std::vector<BucketId> ids;
    std::vector<bool> used(bucket_slots_max);
    for (const auto& [name, id] : catalogue.names()) used[slot_of(id)] = true;
    for (uint32_t nth = 0; nth < buckets; ++nth) {
      ids.push_back(catalogue.propose(nth, round == 0 ? nth + 1 : 0));
      REQUIRE(ids.back() != no_bucket);
      if (nth > 0) REQUIRE(generation_of(ids[nth]) > generation_of(ids[nth - 1]));
      REQUIRE_FALSE(used[slot_of(ids.back())]);
      used[slot_of(ids.back())] = true;
    }
    REQUIRE(catalogue.propose(0, 1) == (round == 0 ? ids[0] : no_bucket));
    for (uint32_t nth = 0; nth < buckets; ++nth) catalogue.bind(std::to_string(nth), ids[nth]);
    REQUIRE(catalogue.names().size() == buckets);
    for (uint32_t nth = 0; nth < buckets; nth += 97) REQUIRE(catalogue.name_of(ids[nth]) == std::to_string(nth));
  }
}
