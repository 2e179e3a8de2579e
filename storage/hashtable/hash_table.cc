#include "storage/hashtable/hash_table.h"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdlib>
#include <new>

namespace sett::storage {

static_assert(sizeof(HashSecret) >= XXH3_SECRET_SIZE_MIN);

HashSecret HashSecret::draw() {
  HashSecret secret;
  fill_from_entropy(secret.bytes, sizeof secret.bytes);
  return secret;
}

HashTable::Segment* HashTable::new_segment(unsigned depth) {
  void* memory = std::aligned_alloc(alignof(Segment), sizeof(Segment));
  if (!memory) throw std::bad_alloc();
  auto* segment = new (memory) Segment{};
  segment->depth = depth;
  return segment;
}

void HashTable::free_segment(Segment* segment) {
  for (Bucket& home : segment->buckets) {
    while (Bucket* overflow = home.overflow) {
      home.overflow = overflow->overflow;
      std::free(overflow);
    }
  }
  std::free(segment);
}

HashTable::HashTable(const HashSecret& secret) : secret_(&secret), directory_{new_segment(0)}, segments_(1) {}

uint64_t HashTable::hash(std::string_view key) const {
  return XXH3_64bits_withSecret(key.data(), key.size(), secret_->bytes, sizeof secret_->bytes);
}

template <typename Visit>
void HashTable::for_each_slot(const Segment& segment, const Visit& visit) {
  for (const Bucket& home : segment.buckets) {
    for (const Bucket* bucket = &home; bucket; bucket = bucket->overflow) {
      for (const uint64_t slot : bucket->slots) {
        if (slot == 0) break;
        visit(slot);
      }
    }
  }
}

HashTable::~HashTable() {
  while (!clear_some(UINT64_MAX)) {
  }
}

Entry* HashTable::find(uint64_t hash, std::string_view key) const {
  const Segment& segment = segment_of(hash);
  const uint64_t fingerprint = hash << 48;
  for (const Bucket* bucket = &segment.buckets[bucket_index(hash, segment.depth)]; bucket; bucket = bucket->overflow) {
    for (const uint64_t slot : bucket->slots) {
      if (slot == 0) return nullptr;
      if ((slot & ~pointer_mask) != fingerprint) continue;
      Entry* entry = entry_of(slot);
      if (entry->key() == key) return entry;
    }
  }
  return nullptr;
}

void HashTable::prefetch(uint64_t hash) const {
  const Segment& segment = segment_of(hash);
  __builtin_prefetch(&segment.buckets[bucket_index(hash, segment.depth)]);
}

void HashTable::prefetch_entry(uint64_t hash) const {
  const Segment& segment = segment_of(hash);
  for (const uint64_t slot : segment.buckets[bucket_index(hash, segment.depth)].slots) {
    if ((slot & ~pointer_mask) != hash << 48 || slot == 0) continue;
    const char* entry = reinterpret_cast<const char*>(entry_of(slot));
    __builtin_prefetch(entry);
    __builtin_prefetch(entry + 64);
  }
}

void HashTable::put_slot(Segment& segment, Bucket& home, uint64_t slot) {
  Bucket* bucket = &home;
  while (true) {
    for (uint64_t& place : bucket->slots) {
      if (place == 0) {
        place = slot;
        ++segment.entries;
        return;
      }
    }
    if (!bucket->overflow) {
      void* memory = std::aligned_alloc(alignof(Bucket), sizeof(Bucket));
      if (!memory) throw std::bad_alloc();
      bucket->overflow = new (memory) Bucket{};
      ++segment.overflows;
    }
    bucket = bucket->overflow;
  }
}

void HashTable::insert(uint64_t hash, Entry* entry) {
  Segment* segment = &segment_of(hash);
  if (segment->entries >= split_above && segment->depth < depth_max) {
    split(hash);
    segment = &segment_of(hash);
  }
  const uint32_t overflows_before = segment->overflows;
  put_slot(*segment, segment->buckets[bucket_index(hash, segment->depth)], make_slot(hash, entry));
  overflows_ += segment->overflows - overflows_before;
  ++size_;
}

uint64_t* HashTable::find_slot(Bucket& home, uint64_t hash, const Entry* entry) {
  const uint64_t wanted = make_slot(hash, entry);
  for (Bucket* bucket = &home; bucket; bucket = bucket->overflow)
    for (uint64_t& slot : bucket->slots)
      if (slot == wanted) return &slot;
  return nullptr;
}

void HashTable::replace(uint64_t hash, const Entry* old, Entry* with) {
  Segment& segment = segment_of(hash);
  uint64_t* slot = find_slot(segment.buckets[bucket_index(hash, segment.depth)], hash, old);
  assert(slot);
  *slot = make_slot(hash, with);
}

void HashTable::extract(uint64_t hash, const Entry* entry) {
  Segment& segment = segment_of(hash);
  Bucket& home = segment.buckets[bucket_index(hash, segment.depth)];
  uint64_t* hole = find_slot(home, hash, entry);
  assert(hole);
  // The last used slot of the chain fills the hole, and a bucket that this empties leaves the chain.
  Bucket* before = nullptr;
  Bucket* last = &home;
  while (last->overflow) {
    before = last;
    last = last->overflow;
  }
  unsigned used = slots_per_bucket;
  while (used > 0 && last->slots[used - 1] == 0) --used;
  *hole = last->slots[used - 1];
  last->slots[used - 1] = 0;
  if (used == 1 && before) {
    before->overflow = nullptr;
    std::free(last);
    --segment.overflows;
    --overflows_;
  }
  --segment.entries;
  --size_;
  if (segment.entries < merge_below) merge_if_light(hash);
}

void HashTable::split(uint64_t hash) {
  Segment* old = &segment_of(hash);
  if (old->depth == depth_) {
    std::vector<Segment*> wider(directory_.size() * 2);
    for (size_t i = 0; i < directory_.size(); ++i) wider[2 * i] = wider[2 * i + 1] = directory_[i];
    directory_ = std::move(wider);
    ++depth_;
  }
  const unsigned depth = old->depth + 1;
  Segment* halves[2] = {new_segment(depth), new_segment(depth)};
  // A slot keeps too little of the hash, so each key is hashed again; the entries are cold, hence asked for beforehand.
  for_each_slot(*old, [](uint64_t slot) { __builtin_prefetch(entry_of(slot)); });
  for_each_slot(*old, [&](uint64_t slot) {
    const uint64_t entry_hash = this->hash(entry_of(slot)->key());
    Segment& half = *halves[(entry_hash >> (64 - depth)) & 1];
    put_slot(half, half.buckets[bucket_index(entry_hash, depth)], slot);
  });
  const size_t run = size_t{1} << (depth_ - old->depth);
  const size_t first = directory_index(hash) & ~(run - 1);
  std::fill_n(directory_.begin() + static_cast<ptrdiff_t>(first), run / 2, halves[0]);
  std::fill_n(directory_.begin() + static_cast<ptrdiff_t>(first + run / 2), run / 2, halves[1]);
  overflows_ += halves[0]->overflows + halves[1]->overflows;
  overflows_ -= old->overflows;
  free_segment(old);
  ++segments_;
}

// Two segments that share all but their last bit become one when together they are light. The directory keeps its size.
void HashTable::merge_if_light(uint64_t hash) {
  Segment* segment = &segment_of(hash);
  if (segment->depth == 0) return;
  const uint64_t buddy_hash = hash ^ (1ull << (64 - segment->depth));
  Segment* buddy = &segment_of(buddy_hash);
  if (buddy->depth != segment->depth || segment->entries + buddy->entries >= merge_below) return;
  const unsigned depth = segment->depth - 1;
  Segment* whole = new_segment(depth);
  for (Segment* part : {segment, buddy}) {
    for_each_slot(*part, [](uint64_t slot) { __builtin_prefetch(entry_of(slot)); });
    for_each_slot(*part, [&](uint64_t slot) {
      const uint64_t entry_hash = this->hash(entry_of(slot)->key());
      put_slot(*whole, whole->buckets[bucket_index(entry_hash, depth)], slot);
    });
  }
  const size_t run = size_t{1} << (depth_ - depth);
  const size_t first = directory_index(hash) & ~(run - 1);
  std::fill_n(directory_.begin() + static_cast<ptrdiff_t>(first), run, whole);
  overflows_ += whole->overflows;
  overflows_ -= segment->overflows + buddy->overflows;
  free_segment(segment);
  free_segment(buddy);
  --segments_;
}

uint64_t HashTable::overhead_bytes() const {
  return directory_.capacity() * sizeof(Segment*) + segments_ * sizeof(Segment) + overflows_ * sizeof(Bucket);
}

Entry* HashTable::sample(Random& random) const {
  if (size_ == 0) return nullptr;
  // Random segments weigh their entries alike only roughly: near enough for RANDOMKEY. A few tries, then the next in
  // order.
  for (int tries = 0; tries < 16; ++tries) {
    const Segment& segment = *directory_[random.below(directory_.size())];
    const Bucket* bucket = &segment.buckets[random.below(buckets_per_segment)];
    std::array<Entry*, 64> found;
    size_t count = 0;
    for (; bucket && count + slots_per_bucket <= found.size(); bucket = bucket->overflow)
      for (const uint64_t slot : bucket->slots)
        if (slot != 0) found[count++] = entry_of(slot);
    if (count > 0) return found[random.below(count)];
  }
  Entry* first = nullptr;
  uint64_t position = random.below(end_position);
  for (int rounds = 0; rounds < 2 && !first; ++rounds, position = 0) {
    while (position < end_position && !first)
      position = scan(position, 1, [&](Entry& entry) { first = first ? first : &entry; });
  }
  return first;
}

bool HashTable::clear_some(uint64_t entries_max) {
  uint64_t freed = 0;
  while (clear_from_ < directory_.size()) {
    Segment* segment = directory_[clear_from_];
    if (segment->entries > 0 && freed > 0 && freed + segment->entries > entries_max) return false;
    for_each_slot(*segment, [](uint64_t slot) { Entry::free(entry_of(slot)); });
    freed += segment->entries;
    clear_from_ += size_t{1} << (depth_ - segment->depth);
    free_segment(segment);
    if (freed >= entries_max) return clear_from_ >= directory_.size();
  }
  return true;
}

uint64_t HashTable::longest_chain() const {
  uint64_t longest = 0;
  for (size_t i = 0; i < directory_.size(); i += size_t{1} << (depth_ - directory_[i]->depth)) {
    for (const Bucket& home : directory_[i]->buckets) {
      uint64_t entries = 0;
      for (const Bucket* bucket = &home; bucket; bucket = bucket->overflow)
        entries += static_cast<uint64_t>(
            std::count_if(std::begin(bucket->slots), std::end(bucket->slots), [](uint64_t slot) { return slot != 0; }));
      longest = std::max(longest, entries);
    }
  }
  return longest;
}

}  // namespace sett::storage
