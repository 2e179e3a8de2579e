#include "server/commands/command_replies.h"

#include <algorithm>
#include <string>

#include "server/commands/command_syntax.h"
#include "server/commands/key_specs.h"

namespace sett::server {
namespace {

using protocol::ReplyWriter;
using Kind = SyntaxNode::Kind;

struct FlagName {
  uint32_t flag;
  std::string_view name;
};
// In Redis's order.
constexpr FlagName flag_names[] = {
    {flag_write, "write"},
    {flag_readonly, "readonly"},
    {flag_denyoom, "denyoom"},
    {flag_admin, "admin"},
    {flag_pubsub, "pubsub"},
    {flag_noscript, "noscript"},
    {flag_blocking, "blocking"},
    {flag_loading, "loading"},
    {flag_stale, "stale"},
    {flag_skip_monitor, "skip_monitor"},
    {flag_skip_slowlog, "skip_slowlog"},
    {flag_fast, "fast"},
    {flag_no_auth, "no_auth"},
    {flag_no_async_loading, "no_async_loading"},
    {flag_no_multi, "no_multi"},
    {flag_movablekeys, "movablekeys"},
    {flag_allow_busy, "allow_busy"},
};

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    if (end > 0) words.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return words;
}

void write_flags(ReplyWriter& reply, uint32_t flags) {
  size_t count = 0;
  for (const FlagName& name : flag_names) count += (flags & name.flag) ? 1 : 0;
  reply.set(count);
  for (const FlagName& name : flag_names)
    if (flags & name.flag) reply.simple(name.name);
}

void write_key_spec(ReplyWriter& reply, const CommandRow& row, const KeySpec& spec) {
  reply.map(3);
  reply.bulk("flags");
  write_words(reply, std::string(spec.flags) + (has_variable_key_flags(row) ? " variable_flags" : ""));
  reply.bulk("begin_search");
  reply.map(2);
  reply.bulk("type");
  reply.bulk("index");
  reply.bulk("spec");
  reply.map(1);
  reply.bulk("index");
  reply.integer(spec.first);
  reply.bulk("find_keys");
  reply.map(2);
  reply.bulk("type");
  reply.bulk("range");
  reply.bulk("spec");
  reply.map(3);
  reply.bulk("lastkey");
  reply.integer(spec.last);
  reply.bulk("keystep");
  reply.integer(spec.step);
  reply.bulk("limit");
  reply.integer(0);
}

// --- Documentation

bool is_one_of(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_key_name(std::string_view name) {
  return is_one_of(name, {"key", "key1", "key2", "newkey", "destkey", "destination", "source"});
}

std::string_view value_type(const CommandRow& row, std::string_view name) {
  if (names_keys(row) && is_key_name(name)) return "key";
  if (name.starts_with("unix-time")) return "unix-time";
  if (name == "pattern") return "pattern";
  if (is_one_of(name, {"seconds",  "milliseconds",  "ms",     "increment", "decrement",      "offset",
                       "start",    "end",           "count",  "cursor",    "numreplicas",    "timeout",
                       "index",    "index1",        "index2", "db",        "destination-db", "client-id",
                       "protover", "min-match-len", "maxage", "bit",       "version"}))
    return "integer";
  return "string";
}

std::string_view kind_name(const CommandRow& row, const SyntaxNode& node) {
  switch (node.kind) {
    case Kind::value:
      return value_type(row, node.name);
    case Kind::pure_token:
      return "pure-token";
    case Kind::one_of:
      return "oneof";
    case Kind::block:
      return "block";
  }
  return "string";
}

class ArgumentWriter {
 public:
  ArgumentWriter(ReplyWriter& reply, const CommandRow& row) : reply_(reply), row_(row), specs_(key_specs(row).size()) {}

  void write(const std::vector<SyntaxNode>& nodes) {
    reply_.array(nodes.size());
    for (const SyntaxNode& node : nodes) write(node);
  }

 private:
  void write(const SyntaxNode& node) {
    const std::string_view type = kind_name(row_, node);
    const bool is_value = node.kind == Kind::value;
    const bool is_key = is_value && type == "key" && specs_ > 0;
    reply_.map(2 + (is_value ? 1u : 0u) + (is_key ? 1u : 0u) + (node.token.empty() ? 0u : 1u) +
               (node.optional || node.multiple ? 1u : 0u) + (node.children.empty() ? 0u : 1u));
    field("name", node.name);
    field("type", type);
    if (is_value) field("display_text", node.name);
    if (is_key) {
      reply_.bulk("key_spec_index");
      reply_.integer(static_cast<int64_t>(std::min(keys_seen_++, specs_ - 1)));
    }
    if (!node.token.empty()) field("token", node.token);
    if (node.optional || node.multiple) {
      reply_.bulk("flags");
      write_words(reply_, node.optional && node.multiple ? "optional multiple"
                          : node.optional                ? "optional"
                                                         : "multiple");
    }
    if (node.children.empty()) return;
    reply_.bulk("arguments");
    write(node.children);
  }
  void field(std::string_view name, std::string_view value) {
    reply_.bulk(name);
    reply_.bulk(value);
  }

  ReplyWriter& reply_;
  const CommandRow& row_;
  const size_t specs_;
  size_t keys_seen_ = 0;
};

}  // namespace

const CommandRow* find_command(const CommandTable& table, std::string_view name) {
  const size_t bar = name.find('|');
  const CommandRow* row = table.find(name.substr(0, bar));
  if (!row || bar == std::string_view::npos) return row;
  return table.is_container(*row) ? table.find_subcommand(*row, name.substr(bar + 1)) : nullptr;
}

bool is_subcommand(const CommandRow& row) {
  return row.name.find('|') != std::string_view::npos;
}

std::vector<const CommandRow*> subcommands_of(const CommandTable& table, const CommandRow& row) {
  std::vector<const CommandRow*> found;
  if (is_subcommand(row)) return found;
  for (const CommandRow& other : table.rows())
    if (other.name.size() > row.name.size() && other.name.starts_with(row.name) && other.name[row.name.size()] == '|')
      found.push_back(&other);
  return found;
}

void write_words(ReplyWriter& reply, std::string_view words) {
  const auto split = split_words(words);
  reply.set(split.size());
  for (const std::string_view word : split) reply.simple(word);
}

void write_command_info(ReplyWriter& reply, const CommandTable& table, const CommandRow& row) {
  reply.array(10);
  reply.bulk(row.name);
  reply.integer(row.arity);
  write_flags(reply, row.flags);
  reply.integer(row.first_key);
  reply.integer(row.last_key);
  reply.integer(row.key_step);
  write_words(reply, row.acl);
  reply.set(0);  // tips are for proxies of clusters
  const auto specs = key_specs(row);
  reply.set(specs.size());
  for (const KeySpec& spec : specs) write_key_spec(reply, row, spec);
  const auto subcommands = subcommands_of(table, row);
  if (subcommands.empty()) return reply.set(0);
  reply.array(subcommands.size());
  for (const CommandRow* subcommand : subcommands) write_command_info(reply, table, *subcommand);
}

void write_command_docs(ReplyWriter& reply, const CommandTable& table, const CommandRow& row) {
  const auto subcommands = subcommands_of(table, row);
  const auto arguments = parse_syntax(row.syntax);
  const bool has_arguments = arguments && !arguments->empty();
  reply.map(3 + (row.complexity.empty() ? 0u : 1u) + (has_arguments ? 1u : 0u) + (subcommands.empty() ? 0u : 1u));
  const auto field = [&](std::string_view name, std::string_view value) {
    reply.bulk(name);
    reply.bulk(value);
  };
  field("summary", row.summary);
  field("since", row.since);
  field("group", row.group);
  if (!row.complexity.empty()) field("complexity", row.complexity);
  if (has_arguments) {
    reply.bulk("arguments");
    ArgumentWriter(reply, row).write(*arguments);
  }
  if (subcommands.empty()) return;
  reply.bulk("subcommands");
  reply.map(subcommands.size());
  for (const CommandRow* subcommand : subcommands) {
    reply.bulk(subcommand->name);
    write_command_docs(reply, table, *subcommand);
  }
}

}  // namespace sett::server
