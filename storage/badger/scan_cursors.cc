#include "storage/badger/scan_cursors.h"

#include <utility>

namespace sett::storage {

ScanCursors::Walk* ScanCursors::walk_of(uint64_t cursor, BucketId bucket) {
  const auto at = by_slot_.find(static_cast<uint32_t>(cursor & ((1u << slot_bits) - 1)));
  if (cursor == 0 || at == by_slot_.end() || at->second->bucket != bucket) return nullptr;
  for (const Place& place : at->second->places) {
    if (place.cursor != cursor) continue;
    walks_.splice(walks_.begin(), walks_, at->second);
    return &walks_.front();
  }
  return nullptr;
}

void ScanCursors::drop_last() {
  for (const Place& place : walks_.back().places) bytes_ -= place.key.size();
  by_slot_.erase(walks_.back().slot);
  walks_.pop_back();
}

ScanCursors::Walk& ScanCursors::new_walk(BucketId bucket) {
  if (walks_.size() >= slots_max) drop_last();
  while (by_slot_.contains(next_slot_)) next_slot_ = (next_slot_ + 1) & ((1u << slot_bits) - 1);
  walks_.push_front({next_slot_, bucket, {}});
  by_slot_[next_slot_] = walks_.begin();
  next_slot_ = (next_slot_ + 1) & ((1u << slot_bits) - 1);
  return walks_.front();
}

uint64_t ScanCursors::remember(uint64_t previous, BucketId bucket, std::string_view key) {
  MutexLock lock(mutex_);
  Walk* found = walk_of(previous, bucket);
  Walk& walk = found ? *found : new_walk(bucket);
  // A call that is repeated goes on from the place before the last, and finds another one behind it.
  if (walk.places[0].cursor == previous) std::swap(walk.places[0], walk.places[1]);
  Place& place = walk.places[0];
  bytes_ += key.size() - place.key.size();
  place.key.assign(key);
  const uint64_t before = place.cursor;
  while (place.cursor == before || place.cursor == walk.places[1].cursor)
    place.cursor = ((1 + random_.below((1ull << tag_bits) - 1)) << slot_bits) | walk.slot;
  const uint64_t cursor = place.cursor;
  while (bytes_ > bytes_max && walks_.size() > 1) drop_last();
  return cursor;
}

std::optional<std::string> ScanCursors::find(uint64_t cursor, BucketId bucket) {
  MutexLock lock(mutex_);
  const Walk* walk = walk_of(cursor, bucket);
  if (!walk) return std::nullopt;
  for (const Place& place : walk->places)
    if (place.cursor == cursor) return place.key;
  return std::nullopt;
}

}  // namespace sett::storage
