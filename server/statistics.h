#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace sett::server {

// Counters of one loop: written by its thread alone, read by any. Sums over all loops are what INFO shows.
class Counter {
 public:
  void add(uint64_t n) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
  uint64_t get() const { return value_.load(std::memory_order_relaxed); }
  void reset() { value_.store(0, std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

struct alignas(64) LoopStatistics {
  Counter commands;
  Counter connections;
  Counter rejected_connections;
  Counter input_bytes, output_bytes;
  Counter keyspace_hits, keyspace_misses;
  Counter error_replies;
  Counter query_limit_disconnections, output_limit_disconnections;
  Counter evicted_clients;

  void reset() {
    for (Counter* counter :
         {&commands, &connections, &rejected_connections, &input_bytes, &output_bytes, &keyspace_hits, &keyspace_misses,
          &error_replies, &query_limit_disconnections, &output_limit_disconnections, &evicted_clients})
      counter->reset();
  }
};

}  // namespace sett::server
