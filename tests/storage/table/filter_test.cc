#include "storage/table/filter.h"

#include <catch2/catch.hpp>

namespace sett::storage {

TEST_CASE("a filter knows every key of its set, and few others") {
  struct Expected {
    double bits_per_key, false_positives_max;
  };
  for (const auto& [bits, false_positives_max] :
       {Expected{8, 0.027}, Expected{10, 0.0115}, Expected{12, 0.005}, Expected{16, 0.0012}, Expected{20, 0.0004}}) {
    INFO(bits << " bits");
    constexpr int filters = 20, keys = 2300, others = 10000;
    int found = 0;
    for (int filter = 0; filter < filters; ++filter) {
      std::vector<uint64_t> hashes;
      const std::string name = std::to_string(filter);
      for (int i = 0; i < keys; ++i) hashes.push_back(filter_hash("key:" + name + ":" + std::to_string(i)));
      const int probes = filter_probes(bits);
      std::string lines;
      append_filter(hashes, filter_lines(hashes.size(), bits), probes, lines);
      CHECK(static_cast<double>(lines.size() * 8) <= keys * bits + filter_line_bytes * 8);
      for (const uint64_t hash : hashes) REQUIRE(filter_may_hold(lines, probes, hash));
      for (int i = 0; i < others; ++i)
        found += filter_may_hold(lines, probes, filter_hash("other:" + name + ":" + std::to_string(i)));
    }
    CHECK(found <= false_positives_max * filters * others);
    CHECK(found > 0);  // else nothing was looked at
  }
}

TEST_CASE("a filter of nothing, and of one bit a key, are filters") {
  std::string lines;
  append_filter({}, filter_lines(0, 10), filter_probes(10), lines);
  CHECK(lines == std::string(filter_line_bytes, '\0'));
  CHECK_FALSE(filter_may_hold(lines, filter_probes(10), filter_hash("x")));
  CHECK(filter_probes(0.5) == 1);
  CHECK(filter_probes(1000) == 16);
}

}  // namespace sett::storage
