#include "server/commands/key_specs.h"

#include <algorithm>
#include <iterator>

#include "protocol/number_text.h"

namespace sett::server {
namespace {

struct NamedSpec {
  std::string_view command;
  KeySpec spec;
};

constexpr std::string_view reads = "RO access", looks = "RO", changes = "RW access update", overwrites = "OW update",
                           inserts = "OW insert", updates = "RW update", takes = "RW access delete",
                           removes = "RM delete";

// What the row's flags and positions do not say. Of every other command there is one specification: its row's
// positions, with `reads` or `changes`.
constexpr NamedSpec named_specs[] = {
    {"append", {"RW insert", 1, 0, 1}},    {"bitop", {overwrites, 2, 0, 1}},
    {"bitop", {reads, 3, -1, 1}},          {"copy", {reads, 1, 0, 1}},
    {"copy", {overwrites, 2, 0, 1}},       {"del", {removes, 1, -1, 1}},
    {"exists", {looks, 1, -1, 1}},         {"expire", {updates, 1, 0, 1}},
    {"expireat", {updates, 1, 0, 1}},      {"getdel", {takes, 1, 0, 1}},
    {"mset", {overwrites, 1, -1, 2}},      {"msetnx", {inserts, 1, -1, 2}},
    {"object|encoding", {looks, 2, 0, 1}}, {"object|freq", {looks, 2, 0, 1}},
    {"object|idletime", {looks, 2, 0, 1}}, {"object|refcount", {looks, 2, 0, 1}},
    {"persist", {updates, 1, 0, 1}},       {"pexpire", {updates, 1, 0, 1}},
    {"pexpireat", {updates, 1, 0, 1}},     {"psetex", {overwrites, 1, 0, 1}},
    {"rename", {takes, 1, 0, 1}},          {"rename", {overwrites, 2, 0, 1}},
    {"renamenx", {takes, 1, 0, 1}},        {"renamenx", {inserts, 2, 0, 1}},
    {"setex", {overwrites, 1, 0, 1}},      {"setnx", {inserts, 1, 0, 1}},
    {"setrange", {updates, 1, 0, 1}},      {"strlen", {looks, 1, 0, 1}},
    {"touch", {looks, 1, -1, 1}},          {"type", {looks, 1, 0, 1}},
    {"unlink", {removes, 1, -1, 1}},
};

bool has_word(Arguments args, size_t from, std::string_view word) {
  return args.size() > from && std::any_of(args.begin() + static_cast<std::ptrdiff_t>(from), args.end(),
                                           [&](auto arg) { return protocol::equals_ignoring_case(arg, word); });
}

}  // namespace

std::vector<KeySpec> key_specs(const CommandRow& row) {
  std::vector<KeySpec> specs;
  for (const NamedSpec& named : named_specs)
    if (named.command == row.name) specs.push_back(named.spec);
  if (specs.empty() && row.first_key > 0)
    specs.push_back({(row.flags & flag_write) ? changes : reads, row.first_key,
                     row.last_key < 0 ? row.last_key : row.last_key - row.first_key, row.key_step});
  return specs;
}

bool has_variable_key_flags(const CommandRow& row) {
  return row.name == "set" || row.name == "bitfield";
}

std::string_view key_flags(const CommandRow& row, const KeySpec& spec, Arguments args) {
  if (row.name == "set") return has_word(args, 3, "get") ? changes : overwrites;
  if (row.name == "bitfield") return has_word(args, 2, "set") || has_word(args, 2, "incrby") ? changes : reads;
  return spec.flags;
}

bool names_keys(const CommandRow& row) {
  return row.first_key > 0 || (row.kind == CommandKind::entry && row.targets != nullptr);
}

std::optional<std::vector<KeyPosition>> find_keys(const CommandRow& row, Arguments args, int64_t databases) {
  std::vector<KeyPosition> keys;
  const auto count = static_cast<int>(args.size());
  for (const KeySpec& spec : key_specs(row)) {
    const int last = spec.last < 0 ? count + spec.last : spec.first + spec.last;
    for (int i = spec.first; i <= last; i += spec.step) {
      if (i >= count) return std::nullopt;
      keys.push_back({args[static_cast<size_t>(i)], key_flags(row, spec, args)});
    }
  }
  if (!keys.empty() || !row.targets) return keys;
  std::vector<KeyTarget> targets;
  if (!row.targets(args, "0", databases, targets)) return std::nullopt;
  for (const KeyTarget& target : targets) keys.push_back({target.key, (row.flags & flag_write) ? changes : reads});
  return keys;
}

}  // namespace sett::server
