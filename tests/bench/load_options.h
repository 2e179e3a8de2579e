#pragma once
// What the command line of sett_load asks for.

#include <cstdint>
#include <optional>

#include "tests/bench/key_order.h"

namespace sett::bench {

enum class Operation { set, get, del, scan };

struct LoadOptions {
  uint16_t port = 6379;
  Operation operation = Operation::set;
  Order order = Order::random;
  uint64_t keys = 1'000'000;
  uint64_t within = 0;  // 0: all keys
  uint64_t count = 0;   // 0: as many as keys
  uint64_t value_bytes = 100;
  uint64_t connections = 50;
  uint64_t depth = 100;
  uint64_t seed = 1;
  double seconds_max = 0;  // 0: until `count` are done
  bool absent = false;
  bool series = false;
};

// Says what is wrong, or how it is used, on standard error.
std::optional<LoadOptions> parse_load_options(int argc, char** argv);

}  // namespace sett::bench
