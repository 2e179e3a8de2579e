#include "storage/memory/table.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace sett::storage {

void BucketTable::account(const Entry& entry, int sign) {
  const uint64_t bytes = entry.key_bytes() + entry.value_bytes();
  const uint64_t memory = entry.memory_bytes();
  bytes_ += sign > 0 ? bytes : -bytes;
  entry_memory_ += sign > 0 ? memory : -memory;
}

bool BucketTable::apply(const Mutation& mutation, Sequence sequence) {
  switch (mutation.kind) {
    case Mutation::Kind::put:
      put(mutation, sequence);
      return true;
    case Mutation::Kind::splice:
      return splice(mutation, sequence);
    case Mutation::Kind::expire:
      return expire(mutation, sequence);
    case Mutation::Kind::remove:
      return remove(mutation.key);
    default:
      assert(false);
      return false;
  }
}

// In place: the entry can_expire so.
void BucketTable::set_expiry(Entry* entry, int64_t expires_at_ms) {
  const bool was_expiring = entry->expiring();
  if (was_expiring && expires_at_ms == 0) expiries_.remove(entry);
  entry->set_expires_at_ms(expires_at_ms);
  if (expires_at_ms == 0) return;
  if (was_expiring)
    expiries_.update(entry);
  else
    expiries_.add(entry);
}

// Puts `with` in the place of `old`, which is freed.
void BucketTable::exchange(uint64_t hash, Entry* old, Entry* with) {
  entries_.replace(hash, old, with);
  if (old->expiring() && with->expiring())
    expiries_.move(old, with);
  else if (old->expiring())
    expiries_.remove(old);
  else if (with->expiring())
    expiries_.add(with);
  account(*old, -1);
  account(*with, +1);
  Entry::free(old);
}

void BucketTable::put(const Mutation& mutation, Sequence sequence) {
  const uint64_t hash = entries_.hash(mutation.key);
  Entry* old = entries_.find(hash, mutation.key);
  const std::string_view value = mutation.value;
  if (old && old->can_hold(value.size(), mutation.expires_at_ms != 0)) {
    if (value.size() != old->value_bytes()) {
      account(*old, -1);
      old->set_value_bytes(value.size());
      account(*old, +1);
    }
    if (!value.empty()) std::memmove(old->value_data(), value.data(), value.size());
    old->set_sequence(sequence);
    if (mutation.expires_at_ms != 0 || old->expiring()) set_expiry(old, mutation.expires_at_ms);
    return;
  }
  Entry* entry = Entry::make(mutation.key, value.size(), mutation.expires_at_ms, sequence);
  if (!value.empty()) std::memcpy(entry->value_data(), value.data(), value.size());
  place(hash, old, entry);
}

// `old` is the entry of that key, nullptr: there is none.
void BucketTable::place(uint64_t hash, Entry* old, Entry* entry) {
  if (old) return exchange(hash, old, entry);
  entries_.insert(hash, entry);
  account(*entry, +1);
  if (entry->expiring()) expiries_.add(entry);
}

Entry* BucketTable::take(std::string_view key) {
  const uint64_t hash = entries_.hash(key);
  Entry* entry = entries_.find(hash, key);
  assert(entry);
  extract(hash, entry);
  return entry;
}

void BucketTable::adopt(Entry* entry) {
  const uint64_t hash = entries_.hash(entry->key());
  place(hash, entries_.find(hash, entry->key()), entry);
}

bool BucketTable::splice(const Mutation& mutation, Sequence sequence) {
  const uint64_t hash = entries_.hash(mutation.key);
  Entry* entry = entries_.find(hash, mutation.key);
  if (!entry) return false;
  const uint64_t old_bytes = entry->value_bytes();
  const uint64_t kept = std::min(old_bytes, mutation.new_length);
  const auto lay = [&](Entry& onto) {
    char* value = onto.value_data();
    if (mutation.new_length > kept) std::memset(value + kept, 0, mutation.new_length - kept);
    if (!mutation.value.empty()) std::memmove(value + mutation.offset, mutation.value.data(), mutation.value.size());
    onto.set_sequence(sequence);
  };
  if (entry->can_hold(mutation.new_length, entry->expiring())) {
    account(*entry, -1);
    entry->set_value_bytes(mutation.new_length);
    account(*entry, +1);
    lay(*entry);
  } else {
    // A value that grows by splices gets room for more, so that growing byte by byte stays linear.
    const bool grows = mutation.new_length > old_bytes && old_bytes > 64;
    const uint64_t extra = grows ? std::min(mutation.new_length, Entry::spare_bytes_max) : 0;
    Entry* grown = Entry::make(mutation.key, mutation.new_length, entry->expires_at_ms(), sequence, extra);
    std::memcpy(grown->value_data(), entry->value_data(), kept);
    lay(*grown);  // before the old entry goes: the bytes may be a view into it
    exchange(hash, entry, grown);
  }
  return true;
}

bool BucketTable::expire(const Mutation& mutation, Sequence sequence) {
  const uint64_t hash = entries_.hash(mutation.key);
  Entry* entry = entries_.find(hash, mutation.key);
  if (!entry) return false;
  if (entry->can_expire(mutation.expires_at_ms != 0)) {
    set_expiry(entry, mutation.expires_at_ms);
    entry->set_sequence(sequence);
    return true;
  }
  Entry* changed = Entry::make(mutation.key, entry->value_bytes(), mutation.expires_at_ms, sequence);
  std::memcpy(changed->value_data(), entry->value_data(), entry->value_bytes());
  exchange(hash, entry, changed);
  return true;
}

void BucketTable::extract(uint64_t hash, Entry* entry) {
  entries_.extract(hash, entry);
  if (entry->expiring()) expiries_.remove(entry);
  account(*entry, -1);
}

void BucketTable::drop(uint64_t hash, Entry* entry) {
  extract(hash, entry);
  Entry::free(entry);
}

bool BucketTable::remove(std::string_view key) {
  const uint64_t hash = entries_.hash(key);
  Entry* entry = entries_.find(hash, key);
  if (!entry) return false;
  drop(hash, entry);
  return true;
}

bool BucketTable::expire_first(int64_t now_ms, std::string* key) {
  Entry* entry = expiries_.first();
  if (!entry || is_live(entry->expires_at_ms(), now_ms)) return false;
  if (key) key->assign(entry->key());
  drop(entries_.hash(entry->key()), entry);
  return true;
}

}  // namespace sett::storage
