#include "config/yaml_reader.h"

#include <yaml-cpp/yaml.h>

#include <exception>

namespace sett::config {
namespace {

constexpr int depth_max = 6;
constexpr size_t nodes_max = 100000;

class Converter {
 public:
  // False: stopped; problem() says why.
  bool convert(const YAML::Node& from, int line, int depth, YamlNode& to) {
    if (++nodes_ > nodes_max) return fail(line, "too many values");
    if (depth > depth_max) return fail(line, "nested too deep");
    to.line = line;
    if (from.IsScalar()) {
      to.shape = YamlNode::Shape::scalar;
      to.text = from.Scalar();
    } else if (from.IsSequence()) {
      to.shape = YamlNode::Shape::list;
      for (const YAML::Node& item : from) {
        if (!convert(item, line_of(item, line), depth + 1, to.children.emplace_back())) return false;
      }
    } else if (from.IsMap()) {
      to.shape = YamlNode::Shape::map;
      for (const auto& field : from) {
        const int key_line = line_of(field.first, line);
        if (!field.first.IsScalar()) return fail(key_line, "a key that is not a plain name");
        YamlNode& child = to.children.emplace_back();
        child.key = field.first.Scalar();
        if (!convert(field.second, key_line, depth + 1, child)) return false;
      }
    }
    return true;
  }

  static int line_of(const YAML::Node& node, int fallback) {
    return node.Mark().is_null() ? fallback : node.Mark().line + 1;
  }

  const YamlProblem& problem() const { return problem_; }

 private:
  bool fail(int line, std::string what) {
    problem_ = {line, std::move(what)};
    return false;
  }

  size_t nodes_ = 0;
  YamlProblem problem_;
};

// yaml-cpp lets the end of the text close a quote. A document's end within a quote it refuses, so one is put behind the
// text.
constexpr std::string_view document_end = "\n...\n";

YamlDocument read_documents(const std::string& text) {
  YamlDocument result;
  const std::vector<YAML::Node> documents = YAML::LoadAll(text);
  if (documents.empty()) return result;
  if (documents.size() > 1) {
    result.problem = YamlProblem{Converter::line_of(documents[1], 0), "more than one document"};
    return result;
  }
  Converter converter;
  if (!converter.convert(documents[0], Converter::line_of(documents[0], 1), 0, result.root)) {
    result.problem = converter.problem();
  }
  return result;
}

// Whether every quote is closed; if not, the open one is the last value of the document.
bool quotes_are_closed(const std::string& text) {
  try {
    YAML::LoadAll(text + std::string(document_end));
  } catch (const YAML::Exception& error) {
    return error.msg != YAML::ErrorMsg::DOC_IN_SCALAR;
  }
  return true;
}

int last_line(const YamlNode& node) {
  return node.children.empty() ? node.line : last_line(node.children.back());
}

// The line of the first byte that no text file holds; 0: none. yaml-cpp takes 0x04 for the end of its input.
int line_of_control_byte(std::string_view text) {
  int line = 1;
  for (const char c : text) {
    if (c == '\n') ++line;
    if (c >= 0 && c < ' ' && c != '\n' && c != '\r' && c != '\t') return line;
  }
  return 0;
}

std::string one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';
  }
  return text;
}

}  // namespace

YamlDocument read_yaml(std::string_view text) {
  YamlDocument failed;
  if (const int line = line_of_control_byte(text); line != 0) {
    failed.problem = YamlProblem{line, "not YAML: a control byte"};
    return failed;
  }
  try {
    const std::string copy(text);
    YamlDocument document = read_documents(copy);
    if (!document.problem && !quotes_are_closed(copy)) {
      document.problem = YamlProblem{last_line(document.root), "not YAML: a quoted text without its end"};
    }
    return document;
  } catch (const YAML::Exception& error) {
    failed.problem = YamlProblem{error.mark.is_null() ? 0 : error.mark.line + 1, "not YAML: " + one_line(error.msg)};
  } catch (const std::exception& error) {
    failed.problem = YamlProblem{0, "not YAML: " + one_line(error.what())};
  }
  return failed;
}

}  // namespace sett::config
