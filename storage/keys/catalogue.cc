#include "storage/keys/catalogue.h"

#include <algorithm>

namespace sett::storage {

BucketId Catalogue::find(std::string_view name) const {
  const auto at = names_.find(name);
  return at == names_.end() ? no_bucket : at->second;
}

BucketId Catalogue::propose(uint32_t nth, uint32_t names_added) const {
  if (names_added > 0 && names_.size() + names_added > buckets_max_) return no_bucket;
  const size_t slot = nth < free_.size() ? free_[free_.size() - 1 - nth] : slots_.size() + nth - free_.size();
  if (slot >= bucket_slots_max) return no_bucket;
  return make_bucket_id(generation_ + 1 + nth, static_cast<uint32_t>(slot));
}

void Catalogue::free_slot(uint32_t slot) {
  slots_[slot] = {.free_at = static_cast<uint32_t>(free_.size()), .name = {}};
  free_.push_back(slot);
}

void Catalogue::use_slot(uint32_t slot) {
  while (slots_.size() <= slot) {
    slots_.emplace_back();
    free_slot(static_cast<uint32_t>(slots_.size() - 1));
  }
  if (slots_[slot].names > 0) return;
  const uint32_t hole = slots_[slot].free_at;
  free_[hole] = free_.back();
  slots_[free_[hole]].free_at = hole;
  free_.pop_back();
}

BucketId Catalogue::bind(std::string_view name, BucketId id) {
  BucketId before = no_bucket;
  if (const auto at = names_.find(name); at != names_.end()) {
    before = at->second;
    names_.erase(at);
    Slot& slot = slots_[slot_of(before)];
    if (slot.id == before && --slot.names == 0)
      free_slot(slot_of(before));
    else if (slot.id == before && slot.name == name) {
      for (const auto& [other, bound] : names_)
        if (bound == before) slot.name = other;
    }
  }
  if (id != no_bucket) {
    names_.emplace(name, id);
    generation_ = std::max(generation_, generation_of(id));
    use_slot(slot_of(id));
    Slot& slot = slots_[slot_of(id)];
    if (slot.id != id) slot = {.id = id, .name = {}};
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

std::vector<std::string> names_within(const Catalogue& catalogue, std::span<const Mutation> batch) {
  std::vector<std::string> names;
  std::unordered_map<BucketId, std::string_view> bound;  // by this batch
  for (const Mutation& mutation : batch) {
    if (mutation.kind == Mutation::Kind::bind) {
      if (mutation.bucket != no_bucket) bound[mutation.bucket] = mutation.key;
      names.emplace_back();
      continue;
    }
    const auto at = bound.find(mutation.bucket);
    names.emplace_back(at != bound.end() ? at->second : catalogue.name_of(mutation.bucket));
  }
  return names;
}

}  // namespace sett::storage
