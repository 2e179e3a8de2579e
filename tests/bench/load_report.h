#pragma once
// What a load has seen, and how it is told: one JSON object on standard output.

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/latency_histogram.h"

namespace sett::bench {

struct LoadReport {
  struct Second {
    uint64_t operations = 0;
    uint64_t max_ns = 0;
  };

  uint64_t begin_unix_ms = 0;  // of the series; a reply belongs to the second in which it came
  uint64_t elapsed_ns = 0;
  uint64_t operations = 0;  // requests that were answered; of a scan, keys
  uint64_t errors = 0;
  uint64_t absent = 0;       // of get: keys that were not there
  uint64_t integer_sum = 0;  // of del: keys that were there
  uint64_t bulk_bytes = 0;   // of get: bytes of values
  std::string first_error;
  LatencyHistogram latencies;
  std::vector<Second> series;

  void print(bool with_series) const;
};

}  // namespace sett::bench
