#pragma once
// Goes through everything with SCAN on one connection and counts the keys.

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/bench/latency_histogram.h"

namespace sett::bench {

class ScanWalk {
 public:
  explicit ScanWalk(int socket) : socket_(socket) {}
  // False: the connection was lost, or a reply was not what SCAN answers.
  bool run(LatencyHistogram& latencies);
  uint64_t keys() const { return keys_; }

 private:
  bool request(std::string_view cursor);
  bool read_reply(std::string& cursor);
  bool read_line(std::string_view& line);
  bool read_bulk(std::string_view& bulk);
  bool read_count(char kind, uint64_t& count);
  bool fill();

  const int socket_;
  std::string buffer_;
  uint64_t position_ = 0, keys_ = 0;
};

}  // namespace sett::bench
