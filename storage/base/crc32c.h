#pragma once

#include <cstdint>
#include <string_view>

namespace sett::storage {

// CRC-32C (Castagnoli, polynomial 0x1EDC6F41 reflected, as in RFC 3720 appendix B.4). crc32c(ab) ==
// extend_crc32c(crc32c(a), b). In hardware where the target has SSE 4.2 or the ARM CRC extension, else by table.
uint32_t extend_crc32c(uint32_t crc, std::string_view bytes);
inline uint32_t crc32c(std::string_view bytes) {
  return extend_crc32c(0, bytes);
}

}  // namespace sett::storage
