#include "storage/table/block_reader.h"

#include <catch2/catch.hpp>
#include <map>
#include <string>

#include "storage/base/random.h"
#include "storage/table/block_builder.h"

namespace sett::storage {
namespace {

std::string random_key(Random& random) {
  std::string key = random.one_in(2) ? "a shared beginning" : "";
  for (uint64_t left = random.below(6); left > 0; --left) key += "ab\xff\0"[random.below(4)];
  return key;
}

TableEntry random_entry(Random& random, std::string& value) {
  TableEntry entry;
  entry.sequence = random.below(uint64_t{1} << 40);
  if (random.one_in(3)) entry.expires_at_ms = 1 + static_cast<int64_t>(random.below(uint64_t{1} << 42));
  switch (random.below(3)) {
    case 0:
      value.assign(random.below(100), static_cast<char>(random.below(256)));
      entry.kind = TableEntry::Kind::value;
      entry.value = value;
      entry.value_bytes = value.size();
      break;
    case 1:
      entry.kind = TableEntry::Kind::pointer;
      entry.log_file = random.below(1000);
      entry.log_offset = random.below(uint64_t{1} << 40);
      entry.value_bytes = random.below(uint64_t{1} << 32);
      break;
    default:
      entry.kind = TableEntry::Kind::tombstone;
  }
  return entry;
}

bool same(const TableEntry& a, const TableEntry& b) {
  return a.kind == b.kind && a.sequence == b.sequence && a.expires_at_ms == b.expires_at_ms && a.value == b.value &&
         a.log_file == b.log_file && a.log_offset == b.log_offset && a.value_bytes == b.value_bytes;
}

struct Model {
  std::map<std::string, std::pair<TableEntry, std::string>> entries;
  std::string payload;
};

Model random_block(Random& random) {
  Model model;
  for (uint64_t left = 1 + random.below(100); left > 0; --left) {
    auto& [entry, value] = model.entries[random_key(random)];
    entry = random_entry(random, value);
  }
  BlockBuilder builder;
  for (auto& [key, made] : model.entries) {
    if (made.first.kind == TableEntry::Kind::value) made.first.value = made.second;
    builder.add(key, made.first);
  }
  CHECK(builder.entries() == model.entries.size());
  CHECK(builder.last_key() == model.entries.rbegin()->first);
  const uint64_t expected_bytes = builder.payload_bytes();
  model.payload = builder.finish();
  CHECK(model.payload.size() == expected_bytes);
  return model;
}

}  // namespace

TEST_CASE("a block gives back what was put into it, from any place, in both directions") {
  const auto seed = GENERATE(range(1u, 30u));
  INFO("seed " << seed);
  Random random(seed);
  const Model model = random_block(random);
  BlockCursor cursor(model.payload);
  bool more = cursor.seek_first();
  for (const auto& [key, made] : model.entries) {
    REQUIRE(more);
    REQUIRE(cursor.key() == key);
    REQUIRE(same(cursor.entry(), made.first));
    more = cursor.next();
  }
  CHECK_FALSE(more);
  CHECK_FALSE(cursor.valid());
  REQUIRE(cursor.seek_last());
  CHECK(cursor.key() == model.entries.rbegin()->first);
  for (int i = 0; i < 200; ++i) {
    const std::string key = random_key(random);
    const auto at = model.entries.lower_bound(key);
    REQUIRE(cursor.seek(key) == (at != model.entries.end()));
    if (at != model.entries.end()) REQUIRE(cursor.key() == at->first);
    REQUIRE(cursor.seek_before(key) == (at != model.entries.begin()));
    if (at != model.entries.begin()) {
      REQUIRE(cursor.key() == std::prev(at)->first);
      REQUIRE(same(cursor.entry(), std::prev(at)->second.first));
      REQUIRE(cursor.next() == (at != model.entries.end()));
    }
  }
  CHECK_FALSE(cursor.damaged());
}

TEST_CASE("bytes that are no block end the cursor, whatever they are") {
  const auto seed = GENERATE(range(1u, 10u));
  INFO("seed " << seed);
  Random random(seed);
  const Model model = random_block(random);
  const auto walk = [](std::string_view payload) {
    BlockCursor cursor(payload);
    size_t entries = 0;
    for (bool more = cursor.seek_first(); more; more = cursor.next()) ++entries;
    cursor.seek("a shared beginning");
    cursor.seek_before("a shared beginning");
    cursor.seek_last();
    return entries;
  };
  for (size_t size = 0; size < model.payload.size(); ++size) walk(std::string_view(model.payload).substr(0, size));
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = model.payload;
    damaged[random.below(damaged.size())] ^= static_cast<char>(1 + random.below(255));
    CHECK(walk(damaged) <= damaged.size());
  }
  BlockCursor empty{std::string_view()};
  CHECK(empty.damaged());
  CHECK_FALSE(empty.seek_first());
}

TEST_CASE("an entry is not read from less than all of its bytes") {
  for (const auto kind : {TableEntry::Kind::value, TableEntry::Kind::pointer, TableEntry::Kind::tombstone}) {
    TableEntry entry{.kind = kind, .sequence = 300, .expires_at_ms = 1'700'000'000'000, .value = "some value"};
    if (kind == TableEntry::Kind::pointer) entry = {.kind = kind, .sequence = 300, .expires_at_ms = 1, .value = {}};
    if (kind != TableEntry::Kind::value) entry.value = {};
    std::string bytes;
    append_table_entry(bytes, entry);
    for (size_t size = 0; size <= bytes.size(); ++size) {
      ByteReader reader(std::string_view(bytes).substr(0, size));
      TableEntry read;
      CHECK(read_table_entry(reader, read) == (size == bytes.size()));
    }
  }
  for (const char kind : {'\x00', '\x04', '\x07', '\x10', '\xff'}) {
    const std::string bytes = std::string(1, kind) + std::string(20, '\x01');
    ByteReader reader(bytes);
    TableEntry read;
    CHECK_FALSE(read_table_entry(reader, read));
  }
}

}  // namespace sett::storage
