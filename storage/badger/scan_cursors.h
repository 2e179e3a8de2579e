#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "storage/base/mutex.h"
#include "storage/base/random.h"
#include "storage/keys/mutation.h"

namespace sett::storage {

// Numbers that stand for places in buckets: a slot (20 bits) and a random tag (33 bits, never 0 as a whole number), 53
// bits in all, so that clients which keep a cursor in a double keep it whole. A slot belongs to one walk and knows its
// last two places, so that a call can be repeated. The least recently used goes. From any thread.
class ScanCursors {
 public:
  static constexpr uint64_t slots_max = 1 << 16;
  static constexpr uint64_t bytes_max = 64ull << 20;  // of keys

  explicit ScanCursors(uint64_t seed) : random_(seed) {}

  // The number of the place at `key`, where a walk that stood at `previous` (0: it has just begun) goes on.
  uint64_t remember(uint64_t previous, BucketId bucket, std::string_view key);
  // nullopt: not known, or of another bucket.
  std::optional<std::string> find(uint64_t cursor, BucketId bucket);

 private:
  static constexpr unsigned slot_bits = 20, tag_bits = 33;
  struct Place {
    uint64_t cursor = 0;
    std::string key;
  };
  struct Walk {
    uint32_t slot;
    BucketId bucket;
    std::array<Place, 2> places;  // the last, and the one before
  };
  using Walks = std::list<Walk>;  // the most recently used first

  Walk* walk_of(uint64_t cursor, BucketId bucket) REQUIRES(mutex_);
  Walk& new_walk(BucketId bucket) REQUIRES(mutex_);
  void drop_last() REQUIRES(mutex_);

  Mutex mutex_;
  Random random_ GUARDED_BY(mutex_);
  Walks walks_ GUARDED_BY(mutex_);
  std::unordered_map<uint32_t, Walks::iterator> by_slot_ GUARDED_BY(mutex_);
  uint32_t next_slot_ GUARDED_BY(mutex_) = 0;
  uint64_t bytes_ GUARDED_BY(mutex_) = 0;
};

}  // namespace sett::storage
