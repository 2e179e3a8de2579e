#include "server/commands/config_parameters.h"

#include <cstdio>
#include <limits>
#include <thread>

#include "config/load.h"
#include "protocol/number_text.h"

namespace sett::server {
namespace {

using config::Options;
using Kind = ConfigParameter::Kind;
using Change = ConfigParameter::Change;

constexpr int64_t int_max = std::numeric_limits<int32_t>::max();
constexpr int64_t long_max = std::numeric_limits<int64_t>::max();
constexpr int64_t second = 1000;

std::string yes_no(bool value) {
  return value ? "yes" : "no";
}

// Whether buckets are kept on disk unless a rule says otherwise.
bool is_durable(const Options& options) {
  return options.store.backend != "memory" && !(options.store.backend == "badger" && options.badger.memory_mode);
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string octal(int64_t mode) {
  char text[24];
  std::snprintf(text, sizeof text, "%llo", static_cast<unsigned long long>(mode));
  return text;
}

// --- Log levels. Redis has fewer; each of its own comes back as it was set.

struct LevelName {
  std::string_view redis, sett;
};
constexpr LevelName level_names[] = {{"debug", "trace"},  {"verbose", "debug"}, {"notice", "info"},
                                     {"warning", "warn"}, {"warning", "error"}, {"nothing", "off"}};

std::string read_level(const Options& options) {
  for (const auto& level : level_names)
    if (level.sett == options.log.level) return std::string(level.redis);
  return "notice";
}

bool write_level(Options& options, std::string_view value, int64_t) {
  for (const auto& level : level_names) {
    if (!protocol::equals_ignoring_case(level.redis, value)) continue;
    options.log.level = std::string(level.sett);
    return true;
  }
  return false;
}

// --- client-output-buffer-limit: groups of class, hard limit, soft limit, seconds. There is one class here, and no
// soft limit.

std::string read_output_limit(const Options& options) {
  return "normal " + std::to_string(options.server.client_output_buffer_limit) + " 0 0";
}

bool write_output_limit(Options& options, std::string_view value, int64_t) {
  constexpr std::string_view begin = "normal ", end = " 0 0";
  if (!value.starts_with(begin) || !value.ends_with(end) || value.size() <= begin.size() + end.size()) return false;
  const auto bytes = parse_memory(value.substr(begin.size(), value.size() - begin.size() - end.size()));
  if (!bytes || *bytes < 1 << 20 || *bytes > 16ll << 30) return false;
  options.server.client_output_buffer_limit = *bytes;
  return true;
}

// --- Numbers

template <int64_t config::ServerOptions::*Field, int64_t Unit = 1>
std::string read_number(const Options& options) {
  return std::to_string(options.server.*Field / Unit);
}

template <int64_t config::ServerOptions::*Field, int64_t Highest, int64_t Unit = 1>
bool write_number(Options& options, std::string_view, int64_t number) {
  if (number > Highest / Unit) return false;
  options.server.*Field = number * Unit;
  return true;
}

template <bool Value>
std::string always(const Options&) {
  return yes_no(Value);
}

std::string nothing(const Options&) {
  return "";
}

using Server = config::ServerOptions;

constexpr std::string_view eviction_names =
    "volatile-lru, volatile-lfu, volatile-random, volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, noeviction";

constexpr ConfigParameter table[] = {
    {"appendfsync", Kind::choice, Change::fixed,
     [](const Options& o) -> std::string { return o.simple_kv.sync_writes ? "always" : "everysec"; }, nullptr, 0, 0,
     "everysec, always, no"},
    {"appendonly", Kind::yes_no, Change::fixed, [](const Options& o) { return yes_no(is_durable(o)); }},
    {"bind", Kind::text, Change::fixed, [](const Options& o) { return joined(o.server.bind); }},
    {"client-output-buffer-limit",
     Kind::text,
     Change::live,
     read_output_limit,
     write_output_limit,
     0,
     0,
     {},
     "argument must be 'normal <bytes> 0 0' with 1mb to 16gb: sett has no other client classes and no soft limit"},
    {"client-query-buffer-limit",
     Kind::memory,
     Change::live,
     read_number<&Server::client_query_buffer_limit>,
     write_number<&Server::client_query_buffer_limit, 16ll << 30>,
     1 << 20,
     long_max,
     {},
     "argument must be at most 16gb"},
    {"cluster-enabled", Kind::yes_no, Change::immutable, always<false>},
    {"daemonize", Kind::yes_no, Change::immutable, always<false>},
    {"databases", Kind::integer, Change::immutable, read_number<&Server::databases>},
    {"dir", Kind::text, Change::fixed, [](const Options& o) { return o.server.data_dir; }},
    {"io-threads", Kind::integer, Change::immutable,
     [](const Options& o) {
       return std::to_string(o.server.threads > 0 ? o.server.threads
                                                  : static_cast<int64_t>(std::thread::hardware_concurrency()));
     }},
    {"logfile", Kind::text, Change::immutable, [](const Options& o) { return o.log.file; }},
    {"loglevel", Kind::choice, Change::live, read_level, write_level, 0, 0, "debug, verbose, notice, warning, nothing"},
    {"maxclients",
     Kind::integer,
     Change::live,
     read_number<&Server::maxclients>,
     write_number<&Server::maxclients, 1000000>,
     1,
     std::numeric_limits<uint32_t>::max(),
     {},
     "argument must be at most 1000000"},
    {"maxmemory", Kind::memory, Change::fixed, [](const Options& o) { return std::to_string(o.memory.max_memory); },
     nullptr, 0, long_max},
    {"maxmemory-clients",
     Kind::memory,
     Change::live,
     read_number<&Server::maxmemory_clients>,
     write_number<&Server::maxmemory_clients, 65536ll << 30>,
     0,
     long_max,
     {},
     "argument must be a number of bytes of at most 65536gb, not a percentage"},
    {"maxmemory-policy", Kind::choice, Change::fixed, [](const Options& o) { return o.memory.eviction; }, nullptr, 0, 0,
     eviction_names},
    {"notify-keyspace-events", Kind::text, Change::fixed, nothing},
    {"port", Kind::integer, Change::fixed, read_number<&Server::port>, nullptr, 0, 65535},
    {"proto-max-bulk-len",
     Kind::memory,
     Change::live,
     read_number<&Server::proto_max_bulk_len>,
     write_number<&Server::proto_max_bulk_len, 2ll << 30>,
     1 << 20,
     long_max,
     {},
     "argument must be at most 2gb"},
    {"protected-mode", Kind::yes_no, Change::live, [](const Options& o) { return yes_no(o.server.protected_mode); },
     [](Options& o, std::string_view, int64_t number) {
       o.server.protected_mode = number != 0;
       return true;
     }},
    {"replica-read-only", Kind::yes_no, Change::fixed, always<true>},
    {"requirepass", Kind::text, Change::live, [](const Options& o) { return o.server.requirepass; },
     [](Options& o, std::string_view value, int64_t) {
       o.server.requirepass = std::string(value);
       return true;
     }},
    {"save", Kind::text, Change::fixed,
     [](const Options& o) {
       const int64_t interval_s = o.simple_kv.snapshot_interval_ms / second;
       return is_durable(o) && interval_s > 0 ? std::to_string(interval_s) + " 1" : std::string();
     }},
    {"slave-read-only", Kind::yes_no, Change::fixed, always<true>},
    {"tcp-backlog", Kind::integer, Change::immutable, read_number<&Server::tcp_backlog>},
    {"tcp-keepalive",
     Kind::integer,
     Change::live,
     read_number<&Server::tcp_keepalive_ms, second>,
     write_number<&Server::tcp_keepalive_ms, 86400 * second, second>,
     0,
     int_max,
     {},
     "argument must be at most 86400"},
    {"timeout",
     Kind::integer,
     Change::live,
     read_number<&Server::timeout_ms, second>,
     write_number<&Server::timeout_ms, 365ll * 86400 * second, second>,
     0,
     int_max,
     {},
     "argument must be at most 31536000"},
    {"unixsocket", Kind::text, Change::immutable, [](const Options& o) { return o.server.unixsocket; }},
    {"unixsocketperm", Kind::text, Change::immutable, [](const Options& o) { return octal(o.server.unixsocketperm); }},
};

std::string range_text(const ConfigParameter& parameter) {
  return "argument must be between " + std::to_string(parameter.lowest) + " and " + std::to_string(parameter.highest) +
         " inclusive";
}

bool is_choice(std::string_view choices, std::string_view value) {
  while (!choices.empty()) {
    const size_t end = std::min(choices.find(", "), choices.size());
    if (protocol::equals_ignoring_case(choices.substr(0, end), value)) return true;
    choices.remove_prefix(std::min(end + 2, choices.size()));
  }
  return false;
}

// What Redis would say before it looks at what the value means. `number`: of all kinds but texts.
std::optional<std::string> check_form(const ConfigParameter& parameter, std::string_view value, int64_t& number) {
  switch (parameter.kind) {
    case Kind::yes_no:
      number = protocol::equals_ignoring_case(value, "yes") ? 1 : 0;
      if (number == 0 && !protocol::equals_ignoring_case(value, "no")) return "argument must be 'yes' or 'no'";
      return std::nullopt;
    case Kind::integer:
    case Kind::memory: {
      const auto parsed = parameter.kind == Kind::memory ? parse_memory(value) : protocol::parse_int64(value);
      if (!parsed)
        return parameter.kind == Kind::memory ? "argument must be a memory value"
                                              : "argument couldn't be parsed into an integer";
      if (*parsed < parameter.lowest || *parsed > parameter.highest) return range_text(parameter);
      number = *parsed;
      return std::nullopt;
    }
    case Kind::choice:
      if (is_choice(parameter.choices, value)) return std::nullopt;
      return "argument(s) must be one of the following: " + std::string(parameter.choices);
    case Kind::text:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::span<const ConfigParameter> config_parameters() {
  return table;
}

const ConfigParameter* find_config_parameter(std::string_view name) {
  for (const ConfigParameter& parameter : table)
    if (protocol::equals_ignoring_case(parameter.name, name)) return &parameter;
  return nullptr;
}

std::optional<std::string> assign_parameter(const ConfigParameter& parameter, std::string_view value,
                                            Options& options) {
  if (parameter.change == Change::immutable) return "can't set immutable config";
  int64_t number = 0;
  if (auto problem = check_form(parameter, value, number)) return problem;
  if (parameter.change == Change::live) {
    if (parameter.write(options, value, number)) return std::nullopt;
    return std::string(parameter.allowed);
  }
  const bool is_number = parameter.kind == Kind::integer || parameter.kind == Kind::memory;
  const std::string present = parameter.read(options);
  if (protocol::equals_ignoring_case(is_number ? std::to_string(number) : std::string(value), present))
    return std::nullopt;
  return "sett takes this from its configuration when it starts; it is '" + present + "'";
}

std::optional<int64_t> parse_memory(std::string_view text) {
  struct Unit {
    std::string_view name;
    int64_t bytes;
  };
  constexpr Unit units[] = {{"", 1},        {"b", 1},        {"k", 1000},         {"kb", 1 << 10},
                            {"m", 1000000}, {"mb", 1 << 20}, {"g", 1000000000ll}, {"gb", 1 << 30}};
  const size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const auto number = protocol::parse_int64(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (const Unit& unit : units) {
    if (!protocol::equals_ignoring_case(unit.name, text.substr(digits))) continue;
    if (*number > long_max / unit.bytes) return std::nullopt;
    return *number * unit.bytes;
  }
  return std::nullopt;
}

}  // namespace sett::server
