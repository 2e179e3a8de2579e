#include "storage/keys/key_hash.h"

#include "storage/keys/crc16_hash.h"
#include "storage/keys/fnv1a_hash.h"
#include "storage/keys/xxh3_hash.h"

namespace sett::storage {

const std::vector<NamedKeyHash>& key_hashes() {
  static const std::vector<NamedKeyHash> hashes{
      {"xxh3", xxh3_hash},
      {"fnv1a", fnv1a_hash},
      {"crc16", crc16_hash},
  };
  return hashes;
}

KeyHash find_key_hash(std::string_view name) {
  for (const auto& hash : key_hashes())
    if (hash.name == name) return hash.function;
  return nullptr;
}

std::string key_hash_names() {
  std::string names;
  for (const auto& hash : key_hashes()) names.append(names.empty() ? "" : ", ").append(hash.name);
  return names;
}

}  // namespace sett::storage
