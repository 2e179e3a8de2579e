#pragma once
// Latencies in buckets that are at most 1/64 of their value wide.

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

namespace sett::bench {

class LatencyHistogram {
 public:
  void add(uint64_t ns, uint64_t times) {
    counts_[bucket(ns)] += times;
    total_ += times;
    max_ns_ = std::max(max_ns_, ns);
  }
  uint64_t max_ns() const { return max_ns_; }
  // The upper end of the bucket below which that share of the latencies lies.
  uint64_t percentile_ns(double share) const {
    const auto wanted = static_cast<uint64_t>(share * static_cast<double>(total_));
    uint64_t seen = 0;
    for (uint64_t index = 0; index < counts_.size(); ++index) {
      seen += counts_[index];
      if (seen > wanted) return std::min(max_ns_, upper_end(index));
    }
    return max_ns_;
  }

 private:
  static constexpr uint64_t sub_bits = 6, sub_buckets = 1 << sub_bits;

  static uint64_t bucket(uint64_t ns) {
    if (ns < sub_buckets) return ns;
    const auto shift = static_cast<uint64_t>(std::bit_width(ns)) - sub_bits - 1;
    return (shift + 1) * sub_buckets + ((ns >> shift) - sub_buckets);
  }
  static uint64_t upper_end(uint64_t index) {
    if (index < sub_buckets) return index;
    const uint64_t shift = index / sub_buckets - 1;
    return ((index % sub_buckets + sub_buckets + 1) << shift) - 1;
  }

  std::array<uint64_t, (64 - sub_bits + 1) * sub_buckets> counts_{};
  uint64_t total_ = 0, max_ns_ = 0;
};

}  // namespace sett::bench
