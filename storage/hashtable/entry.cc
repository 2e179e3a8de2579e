#include "storage/hashtable/entry.h"

#include <malloc.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "storage/base/huge_pages.h"

namespace sett::storage {

namespace {

// What the allocator gives for `bytes`. Asked once for each size of small ones: malloc_usable_size of an entry is a
// cache miss a call.
uint64_t allocation_of(uint64_t bytes) {
  constexpr uint64_t step_bytes = 8, known_max = 16384, page_bytes = 4096;
  static const auto known = [] {
    std::array<uint16_t, known_max / step_bytes + 1> sizes{};
    for (size_t i = 0; i < sizes.size(); ++i) {
      void* memory = std::malloc(i * step_bytes);
      sizes[i] = static_cast<uint16_t>(std::min<size_t>(malloc_usable_size(memory), UINT16_MAX));
      std::free(memory);
    }
    return sizes;
  }();
  if (bytes <= known_max) return known[(bytes + step_bytes - 1) / step_bytes];
  return (bytes + page_bytes - 1) / page_bytes * page_bytes;
}

}  // namespace

Entry* Entry::make(std::string_view key, uint64_t value_bytes, int64_t expires_at_ms, Sequence sequence,
                   uint64_t spare_bytes) {
  assert(key.size() <= bytes_max && value_bytes <= bytes_max);
  const bool is_wide = key.size() > short_key_max || value_bytes > short_value_max;
  const uint64_t header = header_bytes(is_wide, expires_at_ms != 0);
  // Never smaller than the struct, whose tail padding the compiler may touch.
  const uint64_t size = std::max<uint64_t>(sizeof(Entry), header + key.size() + value_bytes + spare_bytes);
  void* memory = std::malloc(size);
  if (!memory) throw std::bad_alloc();
  prefer_huge_pages(memory, size - spare_bytes);
  auto* entry = static_cast<Entry*>(memory);
  entry->sequence_ = sequence;
  entry->flags_ = static_cast<uint8_t>((is_wide ? wide_flag : 0) | (expires_at_ms != 0 ? expiring_flag : 0) |
                                       (spare_bytes != 0 ? roomy_flag : 0));
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

Entry* Entry::rename(Entry* entry, std::string_view key, int64_t expires_at_ms, Sequence sequence) {
  const uint64_t value_bytes = entry->value_bytes();
  if (value_bytes <= short_value_max) return nullptr;
  assert(entry->wide());
  const uint64_t header = header_bytes(true, true);
  if (header + key.size() + value_bytes > entry->allocated_bytes()) return nullptr;
  char* value_was = entry->value_data();
  if (key.size() != entry->key_bytes()) entry->flags_ |= roomy_flag;
  entry->store(12, static_cast<uint32_t>(key.size()));
  if (entry->value_data() != value_was) std::memmove(entry->value_data(), value_was, value_bytes);
  if (!key.empty()) std::memcpy(entry->bytes() + header, key.data(), key.size());
  entry->set_expires_at_ms(expires_at_ms);
  entry->set_sequence(sequence);
  return entry;
}

void Entry::set_expires_at_ms(int64_t at_ms) {
  assert(can_expire(at_ms != 0));
  if (at_ms == 0) {
    flags_ &= static_cast<uint8_t>(~expiring_flag);
    return;
  }
  flags_ |= expiring_flag;
  store(expiry_offset(), at_ms);
}

uint64_t Entry::memory_bytes() const {
  const uint64_t used = used_bytes();
  if (!(flags_ & roomy_flag)) return allocation_of(used);
  return std::min(allocated_bytes(), allocation_of(used + spare_bytes_max));
}

uint64_t Entry::allocated_bytes() const {
  return malloc_usable_size(const_cast<Entry*>(this));
}

bool Entry::can_hold(uint64_t value_bytes, bool wants_expiry) const {
  if (!can_expire(wants_expiry)) return false;
  if (value_bytes == this->value_bytes()) return true;
  const bool is_wide = key_bytes() > short_key_max || value_bytes > short_value_max;
  if (is_wide != wide()) return false;
  const uint64_t wanted = header_bytes() + key_bytes() + value_bytes;
  const uint64_t have = allocated_bytes();
  return wanted <= have && (have <= 128 || wanted >= have / 2);
}

void Entry::set_value_bytes(uint64_t value_bytes) {
  if (value_bytes != this->value_bytes()) flags_ |= roomy_flag;
  if (wide())
    store(16, static_cast<uint32_t>(value_bytes));
  else
    value_bytes_ = static_cast<uint16_t>(value_bytes);
}

}  // namespace sett::storage
