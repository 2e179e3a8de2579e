#include "storage/lsm/block_cache.h"

#include <catch2/catch.hpp>
#include <map>
#include <thread>
#include <vector>

#include "storage/base/random.h"

namespace sett::storage {
namespace {

using Block = BlockCache::Block;
using Priority = BlockCache::Priority;

// What tells where a block is from, filled up to `bytes`.
std::string content(uint64_t file, uint64_t offset, size_t bytes) {
  std::string text = std::to_string(file) + ":" + std::to_string(offset) + ".";
  text.resize(std::max(bytes, text.size()), 'x');
  return text;
}

constexpr size_t block_bytes = 1000;

void add(BlockCache& cache, uint64_t file, uint64_t offset, Priority priority = Priority::low) {
  CHECK(*cache.insert(file, offset, content(file, offset, block_bytes), priority) ==
        content(file, offset, block_bytes));
}

// Of blocks [0, count) of a file.
uint64_t count_present(BlockCache& cache, uint64_t file, uint64_t count) {
  uint64_t present = 0;
  for (uint64_t offset = 0; offset < count; ++offset) present += cache.find(file, offset) != nullptr;
  return present;
}

}  // namespace

TEST_CASE("a cached block is found by its file and offset, and the first one stays") {
  BlockCache cache(1 << 20);
  CHECK(cache.find(1, 0) == nullptr);
  const Block first = cache.insert(1, 0, "one", Priority::low);
  CHECK(cache.insert(1, 0, "another", Priority::high) == first);
  CHECK(cache.find(1, 0) == first);
  CHECK(*first == "one");
  CHECK(cache.find(0, 1) == nullptr);
  CHECK(cache.find(2, 0) == nullptr);
  const BlockCache::Stats stats = cache.stats();
  CHECK(stats.hits == 1);
  CHECK(stats.misses == 3);
  CHECK(stats.inserted == 1);
  CHECK(stats.blocks == 1);
  CHECK(stats.bytes > 3);
  CHECK(stats.high_bytes == 0);
}

TEST_CASE("a cache keeps to its capacity, and gives all back when it has none") {
  BlockCache cache(100 * block_bytes);
  for (uint64_t offset = 0; offset < 1000; ++offset) {
    add(cache, 1, offset);
    REQUIRE(cache.bytes() <= cache.capacity());
  }
  const BlockCache::Stats stats = cache.stats();
  CHECK(stats.blocks >= 70);  // the rest is what the blocks take beside their bytes
  CHECK(stats.blocks < 100);
  CHECK(stats.inserted == stats.blocks + stats.evicted);
  cache.set_capacity(20 * block_bytes);
  CHECK(cache.bytes() <= 20 * block_bytes);
  CHECK(cache.stats().blocks >= 10);
  cache.set_capacity(0);
  CHECK(cache.bytes() == 0);
  CHECK(cache.stats().blocks == 0);
  // What is used at this moment is there all the same, and only it.
  const Block held = cache.insert(1, 1, "held", Priority::low);
  CHECK(cache.find(1, 1) == held);
  const Block other = cache.insert(1, 2, "other", Priority::low);
  CHECK(cache.find(1, 1) == held);
}

TEST_CASE("a block that is held is not evicted, whatever else comes") {
  BlockCache cache(20 * block_bytes);
  std::vector<Block> held;
  for (uint64_t offset = 0; offset < 30; ++offset)
    held.push_back(
        cache.insert(1, offset, content(1, offset, block_bytes), offset % 2 ? Priority::low : Priority::high));
  CHECK(cache.bytes() > cache.capacity());
  for (uint64_t offset = 0; offset < 500; ++offset) add(cache, 2, offset);
  for (uint64_t offset = 0; offset < 30; ++offset) REQUIRE(cache.find(1, offset) == held[offset]);
  held.clear();
  add(cache, 3, 0);
  CHECK(cache.bytes() <= cache.capacity());
}

TEST_CASE("low blocks go before high ones, which in turn leave some room") {
  BlockCache cache(100 * block_bytes);
  for (uint64_t offset = 0; offset < 50; ++offset) add(cache, 1, offset, Priority::high);
  for (uint64_t offset = 0; offset < 1000; ++offset) {
    add(cache, 2, offset);
    if (offset > 2) cache.find(2, offset - 2);
  }
  CHECK(count_present(cache, 1, 50) == 50);
  for (uint64_t offset = 0; offset < 1000; ++offset) add(cache, 3, offset, Priority::high);
  CHECK(cache.stats().high_bytes <= cache.capacity() - cache.capacity() / 8 + 2 * block_bytes);
  CHECK(cache.bytes() <= cache.capacity());
}

TEST_CASE("one pass over much more than fits leaves in place what is used often") {
  BlockCache cache(400 * block_bytes);
  Random random(1);
  constexpr uint64_t hot = 100;
  const auto use = [&](uint64_t offset) {
    if (!cache.find(1, offset)) add(cache, 1, offset);
  };
  for (int i = 0; i < 5000; ++i) use(random.below(hot));
  // Each block of the pass is loaded, then read from memory once, as a reader does.
  for (uint64_t offset = 0; offset < 20000; ++offset) {
    add(cache, 2, offset);
    CHECK(cache.find(2, offset) != nullptr);
    if (offset % 4 == 0) use(random.below(hot));
  }
  CHECK(count_present(cache, 1, hot) >= hot - 5);
}

TEST_CASE("what is used often stays, though much else is used twice") {
  BlockCache cache(400 * block_bytes);
  Random random(3);
  int hits = 0, uses = 0;
  for (int i = 0; i < 40'000; ++i) {
    const bool is_hot = !random.one_in(5);
    const uint64_t offset = is_hot ? random.below(200) : 1000 + random.below(3000);
    const bool is_hit = cache.find(1, offset) != nullptr;
    if (!is_hit) add(cache, 1, offset);
    if (!is_hot || i < 20'000) continue;
    ++uses;
    hits += is_hit;
  }
  CHECK(hits * 100 > uses * 93);
}

TEST_CASE("what is used again soon after it went settles: a cache that is hot in another place follows") {
  BlockCache cache(400 * block_bytes);
  Random random(2);
  const auto hits_of = [&](uint64_t file, int rounds) {
    int hits = 0;
    for (int i = 0; i < rounds; ++i) {
      const uint64_t offset = random.below(300);
      if (cache.find(file, offset))
        ++hits;
      else
        add(cache, file, offset);
    }
    return hits;
  };
  hits_of(1, 2000);
  hits_of(2, 2000);
  CHECK(hits_of(2, 1000) >= 800);
}

TEST_CASE("the blocks of a file that is gone are forgotten, also those that are held") {
  BlockCache cache(1 << 20);
  const Block held = cache.insert(1, 7, "seven", Priority::high);
  for (uint64_t offset = 10; offset < 100; ++offset) add(cache, offset % 2, offset);
  cache.forget(1);
  CHECK(count_present(cache, 1, 100) == 0);
  CHECK(count_present(cache, 0, 100) == 45);
  CHECK(cache.stats().blocks == 45);
  CHECK(cache.stats().high_bytes == 0);
  CHECK(*held == "seven");
  cache.forget(0);
  CHECK(cache.bytes() == 0);
}

TEST_CASE("a cache never gives out bytes of another block, and its sums are those of its blocks") {
  const auto seed = GENERATE(range(1u, 9u));
  INFO("seed " << seed);
  Random random(seed);
  BlockCache cache(random.below(200'000));
  std::map<std::pair<uint64_t, uint64_t>, Block> held;
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t file = random.below(5), offset = random.below(200);
    switch (random.below(12)) {
      case 0:
        held[{file, offset}] = cache.insert(file, offset, content(file, offset, random.below(3000)), Priority::high);
        break;
      case 1:
        if (!held.empty()) held.erase(held.begin());
        break;
      case 2:
        if (random.one_in(100)) cache.set_capacity(random.below(200'000));
        break;
      case 3:
        if (!random.one_in(100)) break;
        cache.forget(file);
        std::erase_if(held, [&](const auto& one) { return one.first.first == file; });
        break;
      case 4:
      case 5:
      case 6:
        REQUIRE(cache.insert(file, offset, content(file, offset, random.below(3000)), Priority::low)
                    ->starts_with(content(file, offset, 0)));
        break;
      default:
        if (const Block block = cache.find(file, offset)) REQUIRE(block->starts_with(content(file, offset, 0)));
    }
    for (const auto& [key, block] : held)
      if (random.one_in(50)) REQUIRE(cache.find(key.first, key.second) == block);
  }
  held.clear();
  cache.set_capacity(0);
  CHECK(cache.bytes() == 0);
  CHECK(cache.stats().high_bytes == 0);
  CHECK(cache.stats().blocks == 0);
}

TEST_CASE("threads share a cache") {
  BlockCache cache(50 * block_bytes);
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (unsigned id = 0; id < 4; ++id)
    threads.emplace_back([&cache, &wrong, id] {
      Random random(id + 1);
      for (int i = 0; i < 5000; ++i) {
        const uint64_t file = random.below(3), offset = random.below(100);
        Block block = cache.find(file, offset);
        if (!block)
          block = cache.insert(file, offset, content(file, offset, block_bytes),
                               offset % 8 ? Priority::low : Priority::high);
        if (*block != content(file, offset, block_bytes)) ++wrong;
        if (random.one_in(1000)) cache.forget(file);
        if (random.one_in(1000)) cache.set_capacity((40 + random.below(20)) * block_bytes);
      }
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
  cache.set_capacity(10 * block_bytes);
  CHECK(cache.bytes() <= cache.capacity());
  cache.set_capacity(0);
  CHECK(cache.bytes() == 0);
}

}  // namespace sett::storage
