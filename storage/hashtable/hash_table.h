#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "storage/base/random.h"
#include "storage/hashtable/entry.h"

namespace sett::storage {

// Drawn once at start: nobody outside can make keys collide, nor foresee the order of a scan.
struct HashSecret {
  unsigned char bytes[192];
  static HashSecret draw();
};

// Extendible hashing (Fagin, Nievergelt, Pippenger, Strong, 1979) with segments of 64 home buckets of one cache line
// each, ordered by hash. A directory indexed by the first bits of the hash points at segments; the next 6 bits pick the
// home bucket, so the buckets of all segments in a row hold all entries in hash order, and a place in that order stays
// true while segments split and merge. A full segment splits by itself: no growth touches more than about 340 entries
// (README.md).
//
// Owns its entries. No locks inside: whoever owns the table's lock calls. `hash` is always hash(key).
class HashTable {
 public:
  // A place in hash order: the first position_bits bits of a hash. 0: the beginning; end_position: behind the last.
  static constexpr unsigned position_bits = 31;
  static constexpr uint64_t end_position = 1ull << position_bits;

  explicit HashTable(const HashSecret& secret);  // which must outlive the table
  ~HashTable();
  HashTable(const HashTable&) = delete;
  HashTable& operator=(const HashTable&) = delete;

  uint64_t hash(std::string_view key) const;
  Entry* find(uint64_t hash, std::string_view key) const;
  // The key must not be there.
  void insert(uint64_t hash, Entry* entry);
  // Puts `with` where `old` is (same key); does not free `old`.
  void replace(uint64_t hash, const Entry* old, Entry* with);
  // Takes the entry out, without freeing it.
  void extract(uint64_t hash, const Entry* entry);
  // Brings the cache lines of the bucket in, for a find() soon after.
  void prefetch(uint64_t hash) const;
  // Then the entries in it whose fingerprint fits.
  void prefetch_entry(uint64_t hash) const;

  uint64_t size() const { return size_; }
  uint64_t overhead_bytes() const;  // of directory, segments and overflow

  // Visits whole home buckets from `position` on until at least `entries_max` entries were visited or some four times
  // as many buckets looked at; returns the position to go on from, or end_position. The visitor must not change the
  // table.
  template <typename Visit>
  uint64_t scan(uint64_t position, uint64_t entries_max, const Visit& visit) const;
  // An entry near a random place; nullptr: empty.
  Entry* sample(Random& random) const;
  // Frees up to `entries_max` entries, for tables that nobody reads any more; true: nothing is left.
  bool clear_some(uint64_t entries_max);
  uint64_t longest_chain() const;  // of home and overflow buckets, in entries; for tests

 private:
  static constexpr unsigned bucket_bits = 6;
  static constexpr unsigned buckets_per_segment = 1u << bucket_bits;
  static constexpr unsigned slots_per_bucket = 7;
  static constexpr unsigned split_above = buckets_per_segment * slots_per_bucket * 3 / 4;
  static constexpr unsigned merge_below = buckets_per_segment * slots_per_bucket / 4;
  static constexpr unsigned depth_max = position_bits - bucket_bits;
  static constexpr uint64_t pointer_mask = (1ull << 48) - 1;

  // A slot: an entry's address in the low 48 bits, the low 16 bits of its hash above. 0: free. Used slots come first.
  struct alignas(64) Bucket {
    uint64_t slots[slots_per_bucket];
    Bucket* overflow;
  };
  struct Segment {
    Bucket buckets[buckets_per_segment];
    uint32_t depth;  // how many leading bits of the hash its entries share
    uint32_t entries;
    uint32_t overflows;
  };

  static uint64_t make_slot(uint64_t hash, const Entry* entry) {
    return (hash << 48) | (reinterpret_cast<uint64_t>(entry) & pointer_mask);
  }
  static Entry* entry_of(uint64_t slot) { return reinterpret_cast<Entry*>(slot & pointer_mask); }
  size_t directory_index(uint64_t hash) const { return depth_ == 0 ? 0 : hash >> (64 - depth_); }
  static unsigned bucket_index(uint64_t hash, unsigned depth) {
    return static_cast<unsigned>((hash << depth) >> (64 - bucket_bits));
  }
  Segment& segment_of(uint64_t hash) const { return *directory_[directory_index(hash)]; }
  static Segment* new_segment(unsigned depth);
  static void free_segment(Segment* segment);
  static uint64_t* find_slot(Bucket& home, uint64_t hash, const Entry* entry);
  static void put_slot(Segment& segment, Bucket& home, uint64_t slot);
  template <typename Visit>
  static void for_each_slot(const Segment& segment, const Visit& visit);
  void split(uint64_t hash);
  void merge_if_light(uint64_t hash);

  const HashSecret* secret_;
  std::vector<Segment*> directory_;  // 2^depth_ pointers; a segment of depth d stands 2^(depth_ - d) times in a row
  unsigned depth_ = 0;
  uint64_t size_ = 0;
  uint64_t segments_ = 0;
  uint64_t overflows_ = 0;  // overflow buckets of all segments
  size_t clear_from_ = 0;   // of clear_some: directory entries before it are freed
};

template <typename Visit>
uint64_t HashTable::scan(uint64_t position, uint64_t entries_max, const Visit& visit) const {
  uint64_t visited = 0;
  uint64_t buckets_left = entries_max * 4 + buckets_per_segment;  // a nearly empty table must not make one call long
  while (position < end_position) {
    const uint64_t hash = position << (64 - position_bits);
    const Segment& segment = segment_of(hash);
    const unsigned first = bucket_index(hash, segment.depth);
    for (unsigned i = first; i < buckets_per_segment; ++i) {
      for (const Bucket* bucket = &segment.buckets[i]; bucket; bucket = bucket->overflow) {
        for (const uint64_t slot : bucket->slots) {
          if (slot == 0) break;
          visit(*entry_of(slot));
          ++visited;
        }
      }
      const unsigned width_bits = position_bits - segment.depth - bucket_bits;
      position = ((position >> width_bits) + 1) << width_bits;
      if (visited >= entries_max || --buckets_left == 0) return position;
    }
  }
  return end_position;
}

}  // namespace sett::storage
