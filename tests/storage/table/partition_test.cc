#include "storage/table/partition.h"

#include <catch2/catch.hpp>
#include <set>

#include "storage/base/random.h"
#include "storage/table/filter.h"

namespace sett::storage {
namespace {

std::string random_key(Random& random) {
  std::string key;
  for (uint64_t left = random.below(6); left > 0; --left)
    key += std::string_view(
        "\0\x01"
        "ab\xfe\xff",
        6)[random.below(6)];
  return key;
}

}  // namespace

TEST_CASE("a separator is not less than what is before it, less than what is behind it, and no longer than needed") {
  Random random(1);
  for (int i = 0; i < 20000; ++i) {
    std::string a = random_key(random), b = random_key(random);
    if (a == b) continue;
    if (a > b) std::swap(a, b);
    const std::string separator = separator_between(a, b);
    REQUIRE(separator >= a);
    REQUIRE(separator < b);
    REQUIRE(separator.size() <= a.size());
  }
  CHECK(separator_between("apple", "banana") == "b");
  CHECK(separator_between("apple", "cherry") == "b");
  CHECK(separator_between("apple", "b") == "aq");
  CHECK(separator_between("key:0001", "key:0009") == "key:0002");
  CHECK(separator_between("key:00019999", "key:0002") == "key:0001:");
  CHECK(separator_between("key:00011234", "key:0002") == "key:00012");
  CHECK(separator_between("a", "ab") == "a");
}

TEST_CASE("a partition leads to the block that a key would be in") {
  const auto seed = GENERATE(range(1u, 10u));
  INFO("seed " << seed);
  Random random(seed);
  std::set<std::string> keys;
  while (keys.size() < 300) keys.insert(random_key(random) + random_key(random));
  PartitionBuilder builder(12);
  std::vector<std::vector<std::string>> blocks;
  for (auto at = keys.begin(); at != keys.end();) {
    blocks.emplace_back();
    for (uint64_t left = 1 + random.below(10); left > 0 && at != keys.end(); --left, ++at) {
      blocks.back().push_back(*at);
      builder.add_key(*at);
    }
    const std::string separator =
        at == keys.end() ? blocks.back().back() : separator_between(blocks.back().back(), *at);
    builder.add_block(separator, blocks.size() * 1000, blocks.size());
  }
  const std::string payload = builder.finish();
  PartitionView view;
  REQUIRE(view.open(payload));
  REQUIRE(view.blocks() == blocks.size());
  for (uint32_t block = 0; block < blocks.size(); ++block) {
    for (const std::string& key : blocks[block]) {
      REQUIRE(view.may_hold(filter_hash(key)));
      REQUIRE(view.block_of(key) == block);
    }
    CHECK(view.handle(block, 7) == table_format::BlockHandle{7 + (block + 1) * 1000, block + 1});
  }
  CHECK(view.block_of(*keys.rbegin() + "x") == view.blocks());
  PartitionView reopened;
  reopened.reopen(payload);
  CHECK(reopened.blocks() == view.blocks());
  for (const std::string& key : keys) {
    REQUIRE(reopened.may_hold(filter_hash(key)));
    REQUIRE(reopened.block_of(key) == view.block_of(key));
    REQUIRE(reopened.handle(view.block_of(key), 7) == view.handle(view.block_of(key), 7));
  }
  builder.clear();
  builder.add_key("k");
  builder.add_block("k", 0, 1);
  const std::string again = builder.finish();
  REQUIRE(view.open(again));
  CHECK(view.blocks() == 1);
}

TEST_CASE("bytes that are no partition are not opened, or answer within their bounds") {
  PartitionBuilder builder(12);
  for (const char* key : {"a", "b", "c"}) {
    builder.add_key(key);
    builder.add_block(key, 0, 1);
  }
  const std::string payload = builder.finish();
  PartitionView view;
  for (size_t size = 0; size + 3 < payload.size(); ++size)
    CHECK_FALSE(view.open(std::string_view(payload).substr(0, size)));
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string damaged = payload;
    damaged[random.below(damaged.size())] ^= static_cast<char>(1 + random.below(255));
    if (!view.open(damaged)) continue;
    view.may_hold(random.next());
    CHECK(view.block_of("b") <= view.blocks());
  }
}

}  // namespace sett::storage
