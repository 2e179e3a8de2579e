#pragma once
// Values whose second half repeats the first, as db_bench makes them with compression_ratio 0.5: slices of one text,
// made once.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "tests/bench/key_order.h"

namespace sett::bench {

class ValuePool {
 public:
  explicit ValuePool(uint64_t value_bytes) : value_bytes_(value_bytes) {
    constexpr uint64_t piece_bytes = 100, pool_bytes_min = 1 << 20;
    Random random(301);
    const uint64_t bytes = std::max(pool_bytes_min, 2 * value_bytes);
    while (text_.size() < bytes) {
      const uint64_t begin = text_.size();
      for (uint64_t i = 0; i < piece_bytes / 2; ++i) text_.push_back(static_cast<char>(' ' + random.below(95)));
      text_.append(text_, begin, piece_bytes / 2);
    }
  }
  std::string_view next() {
    if (position_ + value_bytes_ > text_.size()) position_ = 0;
    const std::string_view value(text_.data() + position_, value_bytes_);
    position_ += value_bytes_;
    return value;
  }

 private:
  uint64_t value_bytes_;
  std::string text_;
  uint64_t position_ = 0;
};

}  // namespace sett::bench
