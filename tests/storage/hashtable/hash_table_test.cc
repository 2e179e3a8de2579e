#include "storage/hashtable/hash_table.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <unordered_map>
#include <unordered_set>

#include "storage/keys/key_hash.h"

using namespace sett::storage;

namespace {

HashSecret fixed_secret(uint64_t seed) {
  HashSecret secret;
  Random random(seed);
  for (unsigned char& byte : secret.bytes) byte = static_cast<unsigned char>(random.next());
  return secret;
}

void insert(HashTable& table, const std::string& key, Sequence sequence) {
  table.insert(table.hash(key), Entry::make(key, 0, 0, sequence));
}

// The longest chain of this many keys.
uint64_t longest_chain_of(const std::vector<std::string>& keys) {
  const HashSecret secret = fixed_secret(1);
  HashTable table(secret);
  for (const auto& key : keys) insert(table, key, 1);
  return table.longest_chain();
}

// Eight low bits are enough for up to 256 shards; the last byte makes up for what the front does to them.
std::vector<std::string> fnv1a_colliding_keys(size_t count) {
  const KeyHash hash = find_key_hash("fnv1a");
  std::vector<std::string> keys;
  for (uint64_t i = 0; keys.size() < count; ++i) {
    std::string key = "key:" + std::to_string(i) + " ";
    for (int last = 0; last < 256; ++last) {
      key.back() = static_cast<char>(last);
      if ((hash(key) & 0xFF) == 0) {
        keys.push_back(key);
        break;
      }
    }
  }
  return keys;
}

// CRC is linear: with two bytes behind it, any front reaches any sum.
std::vector<std::string> crc16_colliding_keys(size_t count) {
  const KeyHash hash = find_key_hash("crc16");
  std::vector<std::string> tails(65536);
  for (uint32_t tail = 0; tail < 65536; ++tail) {
    const std::string bytes{static_cast<char>(tail >> 8), static_cast<char>(tail)};
    tails[hash(bytes)] = bytes;
  }
  std::vector<std::string> keys;
  for (uint64_t i = 0; i < count; ++i) {
    const std::string front = "key:" + std::to_string(i);
    keys.push_back(front + tails[hash(front + std::string(2, '\0'))]);
  }
  return keys;
}

// A tag in braces is all that crc16 looks at.
std::vector<std::string> tagged_keys(size_t count) {
  std::vector<std::string> keys;
  for (uint64_t i = 0; i < count; ++i) keys.push_back("{tag}" + std::to_string(i));
  return keys;
}

}  // namespace

