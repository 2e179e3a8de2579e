#include "storage/keys/fnv1a_hash.h"

namespace sett::storage {

uint64_t fnv1a_hash(std::string_view key) {
  uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : key) {
    hash ^= static_cast<uint8_t>(c);
    hash *= 0x100000001B3ULL;
  }
  return hash;
}

}  // namespace sett::storage
