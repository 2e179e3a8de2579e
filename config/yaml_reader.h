#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sett::config {

// A YAML document as a plain tree, so that no other file sees yaml-cpp or its exceptions. Scalars are the text as
// written (quotes and escapes resolved); what they mean is for the settings table to say. Fields keep their order and
// duplicates.
struct YamlNode {
  enum class Shape : uint8_t { null, scalar, list, map };
  Shape shape = Shape::null;
  int line = 0;                    // from 1; of a map's field: where its key stands
  std::string key;                 // of a map's field
  std::string text;                // of a scalar
  std::vector<YamlNode> children;  // of a list or map
};

struct YamlProblem {
  int line = 0;  // 0: unknown
  std::string what;
};

struct YamlDocument {
  YamlNode root;  // null if the text is empty
  std::optional<YamlProblem> problem;
};

// Reads one document. Nesting, and aliases that multiply, are bounded. Never throws.
YamlDocument read_yaml(std::string_view text);

}  // namespace sett::config
