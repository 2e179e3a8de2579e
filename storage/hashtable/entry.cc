#include "storage/hashtable/entry.h"

#include <malloc.h>

#include <cassert>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace sett::storage {

Entry* Entry::make(std::string_view key, uint64_t value_bytes, int64_t expires_at_ms, Sequence sequence,
                   uint64_t spare_bytes) {
  assert(key.size() <= bytes_max && value_bytes <= bytes_max);
  const bool is_wide = key.size() > short_key_max || value_bytes > short_value_max;
  const uint64_t header = 12 + (is_wide ? 8u : 0u) + (expires_at_ms != 0 ? 12u : 0u);
  // Never smaller than the struct, whose tail padding the compiler may touch.
  const uint64_t size = std::max<uint64_t>(sizeof(Entry), header + key.size() + value_bytes + spare_bytes);
  void* memory = std::malloc(size);
  if (!memory) throw std::bad_alloc();
  auto* entry = static_cast<Entry*>(memory);
  entry->sequence_ = sequence;
  entry->flags_ = static_cast<uint8_t>((is_wide ? wide_flag : 0) | (expires_at_ms != 0 ? expiring_flag : 0));
  entry->key_bytes_ = static_cast<uint8_t>(is_wide ? 0 : key.size());
  entry->value_bytes_ = static_cast<uint16_t>(is_wide ? 0 : value_bytes);
  if (is_wide) {
    entry->store(12, static_cast<uint32_t>(key.size()));
    entry->store(16, static_cast<uint32_t>(value_bytes));
  }
  if (expires_at_ms != 0) {
    entry->set_expires_at_ms(expires_at_ms);
    entry->set_heap_index(0);
  }
  if (!key.empty()) std::memcpy(entry->bytes() + header, key.data(), key.size());
  return entry;
}

void Entry::free(Entry* entry) {
  std::free(entry);
}

uint64_t Entry::allocated_bytes() const {
  return malloc_usable_size(const_cast<Entry*>(this));
}

bool Entry::can_hold(uint64_t value_bytes, bool wants_expiry) const {
  if (wants_expiry != expiring()) return false;
  if (value_bytes == this->value_bytes()) return true;
  const bool is_wide = key_bytes() > short_key_max || value_bytes > short_value_max;
  if (is_wide != wide()) return false;
  const uint64_t wanted = header_bytes() + key_bytes() + value_bytes;
  const uint64_t have = allocated_bytes();
  return wanted <= have && (have <= 128 || wanted >= have / 2);
}

void Entry::set_value_bytes(uint64_t value_bytes) {
  if (wide())
    store(16, static_cast<uint32_t>(value_bytes));
  else
    value_bytes_ = static_cast<uint16_t>(value_bytes);
}

}  // namespace sett::storage
