#include "server/commands/command_syntax.h"

#include <catch2/catch.hpp>

#include "server/command.h"
#include "server/commands/command_replies.h"
#include "server/commands/key_specs.h"

namespace sett::server {
namespace {

// A node as text: name, its token before a ':', children in (), ? for optional, * for multiple, | between alternatives.
std::string shape(const std::vector<SyntaxNode>& nodes, const char* between = " ");
std::string shape(const SyntaxNode& node) {
  std::string text = node.token.empty() ? "" : node.token + ":";
  if (node.kind == SyntaxNode::Kind::pure_token)
    text = node.token;
  else if (node.kind == SyntaxNode::Kind::value)
    text += node.name;
  else
    text += "(" + shape(node.children, node.kind == SyntaxNode::Kind::one_of ? "|" : " ") + ")";
  return text + (node.optional ? "?" : "") + (node.multiple ? "*" : "");
}
std::string shape(const std::vector<SyntaxNode>& nodes, const char* between) {
  std::string text;
  for (const SyntaxNode& node : nodes) text += (text.empty() ? "" : between) + shape(node);
  return text;
}
std::string shape_of(std::string_view syntax) {
  const auto nodes = parse_syntax(syntax);
  return nodes ? shape(*nodes) : "malformed";
}

TEST_CASE("the syntax of a row is read as it is meant", "[command]") {
  CHECK(shape_of("").empty());
  CHECK(shape_of("key value") == "key value");
  CHECK(shape_of("key [key ...]") == "key*");
  CHECK(shape_of("key value [key value ...]") == "(key value)*");
  CHECK(shape_of("[message]") == "message?");
  CHECK(shape_of("[section [section ...]]") == "section?*");
  CHECK(shape_of("key [NX | XX] [GET]") == "key (NX|XX)? GET?");
  CHECK(shape_of("key [EX seconds | PX milliseconds | KEEPTTL]") == "key (EX:seconds|PX:milliseconds|KEEPTTL)?");
  CHECK(shape_of("[protover [AUTH username password] [SETNAME clientname]]") ==
        "(protover AUTH:(username password)? SETNAME:clientname?)?");
  CHECK(shape_of("[TYPE <NORMAL | MASTER>] [ID client-id [client-id ...]]") == "TYPE:(NORMAL|MASTER)? ID:client-id?*");
  CHECK(shape_of("<AND | OR | NOT> destkey key [key ...]") == "(AND|OR|NOT) destkey key*");
  CHECK(shape_of("<host port | NO ONE>") == "((host port)|(NO ONE))");
}

TEST_CASE("brackets that do not fit are told", "[command]") {
  for (const std::string_view wrong : {"[key", "key]", "<a | b", "a | b", "...", "[]", "[ | a]", "<a]"}) {
    INFO(wrong);
    CHECK(shape_of(wrong) == "malformed");
  }
}

TEST_CASE("every row has a syntax that can be read, a summary and flags that fit its kind", "[command]") {
  for (const CommandRow& row : CommandTable::instance().rows()) {
    INFO(row.name);
    CHECK(parse_syntax(row.syntax).has_value());
    CHECK_FALSE(row.summary.empty());
    CHECK_FALSE(row.since.empty());
    CHECK_FALSE(row.group.empty());
    const bool runs_by_itself = !CommandTable::instance().is_container(row);
    if (runs_by_itself) {
      CHECK((row.kind == CommandKind::server) == (row.server_handler != nullptr));
      CHECK((row.kind == CommandKind::server) == (row.handler == nullptr));
    }
    if (is_subcommand(row)) CHECK(find_command(CommandTable::instance(), row.name) == &row);
  }
}

TEST_CASE("keys are found by their specifications, with what happens to them", "[command]") {
  const auto keys = [](const std::vector<std::string_view>& command) {
    const CommandRow* row = CommandTable::instance().find(command[0]);
    REQUIRE(row);
    const auto found = find_keys(*row, command, 16);
    REQUIRE(found);
    std::string text;
    for (const KeyPosition& position : *found)
      text += std::string(position.key) + "=" + std::string(position.flags) + ";";
    return text;
  };
  CHECK(keys({"get", "k"}) == "k=RO access;");
  CHECK(keys({"set", "k", "v"}) == "k=OW update;");
  CHECK(keys({"SET", "k", "v", "get"}) == "k=RW access update;");
  CHECK(keys({"mset", "a", "1", "b", "2"}) == "a=OW update;b=OW update;");
  CHECK(keys({"bitop", "AND", "d", "a", "b"}) == "d=OW update;a=RO access;b=RO access;");
  CHECK(keys({"rename", "a", "b"}) == "a=RW access delete;b=OW update;");
  CHECK(keys({"del", "a", "b"}) == "a=RM delete;b=RM delete;");
}

}  // namespace
}  // namespace sett::server
