#include "config/load.h"

#include "config/bucket_rules.h"
#include "config/checks.h"
#include "config/file_settings.h"
#include "config/overrides.h"
#include "config/settings_table.h"

namespace sett::config {

Loaded load(const std::string& path, const std::map<std::string, std::string>& environment,
            const std::vector<Override>& flags) {
  LoadState state;
  if (!path.empty()) apply_file(path, state);
  apply_environment(environment, state);
  apply_flags(flags, state);
  if (state.errors.empty()) {
    check_together(state);
    read_password_file(state);
  }
  return {std::move(state.options), std::move(state.errors)};
}

std::vector<Setting> describe(const Options& options) {
  std::vector<Setting> out;
  for (const SettingRow& row : settings_table()) {
    out.push_back({std::string(row.name), value_text(row, options), allowed_text(row), row.reloadable});
  }
  out.push_back({"buckets", bucket_rules_text(options.buckets), bucket_rules_allowed(), false});
  return out;
}

std::vector<std::string> restart_needed(const Options& running, const Options& wanted) {
  std::vector<std::string> out;
  const std::vector<Setting> before = describe(running), after = describe(wanted);
  for (size_t i = 0; i < before.size(); ++i) {
    if (!before[i].reloadable && before[i].value != after[i].value) out.push_back(before[i].name);
  }
  return out;
}

Options reloaded(const Options& running, const Options& before, const Options& now) {
  Options options = running;
  Options source = now;
  for (const SettingRow& row : settings_table()) {
    if (!row.reloadable || value_text(row, before) == value_text(row, now)) continue;
    std::visit(
        [&](auto* to) {
          using Pointer = decltype(to);
          *to = *std::get<Pointer>(row.write(source));
        },
        row.write(options));
  }
  return options;
}

}  // namespace sett::config
