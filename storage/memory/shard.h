#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "storage/memory/table.h"
#include "storage/shard_lock.h"

namespace sett::storage {

// A slice of the keys of all buckets: a lock and what it covers. A table is made by the first put into it.
struct alignas(64) Shard {
  ShardLock lock;
  std::vector<std::unique_ptr<BucketTable>> tables GUARDED_BY(lock);  // by the bucket's slot
  int64_t floor_ms GUARDED_BY(lock) = 0;                              // no run judges expiry by an earlier time
  int64_t next_due_ms GUARDED_BY(lock) = INT64_MAX;  // nothing is due before; may be too early, never too late
  Sequence last_removal GUARDED_BY(lock) = 0;        // an absence may be the work of anything up to this
  struct Usage {
    BucketId bucket = no_bucket;
    uint64_t operations = 0, hits = 0;
  };
  std::vector<Usage> usage GUARDED_BY(lock);  // by the bucket's slot; of another id: out of date
  std::atomic<int64_t> memory_bytes{0};       // written under the lock, as is file_bytes
  std::atomic<int64_t> file_bytes{0};         // BucketTable::file_bytes of all of them

  void count_size(const BucketTable::Size& before, const BucketTable::Size& after) REQUIRES(lock) {
    add_difference(memory_bytes, before.memory_bytes, after.memory_bytes);
    add_difference(file_bytes, before.file_bytes, after.file_bytes);
  }
  BucketTable* find_table(BucketId bucket) const REQUIRES(lock) {
    const uint32_t slot = slot_of(bucket);
    if (slot >= tables.size() || !tables[slot] || tables[slot]->id() != bucket) return nullptr;
    return tables[slot].get();
  }
  BucketTable& table(BucketId bucket, const HashSecret& secret) REQUIRES(lock) {
    const uint32_t slot = slot_of(bucket);
    if (slot >= tables.size()) tables.resize(slot + 1);
    if (!tables[slot]) tables[slot] = std::make_unique<BucketTable>(bucket, secret);
    assert(tables[slot]->id() == bucket);
    return *tables[slot];
  }

 private:
  static void add_difference(std::atomic<int64_t>& sum, uint64_t before, uint64_t after) {
    if (before != after)
      sum.store(sum.load(std::memory_order_relaxed) + static_cast<int64_t>(after - before), std::memory_order_relaxed);
  }
};

}  // namespace sett::storage
