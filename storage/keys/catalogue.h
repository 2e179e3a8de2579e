#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "storage/keys/mutation.h"

namespace sett::storage {

// The names of one backend's buckets and the ids they are bound to. Read under any shard's lock, changed under all of
// them (or before the backend is open). A pure structure: what a change means on disk is its caller's.
class Catalogue {
 public:
  explicit Catalogue(uint32_t buckets_max) : buckets_max_(buckets_max) {}

  BucketId find(std::string_view name) const;
  // The id that the nth new binding from now would get, in a slot that is free now; no_bucket when with `names_added`
  // names there would be more than the limit, or no slot is left.
  BucketId propose(uint32_t nth, uint32_t names_added) const;
  // Binds the name to `id`, or to nothing. Returns the id that it was bound to before. An id may for a moment be bound
  // to two names (in the middle of a swap).
  BucketId bind(std::string_view name, BucketId id);
  uint64_t generation() const { return generation_; }  // the highest ever bound or raised to
  void raise_generation(uint64_t generation);          // ids of it and before are never proposed again
  bool is_bound(BucketId id) const;
  std::string_view name_of(BucketId id) const;  // empty: not bound
  const std::map<std::string, BucketId, std::less<>>& names() const { return names_; }

 private:
  struct Slot {
    BucketId id = no_bucket;
    uint32_t names = 0;
    uint32_t free_at = 0;  // of names 0: where in free_
    std::string name;      // one of them
  };
  void free_slot(uint32_t slot);
  void use_slot(uint32_t slot);

  uint32_t buckets_max_;
  std::map<std::string, BucketId, std::less<>> names_;
  std::vector<Slot> slots_;
  std::vector<uint32_t> free_;  // slots of no name; the last is proposed first
  uint64_t generation_ = 0;
};

// What the bucket of each mutation was called when it was staged (of a bind: empty). Before the binds of the batch are
// applied.
std::vector<std::string> names_within(const Catalogue& catalogue, std::span<const Mutation> batch);

}  // namespace sett::storage
