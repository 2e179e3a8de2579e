#pragma once

#include <cstdint>
#include <string_view>

namespace sett::storage {

// FNV-1a, 64 bits (Fowler, Noll, Vo; draft-eastlake-fnv).
uint64_t fnv1a_hash(std::string_view key);

}  // namespace sett::storage
