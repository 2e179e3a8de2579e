#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "storage/badger/engine.h"

namespace sett::storage {

// What the decision stands on; bytes.
struct DiskFacts {
  uint64_t disk_free = 0, limit_free = UINT64_MAX;  // of the disk, and of max_disk_size
  uint64_t memtables = 0;                           // in memory, not yet in tables
  uint64_t level0 = 0, base_level = 0;              // of tables: level 0 and the one that it is merged into
  uint64_t tables = 0;                              // all of them
  uint64_t value_logs = 0;
  uint64_t used = 0;                                                 // of all files of the engine that count
  uint64_t needless = 0;                                             // of files that have yet to go
  uint64_t free() const { return std::min(disk_free, limit_free); }  // that the engine may still take
};

// Whether the disk is left the room that flushes, merges and collections need for what is there already: they are what
// gives space back. Writes that free nothing are refused before that room is touched; deletes go on in it. On the
// background lane, every so often, and sooner where little is left: no more is let in between two looks than there is
// room for.
class DiskGuard {
 public:
  explicit DiskGuard(BadgerEngine& engine) : engine_(engine) {}

  enum class Answer : uint8_t {
    yes,
    later,  // the disk is looked at again first; who waits is told
    no,     // there is no room
  };

  void start();
  // Of a write that frees nothing. From any thread.
  Answer admit();
  // One that went on had so many bytes.
  void note_written(uint64_t bytes);
  // What merges may write in all. What is kept free for them is there but for files that have yet to go: as long as
  // there are such, a merge may have to wait. Blocks on the disk.
  uint64_t room_for_merges() const;
  // What a collection may copy: its file goes only when that is flushed. Blocks on the disk.
  uint64_t room_for_collection() const;
  bool is_tight() const { return is_tight_.load(std::memory_order_relaxed); }
  bool refuses() const { return refuses_.load(std::memory_order_relaxed); }
  uint64_t used_bytes() const { return used_bytes_.load(std::memory_order_relaxed); }
  uint64_t needed_bytes() const { return needed_bytes_.load(std::memory_order_relaxed); }

  // Pure. The room that is needed: a flush of all memtables, the largest merge that may come next, twice where merges
  // run in parallel, and a collection's copies.
  static uint64_t needed(const DiskFacts& facts, const BadgerOptions& options);
  // Beyond that, for what is not counted to the byte.
  static uint64_t slack(const DiskFacts& facts);
  static uint64_t room_for_merges(const DiskFacts& facts);
  static bool decide(bool refuses_now, uint64_t free, uint64_t needed, uint64_t slack);

 private:
  void tick();
  void look();
  Result<DiskFacts> gather() const;

  BadgerEngine& engine_;
  std::atomic<bool> refuses_{false}, is_tight_{false}, look_posted_{false};
  std::atomic<int64_t> left_{0};  // that may be written until the next look; counts only while it is tight
  std::atomic<uint64_t> used_bytes_{0}, needed_bytes_{0};
};

}  // namespace sett::storage
