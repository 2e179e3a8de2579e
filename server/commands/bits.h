#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace sett::server {

// Bits of a value, numbered from the highest of its first byte. Ranges include both ends and lie within the bytes.

inline bool bit_at(std::string_view bytes, uint64_t position) {
  return (static_cast<unsigned char>(bytes[position / 8]) >> (7 - position % 8)) & 1;
}
uint64_t count_bits(std::string_view bytes, uint64_t first, uint64_t last);
// The first position that holds `bit`.
std::optional<uint64_t> find_bit(std::string_view bytes, bool bit, uint64_t first, uint64_t last);

// An integer of 1 to 64 bits (unsigned: 63).
struct BitfieldType {
  bool is_signed;
  unsigned bits;
};
enum class Overflow : uint8_t { wrap, saturate, fail };
// What base + increment becomes in that type; nullopt: it does not fit and `overflow` is fail.
std::optional<int64_t> bitfield_sum(BitfieldType type, int64_t base, int64_t increment, Overflow overflow);
// What an argument of SET becomes.
std::optional<int64_t> bitfield_fit(BitfieldType type, int64_t value, Overflow overflow);

}  // namespace sett::server
