#include "server/commands/command_syntax.h"

#include <algorithm>
#include <cctype>

namespace sett::server {
namespace {

using Kind = SyntaxNode::Kind;
using Nodes = std::vector<SyntaxNode>;

constexpr std::string_view punctuation = "[]<>|";

std::vector<std::string_view> split(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    if (text[0] == ' ') {
      text.remove_prefix(1);
      continue;
    }
    const bool is_mark = punctuation.find(text[0]) != std::string_view::npos;
    const size_t bytes = is_mark ? 1 : std::min(text.find_first_of("[]<>| "), text.size());
    words.push_back(text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
  return words;
}

bool is_token(std::string_view word) {
  return std::any_of(word.begin(), word.end(), [](char c) { return c >= 'A' && c <= 'Z'; }) &&
         std::none_of(word.begin(), word.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

std::string lower_cased(std::string_view word) {
  std::string lower(word);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return lower;
}

class Parser {
 public:
  explicit Parser(std::string_view syntax) : words_(split(syntax)) {}

  std::optional<Nodes> parse() {
    Nodes nodes;
    if (!read_sequence(nodes, false) || at_ < words_.size()) return std::nullopt;
    return nodes;
  }

 private:
  bool at_end() const { return at_ == words_.size(); }
  std::string_view next() const { return at_end() ? std::string_view() : words_[at_]; }
  bool take(std::string_view word) {
    if (next() != word) return false;
    ++at_;
    return true;
  }
  bool is_sequence_end() const { return at_end() || next() == "]" || next() == ">" || next() == "|"; }

  // One alternative, up to the bracket or bar that ends it.
  bool read_sequence(Nodes& nodes, bool in_bracket) {
    while (!is_sequence_end()) {
      if (next() == "...") {
        if (nodes.empty()) return false;
        ++at_;
        // In a bracket all that stands before it repeats; the bracket's node is marked by the caller.
        if (in_bracket && is_sequence_end())
          repeats_ = true;
        else
          nodes.back().multiple = true;
        continue;
      }
      if (!read_node(nodes, in_bracket)) return false;
    }
    return true;
  }

  bool read_node(Nodes& nodes, bool in_bracket) {
    if (take("[")) return read_optional(nodes);
    if (take("<")) {
      SyntaxNode group;
      if (!read_group(group, ">")) return false;
      nodes.push_back(std::move(group));
      return true;
    }
    const std::string_view word = words_[at_++];
    if (!is_token(word)) {
      nodes.push_back({.kind = Kind::value, .name = lower_cased(word)});
      return true;
    }
    return read_token(word, nodes, in_bracket);
  }

  // A word to be written as it is, with the values that belong to it.
  bool read_token(std::string_view word, Nodes& nodes, bool in_bracket) {
    const bool takes_all = in_bracket && nodes.empty();
    Nodes values;
    while (!is_sequence_end() && next() != "..." && next() != "[" && !is_token(next()) && (values.empty() || takes_all))
      if (!read_node(values, false)) return false;
    // "ID client-id [client-id ...]": the repetition is the value's.
    if (!values.empty() && next() == "[" && at_ + 1 < words_.size() && words_[at_ + 1] == values.back().name) {
      ++at_;
      if (!read_optional(values)) return false;
    }
    SyntaxNode node;
    if (values.empty()) {
      node.kind = Kind::pure_token;
      node.name = lower_cased(word);
    } else if (values.size() == 1 && values[0].token.empty()) {
      node = std::move(values[0]);
    } else {
      node.kind = Kind::block;
      node.name = lower_cased(word);
      node.children = std::move(values);
    }
    node.token = std::string(word);
    nodes.push_back(std::move(node));
    return true;
  }

  // Behind '[': what may be left out, or a repetition of what stands before it.
  bool read_optional(Nodes& nodes) {
    SyntaxNode group;
    if (!read_group(group, "]")) return false;
    if (group.multiple && repeat_tail(nodes, group)) return true;
    group.optional = true;
    nodes.push_back(std::move(group));
    return true;
  }

  // "key value [key value ...]"
  static bool repeat_tail(Nodes& nodes, const SyntaxNode& group) {
    const Nodes single{group};
    const Nodes& again = group.kind == Kind::block && group.token.empty() ? group.children : single;
    if (nodes.size() < again.size()) return false;
    const auto tail = nodes.end() - static_cast<std::ptrdiff_t>(again.size());
    if (!std::equal(again.begin(), again.end(), tail,
                    [](const SyntaxNode& a, const SyntaxNode& b) { return a.name == b.name && a.token == b.token; }))
      return false;
    if (again.size() == 1) {
      nodes.back().multiple = true;
      return true;
    }
    SyntaxNode block{.kind = Kind::block, .name = "data", .multiple = true, .children = Nodes(tail, nodes.end())};
    nodes.erase(tail, nodes.end());
    nodes.push_back(std::move(block));
    return true;
  }

  // Behind an opening bracket: everything up to its end, as one node.
  bool read_group(SyntaxNode& group, std::string_view end) {
    Nodes alternatives;
    bool repeats = false;
    do {
      Nodes sequence;
      repeats_ = false;
      if (!read_sequence(sequence, true) || sequence.empty()) return false;
      repeats = repeats || repeats_;
      repeats_ = false;
      alternatives.push_back(as_one(std::move(sequence)));
    } while (take("|"));
    if (!take(end)) return false;
    if (alternatives.size() == 1) {
      group = std::move(alternatives[0]);
    } else {
      group.kind = Kind::one_of;
      for (const SyntaxNode& alternative : alternatives)
        group.name += (group.name.empty() ? "" : "-") + alternative.name;
      group.children = std::move(alternatives);
    }
    group.multiple = group.multiple || repeats;
    return true;
  }

  static SyntaxNode as_one(Nodes sequence) {
    if (sequence.size() == 1) return std::move(sequence[0]);
    return {.kind = Kind::block, .name = sequence[0].name, .children = std::move(sequence)};
  }

  const std::vector<std::string_view> words_;
  size_t at_ = 0;
  bool repeats_ = false;
};

}  // namespace

std::optional<Nodes> parse_syntax(std::string_view syntax) {
  return Parser(syntax).parse();
}

}  // namespace sett::server
