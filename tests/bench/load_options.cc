#include "tests/bench/load_options.h"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace sett::bench {
namespace {

constexpr const char* usage = R"(usage: sett_load --port N [options]; one JSON object on standard output
  --op set|get|del|scan  what is asked for; scan goes through everything once, on one connection      [set]
  --order WORD           random (with replacement), permutation (each key once), sequential           [random]
  --keys N               keys of 16 digits, 0 to N-1                                                  [1000000]
  --within N             random: only N of them, the same ones in every run, spread over all          [all]
  --count N              requests                                                                     [keys]
  --absent               keys that are never set, between those that are
  --value-bytes N        [100]
  --connections N        [50]
  --depth N              requests that each connection sends at a time                                [100]
  --seconds X            end after this time                                                          [none]
  --seed N               of the random order                                                          [1]
  --series               also requests and the longest latency of each second
)";

bool parse_number(std::string_view text, uint64_t& to) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse_operation(std::string_view text, Operation& to) {
  if (text == "set")
    to = Operation::set;
  else if (text == "get")
    to = Operation::get;
  else if (text == "del")
    to = Operation::del;
  else if (text == "scan")
    to = Operation::scan;
  else
    return false;
  return true;
}

bool parse_order(std::string_view text, Order& to) {
  if (text == "random")
    to = Order::random;
  else if (text == "permutation")
    to = Order::permutation;
  else if (text == "sequential")
    to = Order::sequential;
  else
    return false;
  return true;
}

bool apply(std::string_view name, const char* value, LoadOptions& options) {
  uint64_t port = 0;
  if (name == "--port") {
    if (!parse_number(value, port) || port == 0 || port > UINT16_MAX) return false;
    options.port = static_cast<uint16_t>(port);
    return true;
  }
  if (name == "--op") return parse_operation(value, options.operation);
  if (name == "--order") return parse_order(value, options.order);
  if (name == "--keys") return parse_number(value, options.keys);
  if (name == "--within") return parse_number(value, options.within);
  if (name == "--count") return parse_number(value, options.count);
  if (name == "--value-bytes") return parse_number(value, options.value_bytes);
  if (name == "--connections") return parse_number(value, options.connections);
  if (name == "--depth") return parse_number(value, options.depth);
  if (name == "--seed") return parse_number(value, options.seed);
  if (name == "--seconds") return (options.seconds_max = std::strtod(value, nullptr)) > 0;
  return false;
}

}  // namespace

std::optional<LoadOptions> parse_load_options(int argc, char** argv) {
  LoadOptions options;
  for (int i = 1; i < argc; ++i) {
    const std::string_view name = argv[i];
    if (name == "--absent") {
      options.absent = true;
    } else if (name == "--series") {
      options.series = true;
    } else if (i + 1 == argc || !apply(name, argv[++i], options)) {
      std::fprintf(stderr, "sett_load: cannot use %s\n%s", argv[i], usage);
      return std::nullopt;
    }
  }
  if (options.within == 0 || options.within > options.keys) options.within = options.keys;
  if (options.count == 0) options.count = options.keys;
  constexpr uint64_t keys_max = 1'000'000'000'000'000, connections_max = 1000, depth_max = 10'000,
                     value_bytes_max = 1 << 28;
  if (options.keys == 0 || options.keys > keys_max || options.connections == 0 ||
      options.connections > connections_max || options.depth == 0 || options.depth > depth_max ||
      options.value_bytes > value_bytes_max) {
    std::fprintf(stderr, "sett_load: a number is out of range\n%s", usage);
    return std::nullopt;
  }
  return options;
}

}  // namespace sett::bench
