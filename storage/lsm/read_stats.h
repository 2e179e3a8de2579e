#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sett::storage {

// What reads of the tree have cost since its start.
struct ReadStats {
  uint64_t filter_checks = 0;           // a table was asked for a key that lies between its ends
  uint64_t filter_negatives = 0;        // ... and its filter said no
  uint64_t filter_false_positives = 0;  // ... and its filter said maybe, but the key was not in it
  uint64_t tables_opened = 0;
  uint64_t block_reads = 0, block_read_bytes = 0;  // from the disk, of one block or several; as stored
  uint64_t value_reads = 0, value_read_bytes = 0;  // from value logs on the disk
  uint64_t cached_reads = 0;                       // of either, that the system had in memory: nobody waited
};

// Counts for any threads; they mostly do not meet in one cache line.
class ReadCounters {
 public:
  enum Counter : uint8_t {
    filter_checks,
    filter_negatives,
    filter_false_positives,
    tables_opened,
    block_reads,
    block_read_bytes,
    value_reads,
    value_read_bytes,
    cached_reads,
    counters,
  };
  void add(Counter counter, uint64_t amount = 1) {
    thread_local const char own = 0;  // its address differs from thread to thread
    const size_t slot = reinterpret_cast<uintptr_t>(&own) * 0x9E3779B97F4A7C15ULL >> (64 - slot_bits);
    slots_[slot].values[counter].fetch_add(amount, std::memory_order_relaxed);
  }
  ReadStats stats() const {
    return {sum(filter_checks), sum(filter_negatives), sum(filter_false_positives),
            sum(tables_opened), sum(block_reads),      sum(block_read_bytes),
            sum(value_reads),   sum(value_read_bytes), sum(cached_reads)};
  }

 private:
  static constexpr size_t slot_bits = 4, slots_max = size_t{1} << slot_bits;
  struct alignas(64) Slot {
    std::array<std::atomic<uint64_t>, counters> values{};
  };
  uint64_t sum(Counter counter) const {
    uint64_t total = 0;
    for (const Slot& slot : slots_) total += slot.values[counter].load(std::memory_order_relaxed);
    return total;
  }
  std::array<Slot, slots_max> slots_;
};

}  // namespace sett::storage
