#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/options.h"

namespace sett::config {

// One setting from outside the file: ("server.port", "7000").
using Override = std::pair<std::string, std::string>;

struct Loaded {
  Options options;
  std::vector<std::string>
      errors;  // each one line: "file:line: key: what is wrong; what is allowed"; empty: all is well
};

// Reads the YAML file (empty path: defaults only), then the environment (SETT_SERVER_PORT for server.port), then the
// flags: the later wins. Unknown keys, wrong types and values out of range are errors, all of them reported, never
// thrown. What the file server.requirepass_file holds is in options.server.requirepass afterwards. An error of an
// override begins with "environment: SETT_..." or "flag: --..." in place of file and line. With errors, the options are
// not to be used. `buckets` as an override is a YAML text, "{sessions: {backend: memory}}", and replaces the file's
// rules.
Loaded load(const std::string& path, const std::map<std::string, std::string>& environment,
            const std::vector<Override>& flags);

// Every setting by its dotted name, in the order of sett.yaml, `buckets` last, with its present value as text, its
// allowed range, and whether SIGHUP may change it.
struct Setting {
  std::string name;
  std::string value;
  std::string allowed;
  bool reloadable;
};
std::vector<Setting> describe(const Options& options);

// The names of settings that differ and that only a restart changes. A reload takes over everything else from `wanted`,
// and tells the user of these.
std::vector<std::string> restart_needed(const Options& running, const Options& wanted);
// `running` with every setting that a reload may change, and that differs between what was loaded `before` and what is
// loaded now: so that a change made while running stays, unless the file says something new.
Options reloaded(const Options& running, const Options& before, const Options& now);

// "64mb", "1gb", "512k", "10485760": k, m, g with optional b are powers of 1024. nullopt: not a size.
std::optional<int64_t> parse_size(std::string_view text);
// "5m", "1h30m", "250ms", "10s", "2d"; a bare number counts in `bare_unit_ms`. Milliseconds. nullopt: not a duration.
std::optional<int64_t> parse_duration_ms(std::string_view text, int64_t bare_unit_ms = 1000);

}  // namespace sett::config
