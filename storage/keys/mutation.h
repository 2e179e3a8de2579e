#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/base/status.h"
#include "storage/keys/value_pointer.h"

namespace sett::storage {

// Identity of a bucket's data. A name is bound to one id at a time; flush and drop bind it to another or to none, and
// what belongs to an unbound id is dead. Never used twice: the low 16 bits are a slot (a small index, used again), the
// rest is a generation that only grows. 0: no bucket.
using BucketId = uint64_t;
inline constexpr BucketId no_bucket = 0;
inline constexpr uint32_t bucket_slots_max = 1u << 16;
inline uint32_t slot_of(BucketId id) {
  return static_cast<uint32_t>(id & (bucket_slots_max - 1));
}
inline uint64_t generation_of(BucketId id) {
  return id >> 16;
}
inline BucketId make_bucket_id(uint64_t generation, uint32_t slot) {
  return (generation << 16) | slot;
}

// What a mutation is called by keyspace notifications. Not on disk.
enum class Event : uint8_t {
  none,
  set,
  append,
  setrange,
  setbit,
  incrby,
  incrbyfloat,
  del,
  expire,
  persist,
  rename_from,
  rename_to,
  copy_to,
  move_from,
  move_to,
  expired,
  flushed,
};

// One change. Views: whoever stages a mutation keeps the bytes alive until its batch is committed.
struct Mutation {
  enum class Kind : uint8_t {  // persisted: never renumbered
    put = 1,                   // bucket, key, value, expires_at_ms: whatever was there is replaced
    splice = 2,                // bucket, key, offset, value, new_length: zero-fill or cut to new_length, then lay value
                               // over [offset, offset + size); the rest, and the expiry, stay
    expire = 3,                // bucket, key, expires_at_ms (0: persist)
    remove = 4,                // bucket, key
    bind = 5,                  // key (the bucket's name), bucket (its new id; no_bucket: unbound)
    expiry_pass = 6,           // expires_at_ms: all that is due by then and older than this record is gone
    put_pointer = 7,           // bucket, key, expires_at_ms, pointer: as put, and the value lies in a value log
  };

  Kind kind;
  Event event = Event::none;
  BucketId bucket = no_bucket;
  std::string_view key;
  std::string_view value;
  int64_t expires_at_ms = 0;  // absolute, wall clock; 0: never
  uint64_t offset = 0;
  uint64_t new_length = 0;
  ValuePointer pointer = {};
};

// On disk a batch is the mutations in a row (storage/README.md, "Records"). Appends all of one mutation but the bytes
// of its value, which come last, to `out`: so that a large value need not be copied.
void encode_without_value(const Mutation& mutation, std::string& out);

// Reads mutations from the front of a record. next() is false at the end and on bytes that are no mutation (then
// failed()). Views point into the record.
class MutationDecoder {
 public:
  explicit MutationDecoder(std::string_view record) : rest_(record) {}
  bool next(Mutation& mutation);
  bool failed() const { return failed_; }

 private:
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace sett::storage
