#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/hashtable/expiry_heap.h"
#include "storage/hashtable/hash_table.h"
#include "storage/keys/mutation.h"

namespace sett::storage {

// The entries of one bucket in one shard: the hash table, the order of expiry, and what they amount to. Applies
// mutations; asks no clock. Covered by its shard's lock; after it was taken out of its shard it belongs to whoever took
// it.
class BucketTable {
 public:
  static constexpr uint64_t entry_file_overhead = 16;  // bucket, sequence, expiry and two lengths, as varints

  BucketTable(BucketId id, const HashSecret& secret) : id_(id), entries_(secret) {}

  BucketId id() const { return id_; }
  Entry* find(std::string_view key) const { return entries_.find(entries_.hash(key), key); }
  // put, splice, expire or remove. A splice or expire of an absent key does nothing and returns false; so does a
  // removal.
  bool apply(const Mutation& mutation, Sequence sequence);
  // Takes the entry of a key that is there out of the table: it is the caller's.
  Entry* take(std::string_view key);
  // Puts an entry in, in the place of the one of its key, if any. It is the table's from there on.
  void adopt(Entry* entry);
  // Removes the entry that is due first, if it is due at `now_ms`; `key` gets its key when not null. False: none is
  // due.
  bool expire_first(int64_t now_ms, std::string* key);

  const HashTable& entries() const { return entries_; }
  const ExpiryHeap& expiries() const { return expiries_; }
  uint64_t live_count(int64_t now_ms) const { return entries_.size() - expiries_.due(now_ms); }
  uint64_t key_and_value_bytes() const { return bytes_; }
  // What the allocator holds for it, nearly.
  uint64_t memory_bytes() const { return entry_memory_ + entries_.overhead_bytes() + expiries_.overhead_bytes(); }
  // What its entries take in a file, nearly: the same whatever the allocator does.
  uint64_t file_bytes() const { return bytes_ + entries_.size() * entry_file_overhead; }
  struct Size {
    uint64_t memory_bytes = 0;
    uint64_t file_bytes = 0;
  };
  Size size() const { return {memory_bytes(), file_bytes()}; }
  bool clear_some(uint64_t entries_max) { return entries_.clear_some(entries_max); }

 private:
  void put(const Mutation& mutation, Sequence sequence);
  bool splice(const Mutation& mutation, Sequence sequence);
  bool expire(const Mutation& mutation, Sequence sequence);
  bool remove(std::string_view key);
  void set_expiry(Entry* entry, int64_t expires_at_ms);
  void place(uint64_t hash, Entry* old, Entry* entry);
  void exchange(uint64_t hash, Entry* old, Entry* with);
  void extract(uint64_t hash, Entry* entry);
  void drop(uint64_t hash, Entry* entry);
  void account(const Entry& entry, int sign);

  BucketId id_;
  HashTable entries_;
  ExpiryHeap expiries_;
  uint64_t bytes_ = 0;
  uint64_t entry_memory_ = 0;
};

}  // namespace sett::storage
