#include "config/nearest_name.h"

#include <algorithm>
#include <vector>

#include "config/settings_table.h"

namespace sett::config {
namespace {

// Keys longer than this are not somebody's slip.
constexpr size_t compared_bytes_max = 100;

}  // namespace

// Three rows of the usual table: the swap looks two rows back.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), above(b.size() + 1), current(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({replace, above[j] + 1, current[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        current[j] = std::min(current[j], before[j - 2] + 1);
    }
    before.swap(above);
    above.swap(current);
  }
  return above[b.size()];
}

std::string nearest_name(std::string_view name, std::span<const std::string> candidates) {
  if (name.size() > compared_bytes_max) return "";
  std::string best;
  size_t best_distance = 1 + name.size() / 5;
  for (const std::string& candidate : candidates) {
    const size_t distance = edit_distance(name, candidate);
    if (distance <= best_distance && (best.empty() || distance < best_distance)) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string unknown_setting_hint(std::string_view dotted_name) {
  const size_t dot = dotted_name.find('.');
  const std::string_view section = dot == std::string_view::npos ? std::string_view() : dotted_name.substr(0, dot);
  const std::string_view key = dot == std::string_view::npos ? dotted_name : dotted_name.substr(dot + 1);

  std::vector<std::string> names;
  std::string keys_of_section, other_section;
  for (const SettingRow& row : settings_table()) {
    names.emplace_back(row.name);
    if (row.section() == section) keys_of_section += (keys_of_section.empty() ? "" : ", ") + std::string(row.key());
    if (row.key() == key && other_section.empty()) other_section = row.name;
  }
  std::string sections;
  for (const std::string_view name : section_names()) {
    if (section.empty()) names.emplace_back(name);
    sections += (sections.empty() ? "" : ", ") + std::string(name);
  }

  std::string meant = nearest_name(dotted_name, names);
  if (meant.empty()) meant = other_section;
  if (!meant.empty()) return "did you mean " + meant + "?";
  return "allowed: " + (keys_of_section.empty() ? sections : keys_of_section);
}

}  // namespace sett::config
