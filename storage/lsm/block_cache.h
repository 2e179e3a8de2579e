#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace sett::storage {

// Blocks of tables, decompressed, and values of value logs, by file number and offset. Both are immutable and numbers
// name one file for ever, so what is here is never out of date. For any threads; a call takes one short lock (insert a
// few, one after the other) and never goes to the disk.
//
// A block that somebody holds is not evicted: who has loaded it and keeps it finds it again. So the bytes can exceed
// the capacity, by what is held. Evicted first is what was used once, then what was used more often, then what has high
// priority; a pass over everything leaves in place what is used often (Yang, Zhang, Qiu, Yue, Rashmi: FIFO Queues Are
// All You Need for Cache Eviction, 2023).
class BlockCache {
 public:
  using Block = std::shared_ptr<const std::string>;  // nullptr: none
  enum class Priority : uint8_t {
    low,
    high,  // outlives all low ones, as long as the high ones take no more than seven eighths of the capacity
  };
  struct Stats {
    uint64_t hits = 0, misses = 0, inserted = 0, evicted = 0;
    uint64_t blocks = 0, bytes = 0, high_bytes = 0;  // now; bytes with what the cache itself takes for them
  };

  explicit BlockCache(uint64_t capacity_bytes);
  ~BlockCache();
  BlockCache(const BlockCache&) = delete;
  BlockCache& operator=(const BlockCache&) = delete;

  Block find(uint64_t file, uint64_t offset);
  // As find(); but where there is none, that is no miss: who reads it will find() it missing, and count that.
  Block find_ahead(uint64_t file, uint64_t offset) const;
  // Before a find, one after the other, with other work in between: have the processor fetch what it will touch.
  void prefetch_place(uint64_t file, uint64_t offset) const;
  void prefetch_block(uint64_t file, uint64_t offset) const;
  // The block that is there already, if any, else one of these bytes.
  Block insert(uint64_t file, uint64_t offset, std::string&& bytes, Priority priority);
  // Drops all blocks of a file that is gone. Goes through the whole cache, a part at a time.
  void forget(uint64_t file);
  void set_capacity(uint64_t capacity_bytes);

  uint64_t capacity() const { return capacity_.load(std::memory_order_relaxed); }
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
  Stats stats() const;

 private:
  struct Shard;
  Shard& shard_of(uint64_t hash) const;
  void make_room(size_t first_shard);
  // True: there is nothing more to do; false: this part of the cache has nothing that may go.
  bool evict_until_it_fits(Shard& shard, Priority priority);
  bool fits() const { return bytes() <= capacity(); }

  const std::unique_ptr<Shard[]> shards_;
  std::atomic<uint64_t> capacity_;
  std::atomic<uint64_t> bytes_ = 0, high_bytes_ = 0;
};

}  // namespace sett::storage
