#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sett::server {

// An argument of a command as COMMAND DOCS tells it.
struct SyntaxNode {
  enum class Kind : uint8_t { value, pure_token, one_of, block };
  Kind kind = Kind::value;
  std::string name;   // lower case
  std::string token;  // the word that goes before it, or that it is; empty: none
  bool optional = false, multiple = false;
  std::vector<SyntaxNode> children;  // of one_of and block
};

// Reads the `syntax` of a row:
//   words     in lower case are values, in upper case words to be written so; one of these belongs to the value behind
//   it,
//             and at the beginning of a bracket or an alternative to all values there ("[AUTH username password]")
//   [ ... ]   may be left out;  < ... >  groups;  |  separates alternatives inside either
//   ...       may come more than once; "key value [key value ...]" is the pair that may
// nullopt: brackets that do not fit, or a `...` behind nothing.
std::optional<std::vector<SyntaxNode>> parse_syntax(std::string_view syntax);

}  // namespace sett::server
