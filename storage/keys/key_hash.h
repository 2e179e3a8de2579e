#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sett::storage {

// The hash that picks a key's shard (`store.hash`). Deterministic, the same on every machine: the data directory
// remembers which one it was written with. It need not resist an attacker: the place inside a table comes from a keyed
// hash.
using KeyHash = uint64_t (*)(std::string_view key);

struct NamedKeyHash {
  std::string_view name;
  KeyHash function;
};

// To add one: a function in a file of its own, and a line in key_hash.cc.
const std::vector<NamedKeyHash>& key_hashes();
// nullptr: unknown name.
KeyHash find_key_hash(std::string_view name);
std::string key_hash_names();  // "xxh3, fnv1a, crc16", for an error text

}  // namespace sett::storage
