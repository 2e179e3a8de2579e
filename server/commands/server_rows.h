#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/command.h"
#include "server/server_context.h"

namespace sett::server {

// What the families of server commands share.

inline constexpr uint32_t open_flags = flag_noscript | flag_loading | flag_stale;  // anybody may, also while loading
inline constexpr uint32_t admin_flags = flag_admin | open_flags;
inline constexpr std::string_view admin_acl = "@admin @slow @dangerous";

inline CommandRow server_row(std::string_view name, int arity, uint32_t flags, std::string_view acl,
                             std::string_view group, std::string_view since, std::string_view complexity,
                             std::string_view summary, std::string_view syntax, ServerHandler handler) {
  CommandRow row{};
  row.name = name;
  row.arity = arity;
  row.flags = flags;
  row.kind = CommandKind::server;
  row.acl = acl;
  row.group = group;
  row.since = since;
  row.complexity = complexity;
  row.summary = summary;
  row.syntax = syntax;
  row.server_handler = handler;
  return row;
}

// CLIENT, CONFIG, ... themselves. Their arity sees to it that the dispatcher never runs them.
inline CommandRow container_row(std::string_view name, std::string_view group, std::string_view since,
                                std::string_view summary) {
  return server_row(name, -2, 0, "@slow", group, since, "Depends on subcommand.", summary, "",
                    [](ServerContext& ctx) { ctx.reply.error("ERR syntax error"); });
}

// The answer of "<container> HELP": `lines` come in pairs or more, a form and, indented, what it does.
inline void write_help(ServerContext& ctx, std::string_view container, std::span<const std::string_view> lines) {
  ctx.reply.array(lines.size() + 3);
  ctx.reply.simple(std::string(container) + " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (const std::string_view line : lines) ctx.reply.simple(line);
  ctx.reply.simple("HELP");
  ctx.reply.simple("    Print this text.");
}

}  // namespace sett::server
