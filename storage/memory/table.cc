#include "storage/memory/table.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace sett::storage {

namespace {
// malloc_usable_size is a cache miss a call: the classes of the allocator are 16 bytes apart where most entries are.
uint64_t memory_of(const Entry& entry) {
  const uint64_t exact = 12 + (entry.expiring() ? 12u : 0u) + entry.key_bytes() + entry.value_bytes();
  return (exact + 15) & ~15ull;
}
}  // namespace

void Table::account(const Entry& entry, int sign) {
  const uint64_t bytes = entry.key_bytes() + entry.value_bytes();
  const uint64_t memory = memory_of(entry);
  bytes_ += sign > 0 ? bytes : -bytes;
  entry_memory_ += sign > 0 ? memory : -memory;
}

bool Table::apply(const Mutation& mutation, Sequence sequence) {
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

// Puts `with` in the place of `old`, which is freed.
void Table::exchange(uint64_t hash, Entry* old, Entry* with) {
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

void Table::put(const Mutation& mutation, Sequence sequence) {
  const uint64_t hash = entries_.hash(mutation.key);
  Entry* old = entries_.find(hash, mutation.key);
  const std::string_view value = mutation.value;
  if (old && old->can_hold(value.size(), mutation.expires_at_ms != 0)) {
    account(*old, -1);
    old->set_value_bytes(value.size());
    if (!value.empty()) std::memmove(old->value_data(), value.data(), value.size());
    account(*old, +1);
    old->set_sequence(sequence);
    if (mutation.expires_at_ms != 0) {
      old->set_expires_at_ms(mutation.expires_at_ms);
      expiries_.update(old);
    }
    return;
  }
  Entry* entry = Entry::make(mutation.key, value.size(), mutation.expires_at_ms, sequence);
  if (!value.empty()) std::memcpy(entry->value_data(), value.data(), value.size());
  if (old) {
    exchange(hash, old, entry);
  } else {
    entries_.insert(hash, entry);
    account(*entry, +1);
    if (entry->expiring()) expiries_.add(entry);
  }
}

bool Table::splice(const Mutation& mutation, Sequence sequence) {
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
    // A value that grows by splices gets room for more, so that growing byte by byte stays linear: twice, at most 1 MB
    // extra.
    const bool grows = mutation.new_length > old_bytes && old_bytes > 64;
    const uint64_t extra = grows ? std::min(mutation.new_length, uint64_t{1} << 20) : 0;
    Entry* grown = Entry::make(mutation.key, mutation.new_length, entry->expires_at_ms(), sequence, extra);
    std::memcpy(grown->value_data(), entry->value_data(), kept);
    lay(*grown);  // before the old entry goes: the bytes may be a view into it
    exchange(hash, entry, grown);
  }
  return true;
}

bool Table::expire(const Mutation& mutation, Sequence sequence) {
  const uint64_t hash = entries_.hash(mutation.key);
  Entry* entry = entries_.find(hash, mutation.key);
  if (!entry) return false;
  if (entry->expiring() == (mutation.expires_at_ms != 0)) {
    if (entry->expiring()) {
      entry->set_expires_at_ms(mutation.expires_at_ms);
      expiries_.update(entry);
    }
    entry->set_sequence(sequence);
    return true;
  }
  Entry* changed = Entry::make(mutation.key, entry->value_bytes(), mutation.expires_at_ms, sequence);
  std::memcpy(changed->value_data(), entry->value_data(), entry->value_bytes());
  exchange(hash, entry, changed);
  return true;
}

void Table::drop(uint64_t hash, Entry* entry) {
  entries_.extract(hash, entry);
  if (entry->expiring()) expiries_.remove(entry);
  account(*entry, -1);
  Entry::free(entry);
}

bool Table::remove(std::string_view key) {
  const uint64_t hash = entries_.hash(key);
  Entry* entry = entries_.find(hash, key);
  if (!entry) return false;
  drop(hash, entry);
  return true;
}

bool Table::expire_first(int64_t now_ms, std::string* key) {
  Entry* entry = expiries_.first();
  if (!entry || is_live(entry->expires_at_ms(), now_ms)) return false;
  if (key) key->assign(entry->key());
  drop(entries_.hash(entry->key()), entry);
  return true;
}

}  // namespace sett::storage
