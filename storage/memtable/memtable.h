#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "storage/base/due_heap.h"
#include "storage/keys/tree_key.h"
#include "storage/memtable/mem_entry.h"
#include "storage/memtable/radix_tree.h"

namespace sett::storage {

// One shard's part of a memtable: what was written to its keys and is not yet in a table, one entry a key. Belongs to
// the lock of its shard until it is sealed; from then on nobody changes it, and any thread may read.
//
// Keys are those of the tree. `below` of a write is what lies right below this part for the key; it counts only where
// the key has no entry here yet, and is not looked at where it has. Views that are given may point into the entries
// here, also into that of the key.
class Memtable {
 public:
  Memtable() = default;
  Memtable(const Memtable&) = delete;
  Memtable& operator=(const Memtable&) = delete;
  ~Memtable() {
    tree_.clear([](MemEntry* entry) { MemEntry::free(entry); });
  }

  void put(std::string_view tree_key, std::string_view value, int64_t expires_at_ms, Sequence sequence,
           const Prior& below);
  // `value`: the bytes that have their place in the value log, kept to serve reads.
  void put_pointer(std::string_view tree_key, const ValuePointer& pointer, std::string_view value,
                   int64_t expires_at_ms, Sequence sequence, const Prior& below);
  // These three return false, and nothing has changed, where the key is known to be absent: by its tombstone here, or
  // by `below`.
  //
  // Leaves a tombstone, also where nothing is known to be below.
  bool remove(std::string_view tree_key, Sequence sequence, const Prior& below);
  // 0: no more. Leaves value or pointer as they are; of what lies below, a patch.
  bool expire(std::string_view tree_key, int64_t expires_at_ms, Sequence sequence, const Prior& below);
  // As Mutation::Kind::splice says, `offset` and bytes lying within `new_length`. A pointer becomes a value; of what
  // lies below, a patch.
  bool splice(std::string_view tree_key, uint64_t offset, std::string_view bytes, uint64_t new_length,
              Sequence sequence, const Prior& below);

  // What was unknown becomes known: a patch of what turns out to be absent is a tombstone. The entry stays where it is,
  // and so does its value. Does nothing where the key is not here, or its prior is known.
  void learn(std::string_view tree_key, const Prior& prior);
  // A patch becomes the value that it stands for, on this base, which is what lies below; its sequence stays. Does
  // nothing where the key has no patch.
  void complete(std::string_view tree_key, std::string_view base_value, int64_t base_expires_at_ms);

  // nullptr: none. Entries hold until their key is written to or completed.
  const MemEntry* find(std::string_view tree_key) const { return tree_.find(tree_key); }
  const MemEntry* at_or_after(std::string_view tree_key, bool after = false) const {
    return tree_.at_or_after(tree_key, after);
  }
  const MemEntry* before(std::string_view tree_key) const { return tree_.before(tree_key); }

  // All entries in order, each once, while nobody writes here.
  class Cursor {
   public:
    explicit Cursor(const Memtable& part) : cursor_(part.tree_) {}
    const MemEntry* next() { return cursor_.next(); }  // nullptr: there is no further one

   private:
    RadixTree<MemEntry>::Cursor cursor_;
  };

  // What this part changes of a bucket's counts, over what lies below: keys that are present, whether they are due or
  // not; bytes of their keys (the client's) and values; how many of them expire. Entries whose prior is unknown are
  // not in these sums.
  struct Delta {
    int64_t keys = 0, bytes = 0, expiring = 0;
    uint64_t unknown = 0;  // entries
    friend bool operator==(const Delta&, const Delta&) = default;
  };
  Delta delta(BucketId bucket) const;
  // visit(const MemEntry&), in no order: up to `max` of those whose prior is unknown. The visitor changes nothing here.
  template <typename Visit>
  void collect_unknown(BucketId bucket, size_t max, const Visit& visit) const {
    const auto at = buckets_.find(bucket);
    if (at == buckets_.end()) return;
    const std::vector<MemEntry*>& unknown = at->second.unknown;
    for (size_t i = 0; i < std::min(max, unknown.size()); ++i) visit(*unknown[i]);
  }

  // Of the entries that have an expiry (a patch: that set one): the soonest. INT64_MAX, nullptr: none.
  int64_t first_due() const { return expiries_.first_ms(); }
  const MemEntry* first_due_entry() const { return expiries_.first(); }
  // visit(const MemEntry&) of those that expire at `through_ms` or before, in order of time, until is_enough(), which
  // is asked before each. The visitor changes nothing here.
  template <typename Visit, typename IsEnough>
  void for_each_due(int64_t through_ms, const Visit& visit, const IsEnough& is_enough) const {
    expiries_.for_each_in_order(through_ms, visit, is_enough);
  }
  template <typename Visit>
  void for_each_due(int64_t through_ms, const Visit& visit) const {
    for_each_due(through_ms, visit, [] { return false; });
  }

  size_t size() const { return tree_.size(); }
  uint64_t memory_bytes() const;                                 // entries with the allocator's slack, tree, indexes
  uint64_t unknown_entries() const { return unknown_entries_; }  // whose prior is unknown, of all buckets
  Sequence last_sequence() const { return last_sequence_; }      // of all writes that changed something; 0: none

 private:
  struct Bucket {
    Delta delta;
    std::vector<MemEntry*> unknown;  // each entry knows its place
  };
  // How an entry is counted: taken before it changes, and after.
  struct Counted {
    bool is_unknown = false, expires = false;
    uint32_t unknown_index = 0;
    int64_t keys = 0, bytes = 0, expiring = 0;
    uint64_t memory_bytes = 0;
  };
  // Bytes that go over a value at its offset.
  struct Laid {
    uint64_t offset;
    std::string_view bytes;
  };

  static Counted counted(const MemEntry& entry);
  // The entry that takes the place of `there` (nullptr: there is none yet), which is freed unless it is the same.
  MemEntry* write(MemEntry* there, const MemEntry::Draft& draft, std::initializer_list<Laid> laid = {},
                  uint64_t spare_bytes = 0);
  void recount(const MemEntry* there, const Counted& before, MemEntry* now);
  void recount_unknown(Bucket& bucket, const Counted& before, MemEntry* now, bool is);
  void recount_expiry(const MemEntry* there, bool did, MemEntry* now, bool does);
  Bucket& bucket_of_key(std::string_view tree_key);
  bool is_absent(std::string_view tree_key, const Prior& below) const {
    return below.kind == Prior::Kind::absent && !tree_.find(tree_key);
  }
  MemEntry* splice_value(MemEntry* there, uint64_t offset, std::string_view bytes, uint64_t new_length,
                         Sequence sequence);
  MemEntry* splice_patch(MemEntry* there, MemEntry::Draft draft, uint64_t offset, std::string_view bytes,
                         uint64_t new_length);
  void note(Sequence sequence) { last_sequence_ = std::max(last_sequence_, sequence); }

  RadixTree<MemEntry> tree_;
  DueHeap<MemEntry> expiries_;
  std::unordered_map<BucketId, Bucket> buckets_;
  BucketId last_bucket_id_ = no_bucket;  // writes of one bucket come in a row
  Bucket* last_bucket_ = nullptr;
  uint64_t entry_bytes_ = 0;
  uint64_t unknown_places_ = 0, unknown_entries_ = 0;  // of all buckets' lists
  Sequence last_sequence_ = 0;
};

}  // namespace sett::storage
