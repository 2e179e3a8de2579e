#include "config/bucket_rules.h"

#include <algorithm>
#include <optional>

#include "config/settings_table.h"
#include "config/value_text.h"

namespace sett::config {
namespace {

constexpr size_t pattern_bytes_max = 255;  // as of a bucket's name

std::string backends_hint() {
  std::string out = "allowed: ";
  for (const std::string_view name : served_backends()) out += (out.ends_with(": ") ? "" : ", ") + std::string(name);
  return out;
}

// One entry of the map. nullopt: reported.
std::optional<BucketRule> read_rule(const YamlNode& entry, const Where& where, LoadState& state) {
  const std::string shown = quoted(entry.key);
  const std::string name = "buckets." + shown.substr(1, shown.size() - 2);
  if (entry.key.empty() || entry.key.size() > pattern_bytes_max) {
    state.error(where(entry, name), "not a bucket name", "allowed: 1..255 bytes");
    return std::nullopt;
  }
  if (entry.shape != YamlNode::Shape::map) {
    state.error(where(entry, name), "is not a map", "allowed: " + bucket_rules_allowed());
    return std::nullopt;
  }
  std::optional<std::string> backend;
  bool good = true;
  const auto wrong = [&](const YamlNode& node, const std::string& of, const std::string& what,
                         const std::string& hint) {
    state.error(where(node, of), what, hint);
    good = false;
  };
  for (const YamlNode& field : entry.children) {
    const std::string field_name = name + "." + field.key;
    if (field.key != "backend") {
      wrong(field, field_name, "unknown setting", "allowed: backend");
    } else if (backend) {
      wrong(field, field_name, "given twice", "allowed: once");
    } else if (field.shape != YamlNode::Shape::scalar) {
      wrong(field, field_name, "is not a name", backends_hint());
    } else {
      backend = field.text;
      if (const auto problem = backend_problem(field.text)) wrong(field, field_name, *problem, backends_hint());
    }
  }
  if (good && !backend) wrong(entry, name, "names no backend", "allowed: " + bucket_rules_allowed());
  if (!good) return std::nullopt;
  return BucketRule{entry.key, *backend};
}

}  // namespace

std::string bucket_rules_allowed() {
  return "name or glob: {backend: one of the served}";
}

void apply_bucket_rules(const YamlNode& section, const Where& where, LoadState& state) {
  std::vector<BucketRule> rules;
  if (section.shape != YamlNode::Shape::null && section.shape != YamlNode::Shape::map) {
    return state.error(where(section, "buckets"), "is not a map", "allowed: " + bucket_rules_allowed());
  }
  for (const YamlNode& entry : section.children) {
    std::optional<BucketRule> rule = read_rule(entry, where, state);
    if (!rule) continue;
    const bool known = std::any_of(rules.begin(), rules.end(),
                                   [&](const BucketRule& other) { return other.pattern == rule->pattern; });
    if (known) {
      const std::string shown = quoted(entry.key);
      state.error(where(entry, "buckets." + shown.substr(1, shown.size() - 2)), "given twice", "allowed: once");
      continue;
    }
    state.origins["buckets." + rule->pattern] = where(entry, "buckets." + rule->pattern);
    rules.push_back(std::move(*rule));
  }
  state.options.buckets = std::move(rules);
}

void apply_bucket_rules_text(std::string_view text, const std::string& place, LoadState& state) {
  const YamlDocument document = read_yaml(text);
  if (document.problem) return state.error(place, document.problem->what, "allowed: {" + bucket_rules_allowed() + "}");
  const Where where = [&](const YamlNode&, std::string_view name) {
    return name == "buckets" ? place : place + ": " + std::string(name);
  };
  apply_bucket_rules(document.root, where, state);
}

std::string bucket_rules_text(const std::vector<BucketRule>& rules) {
  std::string out = "{";
  for (const BucketRule& rule : rules) {
    if (out.size() > 1) out += ", ";
    out += '"';
    for (const char c : rule.pattern) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
    out += "\": {backend: " + rule.backend + "}";
  }
  return out + "}";
}

}  // namespace sett::config
