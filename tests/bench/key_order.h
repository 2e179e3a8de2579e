#pragma once
// The keys of a load: 16 digits each, in the order that was asked for. Nothing is kept per key.

#include <cstdint>
#include <cstring>

namespace sett::bench {

inline constexpr uint64_t key_bytes = 16;

// splitmix64: every seed is a good one.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  // The bias of the remainder is far below what any load could show.
  uint64_t below(uint64_t limit) { return next() % limit; }

 private:
  uint64_t state_;
};

// Each number below `count` exactly once, in pseudo-random order: four rounds of a Feistel network over the next power
// of four, walked on until the result is below `count`.
class Permutation {
 public:
  Permutation(uint64_t count, uint64_t seed) : count_(count) {
    while ((uint64_t{1} << (2 * half_bits_)) < count) ++half_bits_;
    Random random(seed);
    for (uint64_t& key : round_keys_) key = random.next();
  }
  uint64_t at(uint64_t index) const {
    do index = shuffled(index);
    while (index >= count_);
    return index;
  }

 private:
  uint64_t shuffled(uint64_t number) const {
    const uint64_t mask = (uint64_t{1} << half_bits_) - 1;
    uint64_t left = number >> half_bits_, right = number & mask;
    for (const uint64_t key : round_keys_) {
      const uint64_t mixed = ((right ^ key) * 0x9e3779b97f4a7c15) >> 32;
      const uint64_t swapped = left ^ (mixed & mask);
      left = right;
      right = swapped;
    }
    return left << half_bits_ | right;
  }

  uint64_t count_;
  uint32_t half_bits_ = 1;
  uint64_t round_keys_[4];
};

enum class Order { random, permutation, sequential };

// Which of `keys` keys comes next. `random` draws with replacement from the first `within` keys of the permutation, so
// that a hot set is spread over the whole key space.
class KeyOrder {
 public:
  KeyOrder(Order order, uint64_t keys, uint64_t within, uint64_t seed)
      : order_(order), keys_(keys), within_(within), permutation_(keys, seed_of_places), random_(seed) {}

  uint64_t next() {
    switch (order_) {
      case Order::random:
        return within_ == keys_ ? random_.below(keys_) : permutation_.at(random_.below(within_));
      case Order::permutation:
        return permutation_.at(next_++ % keys_);
      case Order::sequential:
        return next_++ % keys_;
    }
    return 0;
  }

 private:
  // The same in every run: what was deleted or is hot is known to the next one.
  static constexpr uint64_t seed_of_places = 7;

  Order order_;
  uint64_t keys_, within_;
  Permutation permutation_;
  Random random_;
  uint64_t next_ = 0;
};

// The decimal digits of `number`, with zeros in front. An absent key ends in a letter: it lies between two keys, where
// only a filter can tell that it is not there.
inline void write_key(uint64_t number, bool absent, char* to) {
  for (uint64_t place = key_bytes; place-- > 0; number /= 10) to[place] = static_cast<char>('0' + number % 10);
  if (absent) to[key_bytes - 1] = 'x';
}

}  // namespace sett::bench
