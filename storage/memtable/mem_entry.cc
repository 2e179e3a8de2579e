#include "storage/memtable/mem_entry.h"

#include <malloc.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdlib>
#include <new>

#include "storage/base/bytes.h"
#include "storage/base/huge_pages.h"

namespace sett::storage {

namespace {

constexpr std::array<uint8_t, 5> field_bytes{4, 12, 12, 24, 8};

// By the set of fields.
constexpr auto sums_of_fields = [] {
  std::array<uint8_t, 1 << field_bytes.size()> sums{};
  for (size_t set = 0; set < sums.size(); ++set)
    for (size_t field = 0; field < field_bytes.size(); ++field)
      if (set & (size_t{1} << field)) sums[set] = static_cast<uint8_t>(sums[set] + field_bytes[field]);
  return sums;
}();

// From here on an entry has room for an expiry.
constexpr uint64_t large_bytes = 512;

}  // namespace

uint64_t MemEntry::bytes_of(uint16_t fields) {
  return fixed_bytes + sums_of_fields[fields & all_fields];
}

uint64_t MemEntry::offset_of(uint16_t field) const {
  assert(has(field));
  return bytes_of(static_cast<uint16_t>(flags_ & (field - 1)));
}

uint64_t MemEntry::header_bytes() const {
  return bytes_of(flags_);
}

Prior MemEntry::prior() const {
  Prior prior{.kind = static_cast<Prior::Kind>((flags_ >> prior_shift) & 3)};
  if (prior.kind == Prior::Kind::present) {
    const uint64_t at = offset_of(prior_field);
    prior.value_bytes = load<uint32_t>(at);
    prior.expires_at_ms = load<int64_t>(at + sizeof(uint32_t));
  }
  return prior;
}

uint64_t MemEntry::value_bytes() const {
  switch (kind()) {
    case Kind::value:
    case Kind::pointer:
      return value_bytes_;
    case Kind::tombstone:
      return 0;
    case Kind::patch:
      break;
  }
  return spliced() ? new_length() : prior().value_bytes;
}

ValuePointer MemEntry::pointer() const {
  assert(kind() == Kind::pointer);
  const uint64_t at = offset_of(pointer_field);
  return {load<uint64_t>(at), load<uint64_t>(at + 8), load<uint64_t>(at + 16)};
}

void MemEntry::lay_over(std::string& base_value) const {
  assert(kind() == Kind::patch);
  ByteReader reader(held());
  while (!reader.rest().empty()) {
    const uint64_t offset = reader.varint(), length = reader.varint();
    const std::string_view laid = reader.sized();
    assert(!reader.failed());
    base_value.resize(length);
    if (!laid.empty()) std::memcpy(base_value.data() + offset, laid.data(), laid.size());
  }
}

uint64_t MemEntry::memory_bytes() const {
  constexpr uint64_t allocator_bytes = 8;  // before each allocation
  return malloc_usable_size(const_cast<MemEntry*>(this)) + allocator_bytes;
}

MemEntry::Draft MemEntry::draft() const {
  Draft draft{.key = key(),
              .kind = kind(),
              .sequence = sequence(),
              .prior = prior(),
              .expires_at_ms = expires_at_ms(),
              .sets_expiry = sets_expiry(),
              .value = held(),
              .value_bytes = value_bytes_};
  if (kind() == Kind::pointer) draft.pointer = pointer();
  if (spliced()) draft.new_length = new_length();
  return draft;
}

uint16_t MemEntry::needed_fields(const Draft& draft) {
  unsigned fields = 0;
  if (draft.key.size() > short_key_max) fields |= wide_field;
  if (draft.prior.kind != Prior::Kind::absent) fields |= prior_field;
  if (draft.expires_at_ms != 0) fields |= expiry_field;
  if (draft.kind == Kind::pointer) fields |= pointer_field;
  if (draft.new_length) fields |= length_field;
  return static_cast<uint16_t>(fields);
}

void MemEntry::assign_header(const Draft& draft, uint16_t fields) {
  sequence_ = draft.sequence;
  flags_ = static_cast<uint16_t>(fields | (static_cast<unsigned>(draft.kind) << kind_shift) |
                                 (static_cast<unsigned>(draft.prior.kind) << prior_shift) |
                                 (draft.sets_expiry ? sets_expiry_flag : 0u) | (draft.new_length ? spliced_flag : 0u));
  key_bytes_ = static_cast<uint16_t>(has(wide_field) ? 0 : draft.key.size());
  value_bytes_ = static_cast<uint32_t>(draft.value_bytes);
  if (has(wide_field)) store(fixed_bytes, static_cast<uint32_t>(draft.key.size()));
  if (draft.prior.kind == Prior::Kind::present) {
    assert(draft.prior.value_bytes <= bytes_max);
    const uint64_t at = offset_of(prior_field);
    store(at, static_cast<uint32_t>(draft.prior.value_bytes));
    store(at + sizeof(uint32_t), draft.prior.expires_at_ms);
  }
  if (has(expiry_field)) store(offset_of(expiry_field), draft.expires_at_ms);
  if (draft.new_length) store(offset_of(length_field), *draft.new_length);
  if (draft.kind == Kind::pointer) {
    const uint64_t at = offset_of(pointer_field);
    store(at, draft.pointer.file);
    store(at + 8, draft.pointer.offset);
    store(at + 16, draft.pointer.value_bytes);
  }
}

void MemEntry::assign_value(const Draft& draft) {
  if (draft.value.data() != value_data()) lay(0, draft.value);
  if (draft.value_bytes > draft.value.size())
    std::memset(value_data() + draft.value.size(), 0, draft.value_bytes - draft.value.size());
}

MemEntry* MemEntry::make(const Draft& draft, uint64_t spare_bytes) {
  assert(draft.key.size() <= bytes_max && draft.value_bytes <= bytes_max && draft.value.size() <= draft.value_bytes);
  uint16_t fields = needed_fields(draft);
  if (draft.key.size() + draft.value_bytes >= large_bytes) fields |= expiry_field;
  const uint64_t header = bytes_of(fields);
  const uint64_t size = header + draft.key.size() + draft.value_bytes + spare_bytes;
  void* memory = std::malloc(size);
  if (!memory) throw std::bad_alloc();
  prefer_huge_pages(memory, size - spare_bytes);
  auto* entry = static_cast<MemEntry*>(memory);
  entry->assign_header(draft, fields);
  if (!draft.key.empty()) std::memcpy(entry->bytes() + header, draft.key.data(), draft.key.size());
  entry->assign_value(draft);
  return entry;
}

void MemEntry::free(MemEntry* entry) {
  std::free(entry);
}

bool MemEntry::try_assign(const Draft& draft, bool has_to) {
  assert(draft.key == key());
  const auto fields = static_cast<uint16_t>(flags_ & all_fields);
  if ((needed_fields(draft) & ~fields) != 0) return false;
  if (draft.value_bytes != value_bytes_) {
    constexpr uint64_t small_bytes = 128;
    const uint64_t wanted = header_bytes() + key_bytes() + draft.value_bytes;
    const uint64_t have = malloc_usable_size(this);
    if (wanted > have || (!has_to && have > small_bytes && wanted < have / 2)) return false;
  }
  assign_header(draft, fields);
  assign_value(draft);
  return true;
}

void MemEntry::append_splice_head(std::string& out, uint64_t offset, uint64_t new_length, uint64_t bytes) {
  append_varint(out, offset);
  append_varint(out, new_length);
  append_varint(out, bytes);
}

}  // namespace sett::storage
