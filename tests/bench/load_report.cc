#include "tests/bench/load_report.h"

#include <cstdio>

namespace sett::bench {
namespace {

// Errors are texts of the server; what JSON would need to have escaped is replaced.
std::string plain(const std::string& text) {
  std::string result;
  for (const char c : text) result.push_back(c == '"' || c == '\\' || c < ' ' || c > '~' ? ' ' : c);
  return result;
}

double as_us(uint64_t ns) {
  return static_cast<double>(ns) / 1e3;
}

unsigned long long number(uint64_t value) {
  return value;
}

}  // namespace

void LoadReport::print(bool with_series) const {
  const double seconds = static_cast<double>(elapsed_ns) / 1e9;
  std::printf(
      "{\"operations\": %llu, \"seconds\": %.6f, \"operations_per_s\": %.1f, \"errors\": %llu, \"first_error\": "
      "\"%s\", ",
      number(operations), seconds, static_cast<double>(operations) / seconds, number(errors),
      plain(first_error).c_str());
  std::printf("\"absent\": %llu, \"integer_sum\": %llu, \"bulk_bytes\": %llu, ", number(absent), number(integer_sum),
              number(bulk_bytes));
  std::printf("\"latency_us\": {\"p50\": %.1f, \"p99\": %.1f, \"p999\": %.1f, \"max\": %.1f}",
              as_us(latencies.percentile_ns(0.5)), as_us(latencies.percentile_ns(0.99)),
              as_us(latencies.percentile_ns(0.999)), as_us(latencies.max_ns()));
  if (with_series) {
    std::printf(", \"begin_unix_ms\": %llu, \"series\": [", number(begin_unix_ms));
    for (size_t i = 0; i < series.size(); ++i) {
      std::printf("%s[%llu, %.1f]", i == 0 ? "" : ", ", number(series[i].operations), as_us(series[i].max_ns));
    }
    std::printf("]");
  }
  std::printf("}\n");
}

}  // namespace sett::bench
