#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "storage/badger/due_keys.h"
#include "storage/badger/hot_entries.h"
#include "storage/lsm/tree_reader.h"
#include "storage/lsm/version.h"
#include "storage/memtable/memtable.h"
#include "storage/shard_lock.h"

namespace sett::storage {

// A slice of the keys of all buckets, in memory: a lock and what it covers. The version, and which parts are sealed,
// change under all locks only.
struct alignas(64) BadgerShard {
  struct Sealed {
    uint64_t seal = 0;
    std::shared_ptr<const Memtable> part;
  };
  struct Usage {
    BucketId bucket = no_bucket;
    uint64_t operations = 0, hits = 0;
  };

  ShardLock lock;
  std::shared_ptr<Memtable> active GUARDED_BY(lock) = std::make_shared<Memtable>();
  std::vector<Sealed> sealed GUARDED_BY(lock);  // the oldest first
  VersionPtr version GUARDED_BY(lock);
  DueKeys due GUARDED_BY(lock);
  HotEntries hot GUARDED_BY(lock);             // of keys that no part of the memtable has
  int64_t floor_ms GUARDED_BY(lock) = 0;       // no run judges expiry by an earlier time
  int64_t passed_ms GUARDED_BY(lock) = 0;      // what was due by then has its tombstone
  int64_t judged_ms GUARDED_BY(lock) = 0;      // a pass to then is in the log
  Sequence last_removal GUARDED_BY(lock) = 0;  // an absence may be the work of anything up to this
  std::vector<Usage> usage GUARDED_BY(lock);   // by the bucket's slot; of another id: out of date
  Pins pins GUARDED_BY(lock);                  // what the views that were given out point into, until the unlock
  // Lets go of the lock. The blocks may be the last ones: they are freed without it.
  void release(ShardIndex self) RELEASE(lock) {
    Pins freed;
    freed.swap(pins);
    lock.unlock(self);
  }

  std::atomic<uint64_t> active_bytes{0}, active_unknown{0};  // of the active part; written under the lock
};

}  // namespace sett::storage
