#include "storage/table/filter.h"

#include <xxhash.h>

#include <algorithm>
#include <cassert>
#include <cmath>

namespace sett::storage {

namespace {

constexpr uint32_t bits_per_line = filter_line_bytes * 8;
constexpr uint32_t golden = 0x9E3779B9u;

uint64_t line_of(uint64_t hash, uint64_t lines) {
  return ((hash >> 32) * lines) >> 32;
}

// Calls with the byte and the mask of each of the key's bits in its line.
template <typename Visit>
bool each_bit(uint64_t hash, int probes, const Visit& visit) {
  auto spread = static_cast<uint32_t>(hash) | 1;
  for (int i = 0; i < probes; ++i) {
    const uint32_t bit = spread >> 23;  // the upper nine bits: 0 to 511
    static_assert(bits_per_line == 1u << 9);
    if (!visit(bit / 8, static_cast<uint8_t>(1u << (bit % 8)))) return false;
    spread *= golden;
  }
  return true;
}

}  // namespace

uint64_t filter_hash(std::string_view key) {
  return XXH3_64bits(key.data(), key.size());
}

uint64_t filter_lines(uint64_t keys, double bits_per_key) {
  const double bits = static_cast<double>(keys) * bits_per_key;
  return std::max<uint64_t>(1, static_cast<uint64_t>(std::ceil(bits / bits_per_line)));
}

// In a line the best number of probes is a little below that of a plain Bloom filter, ln 2 times the bits.
int filter_probes(double bits_per_key) {
  return std::clamp(static_cast<int>(bits_per_key * 0.6), 1, 16);
}

void append_filter(const std::vector<uint64_t>& hashes, uint64_t lines, int probes, std::string& out) {
  const size_t begin = out.size();
  out.resize(begin + lines * filter_line_bytes);
  for (const uint64_t hash : hashes) {
    char* line = out.data() + begin + line_of(hash, lines) * filter_line_bytes;
    each_bit(hash, probes, [&](uint32_t byte, uint8_t mask) {
      line[byte] = static_cast<char>(static_cast<uint8_t>(line[byte]) | mask);
      return true;
    });
  }
}

void prefetch_filter_line(std::string_view lines, uint64_t hash) {
  __builtin_prefetch(lines.data() + line_of(hash, lines.size() / filter_line_bytes) * filter_line_bytes);
}

bool filter_may_hold(std::string_view lines, int probes, uint64_t hash) {
  assert(!lines.empty() && lines.size() % filter_line_bytes == 0);
  const char* line = lines.data() + line_of(hash, lines.size() / filter_line_bytes) * filter_line_bytes;
  return each_bit(hash, probes,
                  [&](uint32_t byte, uint8_t mask) { return (static_cast<uint8_t>(line[byte]) & mask) != 0; });
}

}  // namespace sett::storage
