#pragma once

#include <cstdint>
#include <string_view>

namespace sett::storage {

// XXH3, 64 bits, seed 0 (github.com/Cyan4973/xxHash, doc/xxhash_spec.md).
uint64_t xxh3_hash(std::string_view key);

}  // namespace sett::storage
