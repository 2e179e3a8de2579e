#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "config/load_state.h"
#include "config/yaml_reader.h"

namespace sett::config {

// "file:line: name" for a node, or whatever names the place in another source.
using Where = std::function<std::string(const YamlNode& node, std::string_view name)>;

// The map behind `buckets`: name or glob -> {backend: X}. Replaces the rules that are in the options.
void apply_bucket_rules(const YamlNode& section, const Where& where, LoadState& state);

// The same from the text of an override, as YAML: "{sessions: {backend: memory}}".
void apply_bucket_rules_text(std::string_view text, const std::string& place, LoadState& state);

// The rules as such a text.
std::string bucket_rules_text(const std::vector<BucketRule>& rules);
std::string bucket_rules_allowed();

}  // namespace sett::config
