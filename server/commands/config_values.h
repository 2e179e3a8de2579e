#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/options.h"

namespace sett::server {

// CONFIG GET and CONFIG SET over plain options: Redis's names and, behind them, all dotted names of sett.yaml.

using ConfigPair = std::pair<std::string, std::string>;

// All parameters that a pattern fits, each once. A pattern without wildcards comes back as it was written, as in Redis.
std::vector<ConfigPair> matching_config(const config::Options& options, std::span<const std::string_view> patterns);

// Sets all of them (name, value, name, value, ...), or none and says why not in Redis's words (with "ERR").
std::optional<std::string> change_config(config::Options& options, std::span<const std::string_view> names_and_values);

}  // namespace sett::server
