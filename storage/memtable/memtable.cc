#include "storage/memtable/memtable.h"

#include <cassert>

namespace sett::storage {

namespace {

// A value that grows by splices gets room for more, so that growing byte by byte stays linear.
uint64_t spare_for(uint64_t old_bytes, uint64_t new_bytes) {
  constexpr uint64_t grows_from = 64;
  const bool grows = new_bytes > old_bytes && old_bytes > grows_from;
  return grows ? std::min(new_bytes, MemEntry::spare_bytes_max) : 0;
}

}  // namespace

// --- Counting

Memtable::Counted Memtable::counted(const MemEntry& entry) {
  const Prior prior = entry.prior();
  Counted counted{.is_unknown = prior.kind == Prior::Kind::unknown, .expires = entry.expires_at_ms() != 0};
  counted.memory_bytes = entry.memory_bytes();
  if (counted.is_unknown) {
    counted.unknown_index = entry.unknown_index();
    return counted;
  }
  const auto key_bytes = static_cast<int64_t>(user_key(entry.key()).size());
  if (entry.kind() != MemEntry::Kind::tombstone) {
    const bool keeps_expiry = entry.kind() == MemEntry::Kind::patch && !entry.sets_expiry();
    counted.keys += 1;
    counted.bytes += key_bytes + static_cast<int64_t>(entry.value_bytes());
    counted.expiring += (keeps_expiry ? prior.expires_at_ms : entry.expires_at_ms()) != 0;
  }
  if (prior.kind == Prior::Kind::present) {
    counted.keys -= 1;
    counted.bytes -= key_bytes + static_cast<int64_t>(prior.value_bytes);
    counted.expiring -= prior.expires_at_ms != 0;
  }
  return counted;
}

Memtable::Bucket& Memtable::bucket_of_key(std::string_view tree_key) {
  const BucketId id = bucket_of(tree_key);
  if (!last_bucket_ || last_bucket_id_ != id) {
    last_bucket_ = &buckets_[id];
    last_bucket_id_ = id;
  }
  return *last_bucket_;
}

void Memtable::recount_unknown(Bucket& bucket, const Counted& before, MemEntry* now, bool is) {
  std::vector<MemEntry*>& unknown = bucket.unknown;
  if (before.is_unknown && is) {
    now->set_unknown_index(before.unknown_index);
    unknown[before.unknown_index] = now;
  } else if (is) {
    unknown_places_ -= unknown.capacity();
    now->set_unknown_index(static_cast<uint32_t>(unknown.size()));
    unknown.push_back(now);
    unknown_places_ += unknown.capacity();
    ++unknown_entries_;
  } else if (before.is_unknown) {
    MemEntry* last = unknown.back();
    unknown.pop_back();
    --unknown_entries_;
    if (before.unknown_index < unknown.size()) {
      unknown[before.unknown_index] = last;
      last->set_unknown_index(before.unknown_index);
    }
  }
  bucket.delta.unknown = unknown.size();
}

void Memtable::recount_expiry(const MemEntry* there, bool did, MemEntry* now, bool does) {
  if (did && does) {
    if (now == there)
      expiries_.update(now);
    else
      expiries_.move(there, now);
  } else if (does) {
    expiries_.add(now);
  } else if (did) {
    expiries_.remove(there);
  }
}

void Memtable::recount(const MemEntry* there, const Counted& before, MemEntry* now) {
  const Counted after = counted(*now);
  Bucket& bucket = bucket_of_key(now->key());
  bucket.delta.keys += after.keys - before.keys;
  bucket.delta.bytes += after.bytes - before.bytes;
  bucket.delta.expiring += after.expiring - before.expiring;
  entry_bytes_ += after.memory_bytes - before.memory_bytes;
  recount_unknown(bucket, before, now, after.is_unknown);
  recount_expiry(there, before.expires, now, after.expires);
}

MemEntry* Memtable::write(MemEntry* there, const MemEntry::Draft& draft, std::initializer_list<Laid> laid,
                          uint64_t spare_bytes) {
  const Counted before = there ? counted(*there) : Counted();
  MemEntry* now = there && there->try_assign(draft) ? there : MemEntry::make(draft, spare_bytes);
  for (const Laid& one : laid) now->lay(one.offset, one.bytes);
  recount(there, before, now);
  if (there && now != there) MemEntry::free(there);
  return now;
}

// --- Writes

void Memtable::put(std::string_view tree_key, std::string_view value, int64_t expires_at_ms, Sequence sequence,
                   const Prior& below) {
  MemEntry::Draft draft{.key = tree_key,
                        .kind = MemEntry::Kind::value,
                        .sequence = sequence,
                        .prior = below,
                        .expires_at_ms = expires_at_ms,
                        .value = value,
                        .value_bytes = value.size()};
  tree_.upsert(tree_key, [&](MemEntry* there) {
    if (there) draft.prior = there->prior();
    return write(there, draft);
  });
  note(sequence);
}

void Memtable::put_pointer(std::string_view tree_key, const ValuePointer& pointer, std::string_view value,
                           int64_t expires_at_ms, Sequence sequence, const Prior& below) {
  assert(value.size() == pointer.value_bytes);
  MemEntry::Draft draft{.key = tree_key,
                        .kind = MemEntry::Kind::pointer,
                        .sequence = sequence,
                        .prior = below,
                        .expires_at_ms = expires_at_ms,
                        .pointer = pointer,
                        .value = value,
                        .value_bytes = value.size()};
  tree_.upsert(tree_key, [&](MemEntry* there) {
    if (there) draft.prior = there->prior();
    return write(there, draft);
  });
  note(sequence);
}

bool Memtable::remove(std::string_view tree_key, Sequence sequence, const Prior& below) {
  if (is_absent(tree_key, below)) return false;
  bool removed = true;
  tree_.upsert(tree_key, [&](MemEntry* there) {
    if (there && there->kind() == MemEntry::Kind::tombstone) {
      removed = false;
      return there;
    }
    return write(there, {.key = tree_key,
                         .kind = MemEntry::Kind::tombstone,
                         .sequence = sequence,
                         .prior = there ? there->prior() : below});
  });
  if (removed) note(sequence);
  return removed;
}

bool Memtable::expire(std::string_view tree_key, int64_t expires_at_ms, Sequence sequence, const Prior& below) {
  if (is_absent(tree_key, below)) return false;
  bool changed = true;
  tree_.upsert(tree_key, [&](MemEntry* there) {
    if (there && there->kind() == MemEntry::Kind::tombstone) {
      changed = false;
      return there;
    }
    MemEntry::Draft draft{.key = tree_key, .kind = MemEntry::Kind::patch, .prior = below};
    if (there) draft = there->draft();
    draft.sequence = sequence;
    draft.expires_at_ms = expires_at_ms;
    draft.sets_expiry = draft.kind == MemEntry::Kind::patch;
    return write(there, draft);
  });
  if (changed) note(sequence);
  return changed;
}

// Of a value or pointer.
MemEntry* Memtable::splice_value(MemEntry* there, uint64_t offset, std::string_view bytes, uint64_t new_length,
                                 Sequence sequence) {
  MemEntry::Draft draft = there->draft();
  const uint64_t old_bytes = draft.value_bytes;
  draft.kind = MemEntry::Kind::value;
  draft.sequence = sequence;
  draft.value = draft.value.substr(0, new_length);
  draft.value_bytes = new_length;
  return write(there, draft, {{offset, bytes}}, spare_for(old_bytes, new_length));
}

// The draft of the patch with one more splice.
MemEntry* Memtable::splice_patch(MemEntry* there, MemEntry::Draft draft, uint64_t offset, std::string_view bytes,
                                 uint64_t new_length) {
  std::string head;
  MemEntry::append_splice_head(head, offset, new_length, bytes.size());
  const uint64_t old_bytes = draft.value_bytes;
  draft.new_length = new_length;
  draft.value_bytes += head.size() + bytes.size();
  return write(there, draft, {{old_bytes, head}, {old_bytes + head.size(), bytes}},
               spare_for(old_bytes, draft.value_bytes));
}

bool Memtable::splice(std::string_view tree_key, uint64_t offset, std::string_view bytes, uint64_t new_length,
                      Sequence sequence, const Prior& below) {
  assert(bytes.size() <= new_length && offset <= new_length - bytes.size());
  if (is_absent(tree_key, below)) return false;
  bool changed = true;
  tree_.upsert(tree_key, [&](MemEntry* there) {
    if (there && there->kind() == MemEntry::Kind::tombstone) {
      changed = false;
      return there;
    }
    if (there && there->has_value()) return splice_value(there, offset, bytes, new_length, sequence);
    MemEntry::Draft draft{.key = tree_key, .kind = MemEntry::Kind::patch, .prior = below};
    if (there) draft = there->draft();
    draft.sequence = sequence;
    return splice_patch(there, draft, offset, bytes, new_length);
  });
  if (changed) note(sequence);
  return changed;
}

// --- What is found out later

void Memtable::learn(std::string_view tree_key, const Prior& prior) {
  MemEntry* there = tree_.find(tree_key);
  if (!there || there->prior().kind != Prior::Kind::unknown || prior.kind == Prior::Kind::unknown) return;
  const Counted before = counted(*there);
  MemEntry::Draft draft = there->draft();
  draft.prior = prior;
  if (prior.kind == Prior::Kind::absent && draft.kind == MemEntry::Kind::patch)
    draft = {.key = draft.key, .kind = MemEntry::Kind::tombstone, .sequence = draft.sequence, .prior = prior};
  [[maybe_unused]] const bool has_room = there->try_assign(draft, true);
  assert(has_room);
  recount(there, before, there);
}

void Memtable::complete(std::string_view tree_key, std::string_view base_value, int64_t base_expires_at_ms) {
  const MemEntry* there = find(tree_key);
  if (!there || there->kind() != MemEntry::Kind::patch) return;
  std::string value(base_value);
  there->lay_over(value);
  MemEntry::Draft draft = there->draft();
  if (draft.prior.kind == Prior::Kind::unknown)
    draft.prior = {Prior::Kind::present, base_value.size(), base_expires_at_ms};
  if (!draft.sets_expiry) draft.expires_at_ms = base_expires_at_ms;
  draft.kind = MemEntry::Kind::value;
  draft.sets_expiry = false;
  draft.new_length.reset();
  draft.value = value;
  draft.value_bytes = value.size();
  tree_.upsert(tree_key, [&](MemEntry* entry) { return write(entry, draft); });
}

// --- Reads

Memtable::Delta Memtable::delta(BucketId bucket) const {
  const auto at = buckets_.find(bucket);
  return at == buckets_.end() ? Delta() : at->second.delta;
}

uint64_t Memtable::memory_bytes() const {
  constexpr uint64_t node_bytes = 48;  // of a map, beside what it holds
  return sizeof *this + entry_bytes_ + tree_.memory_bytes() + expiries_.overhead_bytes() +
         unknown_places_ * sizeof(MemEntry*) + buckets_.size() * (sizeof(Bucket) + sizeof(BucketId) + node_bytes);
}

}  // namespace sett::storage
