#include "storage/keys/catalogue.h"

#include <algorithm>

namespace sett::storage {

BucketId Catalogue::find(std::string_view name) const {
  const auto at = names_.find(name);
  return at == names_.end() ? no_bucket : at->second;
}

BucketId Catalogue::propose(uint32_t nth, uint32_t names_added) const {
  if (names_added > 0 && names_.size() + names_added > buckets_max_) return no_bucket;
  uint32_t free_before = 0;
  for (uint32_t slot = 0; slot < bucket_slots_max; ++slot) {
    if (slot < slots_.size() && slots_[slot].names > 0) continue;
    if (free_before++ == nth) return make_bucket_id(generation_ + 1 + nth, slot);
  }
  return no_bucket;
}

BucketId Catalogue::bind(std::string_view name, BucketId id) {
  BucketId before = no_bucket;
  if (const auto at = names_.find(name); at != names_.end()) {
    before = at->second;
    names_.erase(at);
    Slot& slot = slots_[slot_of(before)];
    if (slot.id == before && --slot.names == 0)
      slot = {};
    else if (slot.id == before && slot.name == name) {
      for (const auto& [other, bound] : names_)
        if (bound == before) slot.name = other;
    }
  }
  if (id != no_bucket) {
    names_.emplace(name, id);
    generation_ = std::max(generation_, generation_of(id));
    if (slots_.size() <= slot_of(id)) slots_.resize(slot_of(id) + 1);
    Slot& slot = slots_[slot_of(id)];
    if (slot.id != id) slot = {id, 0, {}};
    ++slot.names;
    slot.name = name;
  }
  return before;
}

void Catalogue::raise_generation(uint64_t generation) {
  generation_ = std::max(generation_, generation);
}

bool Catalogue::is_bound(BucketId id) const {
  return id != no_bucket && slot_of(id) < slots_.size() && slots_[slot_of(id)].id == id;
}

std::string_view Catalogue::name_of(BucketId id) const {
  return is_bound(id) ? slots_[slot_of(id)].name : std::string_view();
}

}  // namespace sett::storage