TEST_CASE("hash table: random inserts and removals against a map, growing and shrinking", "[hashtable]") {
  for (const uint64_t seed : {1, 2, 3}) {
    INFO("seed " << seed);
    const HashSecret secret = fixed_secret(seed);
    HashTable table(secret);
    std::unordered_map<std::string, Entry*> map;
    std::vector<std::string> keys;
    Random random(seed);
    const uint64_t empty_bytes = table.overhead_bytes();
    for (int step = 0; step < 50'000; ++step) {
      const bool grows = (step / 10'000) % 2 == 0;
      const bool inserts = keys.empty() || random.below(10) < (grows ? 8u : 2u);
      if (inserts) {
        const std::string key = "key:" + std::to_string(random.below(40'000));
        const uint64_t hash = table.hash(key);
        Entry* found = table.find(hash, key);
        REQUIRE((found != nullptr) == map.contains(key));
        Entry* made = Entry::make(key, 4, 0, static_cast<Sequence>(step));
        if (found) {
          table.replace(hash, found, made);
          Entry::free(found);
        } else {
          table.insert(hash, made);
          keys.push_back(key);
        }
        map[key] = made;
      } else {
        std::swap(keys[random.below(keys.size())], keys.back());
        const std::string key = keys.back();
        keys.pop_back();
        Entry* entry = map.at(key);
        table.extract(table.hash(key), entry);
        Entry::free(entry);
        map.erase(key);
      }
      REQUIRE(table.size() == map.size());
    }
    for (const auto& [key, entry] : map) REQUIRE(table.find(table.hash(key), key) == entry);
    std::unordered_set<const Entry*> visited;
    uint64_t position = 0;
    while (position < HashTable::end_position)
      position = table.scan(position, 7, [&](const Entry& entry) { REQUIRE(visited.insert(&entry).second); });
    REQUIRE(visited.size() == map.size());
    for (int i = 0; i < 100; ++i) REQUIRE(map.contains(std::string(table.sample(random)->key())));
    for (const auto& [key, entry] : map) {
      table.extract(table.hash(key), entry);
      Entry::free(entry);
    }
    REQUIRE(table.size() == 0);
    REQUIRE(table.sample(random) == nullptr);
    REQUIRE(table.overhead_bytes() < empty_bytes + 4096);  // of segments one is left; the directory keeps its size
  }
}

TEST_CASE("hash table: freed in slices", "[hashtable]") {
  const HashSecret secret = fixed_secret(1);
  HashTable table(secret);
  for (int i = 0; i < 20'000; ++i) insert(table, std::to_string(i), 1);
  int slices = 1;
  while (!table.clear_some(1000)) REQUIRE(++slices < 100);
  REQUIRE(slices > 15);
}

TEST_CASE("hash table: keys made to collide under the configured hash have chains as random keys have", "[hashtable]") {
  const size_t count = std::getenv("SETT_LONG") ? 1'000'000 : 200'000;
  std::vector<std::string> plain;
  Random random(7);
  for (size_t i = 0; i < count; ++i) plain.push_back(std::to_string(random.next()));
  const uint64_t usual = longest_chain_of(plain);
  INFO("longest chain of random keys: " << usual);
  REQUIRE(usual < 40);
  const auto check = [&](const std::vector<std::string>& keys, const char* name, uint64_t mask) {
    const KeyHash hash = find_key_hash(name);
    for (size_t i = 0; i < keys.size(); i += 997) REQUIRE((hash(keys[i]) & mask) == (hash(keys[0]) & mask));
    REQUIRE(std::unordered_set<std::string>(keys.begin(), keys.end()).size() == keys.size());
    REQUIRE(longest_chain_of(keys) <= usual + usual / 2);
  };
  check(crc16_colliding_keys(count), "crc16", ~0ull);
  check(tagged_keys(count), "crc16", ~0ull);
  check(fnv1a_colliding_keys(count), "fnv1a", 0xFF);
}

TEST_CASE("entry: header forms, and room to grow", "[hashtable]") {
  for (const uint64_t key_bytes : {0u, 1u, 255u, 256u, 70'000u}) {
    for (const uint64_t value_bytes : {0u, 1u, 65'535u, 65'536u}) {
      for (const int64_t expires_at_ms : {int64_t{0}, int64_t{1'700'000'000'000}}) {
        const std::string key(key_bytes, 'k');
        Entry* entry = Entry::make(key, value_bytes, expires_at_ms, 42);
        std::fill_n(entry->value_data(), value_bytes, 'v');
        entry->set_sequence(43);
        REQUIRE(entry->key() == key);
        REQUIRE(entry->value() == std::string(value_bytes, 'v'));
        REQUIRE(entry->expires_at_ms() == expires_at_ms);
        REQUIRE(entry->sequence() == 43);
        REQUIRE(entry->can_hold(value_bytes, expires_at_ms != 0));
        const bool wide = key_bytes > 255 || value_bytes > 65'535;
        REQUIRE(entry->can_hold(value_bytes, expires_at_ms == 0) == wide);
        REQUIRE(entry->memory_bytes() >= entry->used_bytes());
        REQUIRE(entry->memory_bytes() <= entry->used_bytes() + entry->used_bytes() / 4 + 4096);
        if (wide) {  // an expiry comes and goes in place
          entry->set_expires_at_ms(expires_at_ms == 0 ? 99 : 0);
          REQUIRE(entry->expires_at_ms() == (expires_at_ms == 0 ? 99 : 0));
          entry->set_expires_at_ms(expires_at_ms);
          REQUIRE(entry->expires_at_ms() == expires_at_ms);
          REQUIRE(entry->key() == key);
          REQUIRE(entry->value() == std::string(value_bytes, 'v'));
        }
        if (expires_at_ms != 0) {
          entry->set_heap_index(77);
          REQUIRE(entry->heap_index() == 77);
          REQUIRE(entry->value() == std::string(value_bytes, 'v'));
        }
        Entry::free(entry);
      }
    }
  }
}

TEST_CASE("entry: another key at the same place", "[hashtable]") {
  const std::string value = std::string(50'000, 'a') + std::string(50'000, 'b');
  const auto make = [&](std::string_view key) {
    Entry* entry = Entry::make(key, value.size(), 0, 42);
    std::copy(value.begin(), value.end(), entry->value_data());
    return entry;
  };
  for (const std::string_view key : {"same-long", "short", "", "longer than the one before"}) {
    Entry* entry = make("nine-long");
    Entry* renamed = Entry::rename(entry, key, 99, 43);
    if (!renamed) {  // the allocator gave no byte more than was asked for
      REQUIRE(key.size() > 9);
      REQUIRE(entry->key() == "nine-long");
    } else {
      REQUIRE(renamed == entry);
      REQUIRE(entry->key() == key);
      REQUIRE(entry->expires_at_ms() == 99);
      REQUIRE(entry->sequence() == 43);
    }
    REQUIRE(entry->value() == value);
    Entry::free(entry);
  }
  Entry* entry = make("k");
  REQUIRE_FALSE(Entry::rename(entry, std::string(1 << 20, 'k'), 0, 43));
  REQUIRE(entry->key() == "k");
  REQUIRE(entry->value() == value);
  Entry::free(entry);
  Entry* small = Entry::make("k", 100, 0, 42);
  REQUIRE_FALSE(Entry::rename(small, "l", 0, 43));
  Entry::free(small);
}
