#include "storage/badger/hot_entries.h"

#include <algorithm>
#include <utility>

namespace sett::storage {

namespace {
uint32_t mark_of(uint64_t hash) {
  return static_cast<uint32_t>(hash >> 32) | 1;  // 0: none
}
}  // namespace

uint64_t HotEntries::charged(const Slot& slot) {
  constexpr uint64_t beside_bytes = 72;  // control block, string, allocator
  return sizeof(Slot) + slot.entry.bytes->capacity() + beside_bytes;
}

HotEntries::Slot* HotEntries::lookup(uint64_t hash, std::string_view tree_key) {
  if (slots_.empty()) return nullptr;
  Slot* set = &slots_[set_of(hash)];
  for (size_t i = 0; i < slots_per_set; ++i) {
    Slot& slot = set[i];
    if (slot.hash == hash && slot.entry.bytes &&
        std::string_view(*slot.entry.bytes).substr(0, slot.key_bytes) == tree_key)
      return &slot;
  }
  return nullptr;
}

void HotEntries::prefetch(uint64_t hash) const {
  if (slots_.empty()) return;
  const Slot* set = &slots_[set_of(hash)];
  for (size_t i = 0; i < slots_per_set; ++i) __builtin_prefetch(set + i);
}

bool HotEntries::prefetch_entry(uint64_t hash) const {
  if (slots_.empty()) return false;
  const Slot* set = &slots_[set_of(hash)];
  for (size_t i = 0; i < slots_per_set; ++i) {
    if (set[i].hash != hash || !set[i].entry.bytes) continue;
    __builtin_prefetch(set[i].entry.bytes.get());
    __builtin_prefetch(set[i].entry.value.data() - set[i].key_bytes);
    return true;
  }
  return false;
}

const HotEntries::Entry* HotEntries::find(uint64_t hash, std::string_view tree_key) {
  Slot* slot = lookup(hash, tree_key);
  if (!slot) return nullptr;
  if (slot->uses < uses_max) ++slot->uses;
  hits_.store(hits() + 1, std::memory_order_relaxed);
  return &slot->entry;
}

void HotEntries::erase(uint64_t hash, std::string_view tree_key) {
  if (Slot* slot = lookup(hash, tree_key)) clear(*slot);
}

void HotEntries::offer(uint64_t hash, std::string_view tree_key, const Entry& entry) {
  if (capacity_ == 0 || entry.value.size() > value_bytes_max) return;
  if (marks_.empty()) marks_.resize(marks);
  uint32_t& mark = marks_[(hash >> 16) % marks];
  if (mark != mark_of(hash)) {
    mark = mark_of(hash);
    return;
  }
  if (Slot* slot = lookup(hash, tree_key)) clear(*slot);
  fill(place_for(hash), hash, tree_key, entry);
  evict_until_it_fits();
}

// A free one of its set; else, where there is capacity for more sets, one of more; else that of the least used.
HotEntries::Slot& HotEntries::place_for(uint64_t hash) {
  if (slots_.empty()) slots_.resize(sets_min * slots_per_set);
  while (true) {
    const size_t sets = slots_.size() / slots_per_set;
    Slot* set = &slots_[set_of(hash)];
    for (size_t i = 0; i < slots_per_set; ++i)
      if (!set[i].entry.bytes) return set[i];
    if (sets < sets_max && bytes() < capacity_ / 2 && slots_.size() * sizeof(Slot) < capacity_ / 2) {
      grow();
      continue;
    }
    Slot* least =
        std::min_element(set, set + slots_per_set, [](const Slot& a, const Slot& b) { return a.uses < b.uses; });
    for (size_t i = 0; i < slots_per_set; ++i)
      if (set[i].uses > 0) --set[i].uses;
    clear(*least);
    return *least;
  }
}

void HotEntries::grow() {
  std::vector<Slot> before(slots_.size() * 2);
  before.swap(slots_);
  for (Slot& slot : before) {
    if (!slot.entry.bytes) continue;
    Slot* set = &slots_[set_of(slot.hash)];
    // Each set becomes two, so there is room.
    Slot* free = std::find_if(set, set + slots_per_set, [](const Slot& each) { return !each.entry.bytes; });
    *free = std::move(slot);
  }
  hand_ = 0;
}

void HotEntries::fill(Slot& slot, uint64_t hash, std::string_view tree_key, const Entry& entry) {
  auto bytes_of_both = std::make_shared<std::string>();
  bytes_of_both->reserve(tree_key.size() + entry.value.size());
  bytes_of_both->append(tree_key).append(entry.value);
  slot.hash = hash;
  slot.key_bytes = tree_key.size();
  slot.entry = entry;
  slot.entry.value = std::string_view(*bytes_of_both).substr(slot.key_bytes);
  slot.entry.bytes = std::move(bytes_of_both);
  slot.uses = 1;
  bytes_.store(bytes() + charged(slot), std::memory_order_relaxed);
}

void HotEntries::clear(Slot& slot) {
  bytes_.store(bytes() - charged(slot), std::memory_order_relaxed);
  slot = Slot();
}

void HotEntries::evict_until_it_fits() {
  for (size_t left = slots_.size() * (uses_max + 1); left > 0 && bytes() > capacity_; --left) {
    Slot& slot = slots_[hand_++ % slots_.size()];
    if (!slot.entry.bytes) continue;
    if (slot.uses > 0)
      --slot.uses;
    else
      clear(slot);
  }
}

void HotEntries::set_capacity(uint64_t bytes) {
  capacity_ = bytes;
  evict_until_it_fits();
  if (empty()) std::vector<Slot>().swap(slots_);
}

}  // namespace sett::storage
