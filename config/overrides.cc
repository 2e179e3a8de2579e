#include "config/overrides.h"

#include "config/bucket_rules.h"
#include "config/nearest_name.h"
#include "config/settings_table.h"
#include "config/value_text.h"

namespace sett::config {
namespace {

void apply_override(std::string_view name, std::string_view value, const std::string& place, LoadState& state) {
  if (name == "buckets") return apply_bucket_rules_text(value, place, state);
  const SettingRow* row = find_setting(name);
  if (row == nullptr) return state.error(place, "unknown setting", unknown_setting_hint(name));
  if (const std::optional<std::string> wrong = assign(*row, value, state.options)) {
    return state.error(place, *wrong, "allowed: " + allowed_text(*row));
  }
  state.origins[std::string(name)] = place;
}

// The setting that a variable stands for; one that is not there under the name it would have; empty: not ours.
std::string setting_of_variable(std::string_view variable) {
  for (const SettingRow& row : settings_table()) {
    if (environment_name(row.name) == variable) return std::string(row.name);
  }
  if (variable == environment_name("buckets")) return "buckets";
  for (const std::string_view section : section_names()) {
    const std::string prefix = environment_name(section) + "_";
    if (!variable.starts_with(prefix)) continue;
    std::string name = std::string(section) + ".";
    for (const char c : variable.substr(prefix.size()))
      name += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return name;
  }
  return "";
}

}  // namespace

std::string environment_name(std::string_view setting) {
  std::string out = "SETT_";
  for (const char c : setting) out += c == '.' ? '_' : c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return out;
}

void apply_environment(const std::map<std::string, std::string>& environment, LoadState& state) {
  for (const auto& [variable, value] : environment) {
    const std::string name = setting_of_variable(variable);
    if (!name.empty()) apply_override(name, value, "environment: " + variable, state);
  }
}

void apply_flags(const std::vector<Override>& flags, LoadState& state) {
  for (const auto& [name, value] : flags) {
    const std::string shown = quoted(name);
    apply_override(name, value, "flag: --" + shown.substr(1, shown.size() - 2), state);
  }
}

}  // namespace sett::config
