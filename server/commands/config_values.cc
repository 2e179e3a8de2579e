#include "server/commands/config_values.h"

#include "config/load.h"
#include "config/settings_table.h"
#include "protocol/glob.h"
#include "protocol/number_text.h"
#include "server/commands/config_parameters.h"
#include "server/commands/errors.h"

namespace sett::server {
namespace {

using protocol::equals_ignoring_case;

std::vector<ConfigPair> all_config(const config::Options& options) {
  std::vector<ConfigPair> all;
  for (const ConfigParameter& parameter : config_parameters())
    all.emplace_back(parameter.name, parameter.read(options));
  for (config::Setting& setting : config::describe(options))
    all.emplace_back(std::move(setting.name), std::move(setting.value));
  return all;
}

const config::SettingRow* find_dotted(std::string_view name) {
  for (const config::SettingRow& row : config::settings_table())
    if (equals_ignoring_case(row.name, name)) return &row;
  return nullptr;
}

std::optional<std::string> assign_dotted(const config::SettingRow& row, std::string_view value,
                                         config::Options& options) {
  if (row.name == "server.requirepass_file") return "SIGHUP makes sett read the password file again";
  if (!row.reloadable) return "can't set immutable config";
  if (const auto problem = config::assign(row, value, options))
    return *problem + "; allowed: " + config::allowed_text(row);
  return std::nullopt;
}

std::optional<std::string> failed(std::string_view name, std::string_view why) {
  return "ERR CONFIG SET failed (possibly related to argument '" + shown_word(name) + "') - " + std::string(why);
}

// Names first, as Redis: an unknown, unchangeable or repeated one is told before any value is looked at.
std::optional<std::string> check_names(std::span<const std::string_view> pairs) {
  for (size_t i = 0; i < pairs.size(); i += 2) {
    const std::string_view name = pairs[i];
    const ConfigParameter* parameter = find_config_parameter(name);
    const config::SettingRow* row = parameter ? nullptr : find_dotted(name);
    const bool is_rules = equals_ignoring_case(name, "buckets");
    if (!parameter && !row && !is_rules)
      return "ERR Unknown option or number of arguments for CONFIG SET - '" + shown_word(name) + "'";
    if (is_rules || (row && !row->reloadable) || (parameter && parameter->change == ConfigParameter::Change::immutable))
      return failed(name, "can't set immutable config");
    for (size_t j = 0; j < i; j += 2)
      if (equals_ignoring_case(pairs[j], name)) return failed(name, "duplicate parameter");
  }
  return std::nullopt;
}

}  // namespace

std::vector<ConfigPair> matching_config(const config::Options& options, std::span<const std::string_view> patterns) {
  std::vector<ConfigPair> all = all_config(options);
  std::vector<bool> wanted(all.size());
  for (const std::string_view pattern : patterns) {
    const bool is_glob = pattern.find_first_of("[*?") != std::string_view::npos;
    for (size_t i = 0; i < all.size(); ++i) {
      if (wanted[i]) continue;
      wanted[i] =
          is_glob ? protocol::glob_matches(pattern, all[i].first, true) : equals_ignoring_case(pattern, all[i].first);
      if (wanted[i] && !is_glob) all[i].first = std::string(pattern);
    }
  }
  std::vector<ConfigPair> found;
  for (size_t i = 0; i < all.size(); ++i)
    if (wanted[i]) found.push_back(std::move(all[i]));
  return found;
}

std::optional<std::string> change_config(config::Options& options, std::span<const std::string_view> names_and_values) {
  if (auto problem = check_names(names_and_values)) return problem;
  config::Options changed = options;
  for (size_t i = 0; i < names_and_values.size(); i += 2) {
    const std::string_view name = names_and_values[i], value = names_and_values[i + 1];
    const ConfigParameter* parameter = find_config_parameter(name);
    const auto problem =
        parameter ? assign_parameter(*parameter, value, changed) : assign_dotted(*find_dotted(name), value, changed);
    if (problem) return failed(name, *problem);
  }
  options = std::move(changed);
  return std::nullopt;
}

}  // namespace sett::server
