#pragma once

#include <cstdint>

namespace sett::storage {

// A small seeded generator (SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
// Not for secrets. One owner at a time: no locks inside.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  // Uniform in [0, bound); bound > 0. The bias of at most bound / 2^64 does not matter to us.
  uint64_t below(uint64_t bound) { return next() % bound; }
  bool one_in(uint64_t n) { return below(n) == 0; }

 private:
  uint64_t state_;
};

// Bytes from the operating system, for secrets and seeds.
void fill_from_entropy(void* out, uint64_t bytes);
uint64_t entropy_seed();

}  // namespace sett::storage
