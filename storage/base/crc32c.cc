#include "storage/base/crc32c.h"

#include <array>
#include <cstring>

#if defined(__SSE4_2__)
#include <nmmintrin.h>
#elif defined(__ARM_FEATURE_CRC32)
#include <arm_acle.h>
#endif

namespace sett::storage {

#if defined(__SSE4_2__) || defined(__ARM_FEATURE_CRC32)

namespace {
#if defined(__SSE4_2__)
uint64_t step8(uint64_t crc, uint64_t word) {
  return _mm_crc32_u64(crc, word);
}
uint32_t step1(uint32_t crc, uint8_t byte) {
  return _mm_crc32_u8(crc, byte);
}
#else
uint64_t step8(uint64_t crc, uint64_t word) {
  return __crc32cd(static_cast<uint32_t>(crc), word);
}
uint32_t step1(uint32_t crc, uint8_t byte) {
  return __crc32cb(crc, byte);
}
#endif
}  // namespace

uint32_t extend_crc32c(uint32_t crc, std::string_view bytes) {
  uint64_t state = crc ^ 0xFFFFFFFFu;
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    uint64_t word;
    std::memcpy(&word, at, 8);
    state = step8(state, word);
  }
  auto tail = static_cast<uint32_t>(state);
  for (; left > 0; ++at, --left) tail = step1(tail, static_cast<uint8_t>(*at));
  return tail ^ 0xFFFFFFFFu;
}

#else

namespace {
constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? 0x82F63B78u : 0u);
    table[i] = value;
  }
  return table;
}
constexpr auto table = make_table();
}  // namespace

uint32_t extend_crc32c(uint32_t crc, std::string_view bytes) {
  crc ^= 0xFFFFFFFFu;
  for (const char c : bytes) crc = (crc >> 8) ^ table[(crc ^ static_cast<uint8_t>(c)) & 0xFF];
  return crc ^ 0xFFFFFFFFu;
}

#endif

}  // namespace sett::storage
