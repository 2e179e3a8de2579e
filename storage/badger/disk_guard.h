#pragma once

#include <atomic>
#include <cstdint>

#include "storage/badger/engine.h"

namespace sett::storage {

// What the decision stands on; bytes.
struct DiskFacts {
  uint64_t free = 0;       // that the engine may still take: of the disk, or of max_disk_size if that is less
  uint64_t memtables = 0;  // in memory, not yet in tables
  uint64_t level0 = 0, base_level = 0;  // of tables: level 0 and the one that it is merged into
  uint64_t tables = 0;                  // all of them
  uint64_t value_logs = 0;
  uint64_t used = 0;  // of all files of the engine
};

// Whether the disk is left the room that flushes, merges and collections need for what is there already: they are what
// gives space back. Writes that free nothing are refused before that room is touched; deletes go on in it. On the
// background lane, every so often; what is written in between is within the slack.
class DiskGuard {
 public:
  explicit DiskGuard(BadgerEngine& engine) : engine_(engine) {}

  void start();
  bool refuses() const { return refuses_.load(std::memory_order_relaxed); }
  uint64_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }
  uint64_t needed_bytes() const { return needed_bytes_.load(std::memory_order_relaxed); }

  // Pure. The room that is needed: a flush of all memtables, the largest merge that may come next, twice where merges
  // run in parallel, and a collection's copies.
  static uint64_t needed(const DiskFacts& facts, const BadgerOptions& options);
  // Beyond that, so that what is written between two looks fits as well.
  static uint64_t slack(const DiskFacts& facts);
  static bool decide(bool refuses_now, const DiskFacts& facts, const BadgerOptions& options);

 private:
  void tick();
  Result<DiskFacts> look() const;

  BadgerEngine& engine_;
  std::atomic<bool> refuses_{false};
  std::atomic<uint64_t> used_bytes_{0}, needed_bytes_{0};
};

}  // namespace sett::storage
