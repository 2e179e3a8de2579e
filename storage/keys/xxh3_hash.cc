#include "storage/keys/xxh3_hash.h"

#include <xxhash.h>

namespace sett::storage {

uint64_t xxh3_hash(std::string_view key) {
  return XXH3_64bits(key.data(), key.size());
}

}  // namespace sett::storage
