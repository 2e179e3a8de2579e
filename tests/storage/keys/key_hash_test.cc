#include "storage/keys/key_hash.h"

#include <catch2/catch.hpp>
#include <set>

using namespace sett::storage;

TEST_CASE("key hashes: known values, the same on every machine", "[keys]") {
  const KeyHash fnv1a = find_key_hash("fnv1a"), crc16 = find_key_hash("crc16"), xxh3 = find_key_hash("xxh3");
  // Of the draft's own table.
  REQUIRE(fnv1a("") == 0xcbf29ce484222325ULL);
  REQUIRE(fnv1a("a") == 0xaf63dc4c8601ec8cULL);
  REQUIRE(fnv1a("foobar") == 0x85944171f73967e8ULL);
  // CRC-16/XMODEM's check value, and the slots of Redis Cluster.
  REQUIRE(crc16("123456789") == 0x31C3);
  REQUIRE(crc16("foo") % 16384 == 12182);
  REQUIRE(crc16("{user1000}.following") == crc16("user1000"));
  REQUIRE(crc16("foo{}{bar}") != crc16("bar"));
  REQUIRE(crc16("foo{{bar}}zap") == crc16("{bar"));
  REQUIRE(crc16("foo{bar}{zap}") == crc16("bar"));
  REQUIRE(crc16("foo{bar") != crc16("bar"));
  REQUIRE(xxh3("") == 0x2d06800538d394c2ULL);
}

TEST_CASE("key hashes: found by name, spread over any number of shards", "[keys]") {
  REQUIRE(find_key_hash("md5") == nullptr);
  REQUIRE(find_key_hash("XXH3") == nullptr);
  REQUIRE(key_hash_names() == "xxh3, fnv1a, crc16");
  std::set<std::string_view> names;
  for (const auto& [name, hash] : key_hashes()) {
    REQUIRE(names.insert(name).second);
    REQUIRE(find_key_hash(name) == hash);
    for (const uint64_t shards : {2u, 3u, 16u, 1024u}) {
      std::vector<int> hits(shards);
      constexpr int keys = 50'000;
      for (int i = 0; i < keys; ++i) ++hits[hash("key:" + std::to_string(i)) % shards];
      INFO(name << " over " << shards);
      for (const int count : hits) REQUIRE(count > keys / static_cast<int>(shards) / 3);
    }
  }
}
