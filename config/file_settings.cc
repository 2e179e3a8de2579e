#include "config/file_settings.h"

#include <algorithm>

#include "config/bucket_rules.h"
#include "config/nearest_name.h"
#include "config/settings_table.h"
#include "config/small_file.h"
#include "config/value_text.h"
#include "config/yaml_reader.h"

namespace sett::config {
namespace {

constexpr size_t file_bytes_max = 1 << 20;

class FileSettings {
 public:
  FileSettings(const std::string& path, LoadState& state) : path_(path), state_(state) {}

  void apply_document(const YamlNode& root) {
    if (root.shape == YamlNode::Shape::null) return;
    if (root.shape != YamlNode::Shape::map) {
      return state_.error(path_ + ":" + std::to_string(root.line), "not a map of sections", section_hint());
    }
    for (const YamlNode& section : root.children) {
      if (!first_of_its_name(root, section, section.key)) continue;
      if (section.key == "buckets") {
        apply_buckets(section);
      } else if (is_section(section.key)) {
        apply_section(section);
      } else {
        state_.error(where(section, section.key), "unknown section", unknown_setting_hint(section.key));
      }
    }
  }

 private:
  static bool is_section(std::string_view name) {
    const auto names = section_names();
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  static std::string section_hint() {
    std::string out;
    for (const std::string_view name : section_names()) out += (out.empty() ? "allowed: " : ", ") + std::string(name);
    return out;
  }

  std::string where(const YamlNode& node, std::string_view name) const {
    const std::string shown = quoted(name);
    return path_ + ":" + std::to_string(node.line) + ": " + shown.substr(1, shown.size() - 2);
  }

  // Reports a second field of the same name; the first one stays.
  bool first_of_its_name(const YamlNode& parent, const YamlNode& field, std::string_view name) {
    const auto first = std::find_if(parent.children.begin(), parent.children.end(),
                                    [&](const YamlNode& other) { return other.key == field.key; });
    if (&*first == &field) return true;
    state_.error(where(field, name), "given twice, first in line " + std::to_string(first->line), "allowed: once");
    return false;
  }

  void apply_buckets(const YamlNode& section) {
    apply_bucket_rules(
        section, [&](const YamlNode& node, std::string_view name) { return where(node, name); }, state_);
  }

  void apply_section(const YamlNode& section) {
    if (section.shape == YamlNode::Shape::null) return;
    if (section.shape != YamlNode::Shape::map) {
      return state_.error(where(section, section.key), "not a map of settings",
                          unknown_setting_hint(section.key + "."));
    }
    for (const YamlNode& field : section.children) {
      const std::string name = section.key + "." + field.key;
      if (!first_of_its_name(section, field, name)) continue;
      if (const SettingRow* row = find_setting(name)) {
        apply_setting(*row, field);
      } else {
        state_.error(where(field, name), "unknown setting", unknown_setting_hint(name));
      }
    }
  }

  void apply_setting(const SettingRow& row, const YamlNode& field) {
    const std::string place = where(field, row.name);
    if (const std::optional<std::string> wrong = assign_node(row, field)) {
      return state_.error(place, *wrong, "allowed: " + allowed_text(row));
    }
    state_.origins[std::string(row.name)] = place;
  }

  std::optional<std::string> assign_node(const SettingRow& row, const YamlNode& field) {
    switch (field.shape) {
      case YamlNode::Shape::scalar:
        return assign(row, field.text, state_.options);
      case YamlNode::Shape::null:
        return row.kind == Kind::text ? "has no value (write \"\" for none)" : "has no value";
      case YamlNode::Shape::map:
        return "is a map, not a value";
      case YamlNode::Shape::list:
        break;
    }
    if (row.kind != Kind::list) return "is a list, not a value";
    std::vector<std::string> items;
    for (const YamlNode& item : field.children) {
      if (item.shape != YamlNode::Shape::scalar) return "holds an item that is not a text";
      items.push_back(item.text);
    }
    return assign_list(row, std::move(items), state_.options);
  }

  const std::string& path_;
  LoadState& state_;
};

}  // namespace

void apply_file(const std::string& path, LoadState& state) {
  const SmallFile file = read_small_file(path, file_bytes_max);
  if (!file.problem.empty()) return state.error(path, file.problem, "allowed: a readable YAML file");
  const YamlDocument document = read_yaml(file.bytes);
  if (document.problem) {
    const int line = document.problem->line;
    return state.error(line == 0 ? path : path + ":" + std::to_string(line), document.problem->what, "");
  }
  FileSettings(path, state).apply_document(document.root);
}

}  // namespace sett::config
