#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "protocol/glob.h"
#include "protocol/number_text.h"
#include "server/commands/command_replies.h"
#include "server/commands/errors.h"
#include "server/commands/families.h"
#include "server/commands/key_specs.h"
#include "server/commands/server_rows.h"
#include "server/event_loop.h"

namespace sett::server {
namespace {

using protocol::equals_ignoring_case;

std::vector<const CommandRow*> all_commands(const CommandTable& table) {
  std::vector<const CommandRow*> commands;
  for (const CommandRow& row : table.rows())
    if (!is_subcommand(row)) commands.push_back(&row);
  return commands;
}

// Those named from args[2] on; without names all. nullptr stands for an unknown one.
std::vector<const CommandRow*> named_commands(const CommandTable& table, Arguments args) {
  if (args.size() <= 2) return all_commands(table);
  std::vector<const CommandRow*> commands;
  for (const std::string_view name : args.subspan(2)) commands.push_back(find_command(table, name));
  return commands;
}

void command_info(ServerContext& ctx) {
  const CommandTable& table = CommandTable::instance();
  const auto commands = named_commands(table, ctx.args);
  ctx.reply.array(commands.size());
  for (const CommandRow* row : commands) {
    if (row)
      write_command_info(ctx.reply, table, *row);
    else
      ctx.reply.null();
  }
}

void command_docs(ServerContext& ctx) {
  const CommandTable& table = CommandTable::instance();
  auto commands = named_commands(table, ctx.args);
  std::erase(commands, nullptr);
  ctx.reply.map(commands.size());
  for (const CommandRow* row : commands) {
    ctx.reply.bulk(row->name);
    write_command_docs(ctx.reply, table, *row);
  }
}

void command_count(ServerContext& ctx) {
  ctx.reply.integer(static_cast<int64_t>(all_commands(CommandTable::instance()).size()));
}

// --- LIST

bool has_category(const CommandRow& row, std::string_view category) {
  std::string_view rest = row.acl;
  while (!rest.empty()) {
    const size_t end = std::min(rest.find(' '), rest.size());
    if (end > 1 && equals_ignoring_case(rest.substr(1, end - 1), category)) return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

void command_list(ServerContext& ctx) {
  std::function<bool(const CommandRow&)> is_wanted = [](const CommandRow&) { return true; };
  if (ctx.args.size() > 2) {
    if (ctx.args.size() != 5 || !equals_ignoring_case(ctx.args[2], "filterby")) return ctx.reply.error(error_syntax);
    const std::string_view filter = ctx.args[3], value = ctx.args[4];
    if (equals_ignoring_case(filter, "module"))
      is_wanted = [](const CommandRow&) { return false; };  // there are none
    else if (equals_ignoring_case(filter, "aclcat"))
      is_wanted = [value](const CommandRow& row) { return has_category(row, value); };
    else if (equals_ignoring_case(filter, "pattern"))
      is_wanted = [value](const CommandRow& row) { return protocol::glob_matches(value, row.name, true); };
    else
      return ctx.reply.error(error_syntax);
  }
  std::vector<std::string_view> names;
  for (const CommandRow& row : CommandTable::instance().rows())
    if (is_wanted(row)) names.push_back(row.name);
  ctx.reply.array(names.size());
  for (const std::string_view name : names) ctx.reply.bulk(name);
}

// --- GETKEYS

const CommandRow* row_of_command(const CommandTable& table, Arguments command) {
  const CommandRow* row = table.find(command[0]);
  if (!row || command.size() == 1 || !table.is_container(*row)) return row;
  return table.find_subcommand(*row, command[1]);
}

bool arity_fits(const CommandRow& row, size_t arguments) {
  const auto count = static_cast<int>(arguments);
  return row.arity >= 0 ? count == row.arity : count >= -row.arity;
}

// Of the command in args[2] and behind. Writes the error where there is one.
std::optional<std::vector<KeyPosition>> keys_of_command(ServerContext& ctx) {
  const Arguments command = ctx.args.subspan(2);
  const CommandRow* row = row_of_command(CommandTable::instance(), command);
  const auto refuse = [&](std::string_view text) {
    ctx.reply.error(text);
    return std::nullopt;
  };
  if (!row) return refuse("ERR Invalid command specified");
  if (!names_keys(*row)) return refuse("ERR The command has no key arguments");
  if (!arity_fits(*row, command.size())) return refuse("ERR Invalid number of arguments specified for command");
  auto keys = find_keys(*row, command, ctx.loop.options().server.databases);
  if (!keys) return refuse("ERR Invalid arguments specified for command");
  if (keys->empty()) return refuse("ERR The command has no key arguments");
  return keys;
}

void command_getkeys(ServerContext& ctx) {
  const auto keys = keys_of_command(ctx);
  if (!keys) return;
  ctx.reply.array(keys->size());
  for (const KeyPosition& position : *keys) ctx.reply.bulk(position.key);
}

void command_getkeysandflags(ServerContext& ctx) {
  const auto keys = keys_of_command(ctx);
  if (!keys) return;
  ctx.reply.array(keys->size());
  for (const KeyPosition& position : *keys) {
    ctx.reply.array(2);
    ctx.reply.bulk(position.key);
    write_words(ctx.reply, position.flags);
  }
}

void command_help(ServerContext& ctx) {
  constexpr std::string_view lines[] = {
      "(no subcommand)",
      "    What COMMAND INFO says of all commands.",
      "COUNT",
      "    How many commands there are.",
      "DOCS [<command-name> ...]",
      "    What commands do and which arguments they take.",
      "GETKEYS <full-command>",
      "    The keys in a command.",
      "GETKEYSANDFLAGS <full-command>",
      "    The keys in a command, and what it does with each.",
      "INFO [<command-name> ...]",
      "    Arity, flags, key positions, categories and subcommands of commands.",
      "LIST [FILTERBY (MODULE <module-name>|ACLCAT <category>|PATTERN <pattern>)]",
      "    The names of commands and subcommands.",
  };
  write_help(ctx, "COMMAND", lines);
}

}  // namespace

void add_command_commands(std::vector<CommandRow>& rows) {
  constexpr std::string_view acl = "@slow @connection", group = "server";
  constexpr std::string_view of_all = "O(N) where N is the number of all commands",
                             of_named = "O(N) where N is the number of commands named",
                             of_arguments = "O(N) where N is the number of the command's arguments";
  constexpr uint32_t flags = flag_loading | flag_stale;
  const CommandRow own[] = {
      server_row("command", -1, flags, acl, group, "2.8.13", of_all, "Says what commands there are.", "", command_info),
      server_row("command|count", 2, flags, acl, group, "2.8.13", "O(1)", "Counts the commands.", "", command_count),
      server_row("command|docs", -2, flags, acl, group, "7.0.0", of_named, "Says what commands do.",
                 "[command-name [command-name ...]]", command_docs),
      server_row("command|getkeys", -4, flags, acl, group, "2.8.13", of_arguments, "Finds the keys in a command.",
                 "command [arg ...]", command_getkeys),
      server_row("command|getkeysandflags", -4, flags, acl, group, "7.0.0", of_arguments,
                 "Finds the keys in a command, and what it does with each.", "command [arg ...]",
                 command_getkeysandflags),
      server_row("command|help", 2, flags, acl, group, "5.0.0", "O(1)", "Says what COMMAND can do.", "", command_help),
      server_row("command|info", -2, flags, acl, group, "2.8.13", of_named, "Gives the table's rows of commands.",
                 "[command-name [command-name ...]]", command_info),
      server_row("command|list", -2, flags, acl, group, "7.0.0", of_all, "Lists the names of commands.",
                 "[FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]", command_list),
  };
  rows.insert(rows.end(), std::begin(own), std::end(own));
}

}  // namespace sett::server
