#include "server/commands/bits.h"

#include <bit>
#include <cstring>
#include <limits>

namespace sett::server {
namespace {

unsigned byte_at(std::string_view bytes, uint64_t index) {
  return static_cast<unsigned char>(bytes[index]);
}

// The bits of a byte that lie in [first, last], which may begin before it and end behind it.
unsigned mask_of_byte(uint64_t index, uint64_t first, uint64_t last) {
  unsigned mask = 0xFF;
  if (index == first / 8) mask &= 0xFFu >> (first % 8);
  if (index == last / 8) mask &= 0xFF00u >> (last % 8 + 1);
  return mask & 0xFF;
}

uint64_t word_at(std::string_view bytes, uint64_t index) {
  uint64_t word;
  std::memcpy(&word, bytes.data() + index, sizeof word);
  return word;
}

__extension__ using Wide = __int128;  // holds every sum of two 64-bit numbers

struct Limits {
  Wide min, max;
};

Limits limits_of(BitfieldType type) {
  const Wide size = Wide{1} << type.bits;
  return type.is_signed ? Limits{-size / 2, size / 2 - 1} : Limits{0, size - 1};
}

// The number that the low bits of `value` are.
int64_t wrapped(BitfieldType type, Wide value) {
  const auto size = Wide{1} << type.bits;
  Wide low = value % size;
  if (low < 0) low += size;
  if (type.is_signed && low >= size / 2) low -= size;
  return static_cast<int64_t>(low);
}

std::optional<int64_t> fit(BitfieldType type, Wide value, Overflow overflow) {
  const Limits limits = limits_of(type);
  if (value >= limits.min && value <= limits.max) return static_cast<int64_t>(value);
  switch (overflow) {
    case Overflow::wrap:
      return wrapped(type, value);
    case Overflow::saturate:
      return static_cast<int64_t>(value < limits.min ? limits.min : limits.max);
    case Overflow::fail:
      break;
  }
  return std::nullopt;
}

}  // namespace

uint64_t count_bits(std::string_view bytes, uint64_t first, uint64_t last) {
  const uint64_t last_byte = last / 8;
  uint64_t index = first / 8, count = 0;
  if (index == last_byte)
    return static_cast<uint64_t>(std::popcount(byte_at(bytes, index) & mask_of_byte(index, first, last)));
  count += static_cast<uint64_t>(std::popcount(byte_at(bytes, index) & mask_of_byte(index, first, last)));
  for (++index; index + 8 <= last_byte; index += 8)
    count += static_cast<uint64_t>(std::popcount(word_at(bytes, index)));
  for (; index <= last_byte; ++index)
    count += static_cast<uint64_t>(std::popcount(byte_at(bytes, index) & mask_of_byte(index, first, last)));
  return count;
}

std::optional<uint64_t> find_bit(std::string_view bytes, bool bit, uint64_t first, uint64_t last) {
  const uint64_t last_byte = last / 8;
  const uint64_t without = bit ? 0 : ~uint64_t{0};  // a word that has no such bit
  for (uint64_t index = first / 8; index <= last_byte; ++index) {
    while (index > first / 8 && index + 8 <= last_byte && word_at(bytes, index) == without) index += 8;
    const unsigned wanted = (bit ? byte_at(bytes, index) : ~byte_at(bytes, index)) & mask_of_byte(index, first, last);
    if (wanted != 0) return index * 8 + static_cast<uint64_t>(std::countl_zero(static_cast<uint8_t>(wanted)));
  }
  return std::nullopt;
}

std::optional<int64_t> bitfield_sum(BitfieldType type, int64_t base, int64_t increment, Overflow overflow) {
  return fit(type, Wide{base} + increment, overflow);
}

std::optional<int64_t> bitfield_fit(BitfieldType type, int64_t value, Overflow overflow) {
  // Redis measures the way to the upper limit in 64 bits: where that overflows, the lowest numbers count as too high.
  if (type.is_signed && overflow == Overflow::saturate) {
    const Limits limits = limits_of(type);
    if (value < limits.min && limits.max - value > std::numeric_limits<int64_t>::max())
      return static_cast<int64_t>(limits.max);
  }
  // A negative argument for an unsigned field is the large number with the same bits, as in Redis.
  return fit(type, type.is_signed ? Wide{value} : Wide{static_cast<uint64_t>(value)}, overflow);
}

}  // namespace sett::server
