#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/options.h"

namespace sett::config {

// One row per setting: the file, the environment, the flags, describe() and the test of sett.yaml all read it. Only
// `buckets`, whose keys are the user's, is not here (bucket_rules.h).

enum class Kind : uint8_t { boolean, integer, size, duration, ratio, permission, text, choice, backend, list };

using Member = std::variant<bool*, int64_t*, double*, std::string*, std::vector<std::string>*>;
using ConstMember =
    std::variant<const bool*, const int64_t*, const double*, const std::string*, const std::vector<std::string>*>;

struct SettingRow {
  std::string_view name;  // "section.key"
  Kind kind;
  Member (*write)(Options&);
  ConstMember (*read)(const Options&);
  bool reloadable;  // SIGHUP may change it
  // Inclusive. Sizes in bytes, durations in ms, ratios in hundredths.
  int64_t lowest = 0, highest = 0;
  std::span<const std::string_view> choices = {};

  std::string_view section() const { return name.substr(0, name.find('.')); }
  std::string_view key() const { return name.substr(name.find('.') + 1); }
};

std::span<const SettingRow> settings_table();
const SettingRow* find_setting(std::string_view name);  // nullptr: none
std::span<const std::string_view> section_names();      // `buckets` included
std::span<const std::string_view> served_backends();    // what buckets can be kept in now

// Sets the member from text, or says what is wrong with the text (without what is allowed instead) and changes nothing.
std::optional<std::string> assign(const SettingRow& row, std::string_view text, Options& options);
// The same for a row of kind list.
std::optional<std::string> assign_list(const SettingRow& row, std::vector<std::string> items, Options& options);

std::string value_text(const SettingRow& row, const Options& options);  // assign() reads it back
std::string allowed_text(const SettingRow& row);

// What is wrong with a backend as a place for buckets. nullopt: nothing.
std::optional<std::string> backend_problem(std::string_view name);

}  // namespace sett::config
