#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "server/commands/config_values.h"
#include "server/commands/errors.h"
#include "server/commands/families.h"
#include "server/commands/server_rows.h"
#include "server/event_loop.h"
#include "server/services.h"

namespace sett::server {
namespace {

void config_get(ServerContext& ctx) {
  const auto found = matching_config(*ctx.services.options.get(), ctx.args.subspan(2));
  ctx.reply.map(found.size());
  for (const auto& [name, value] : found) {
    ctx.reply.bulk(name);
    ctx.reply.bulk(value);
  }
}

void config_set(ServerContext& ctx) {
  if (ctx.args.size() % 2 != 0) return ctx.reply.error(error_syntax);
  std::optional<std::string> problem;
  ctx.services.options.update([&](config::Options& options) { problem = change_config(options, ctx.args.subspan(2)); });
  if (problem) return ctx.reply.error(*problem);
  // Answered in another turn, before which the loop takes the new options: what the client sent behind this finds them.
  ctx.defer()([](protocol::ReplyWriter& reply) { reply.ok(); });
}

// Counters belong to their loops: each sets its own back. The answer comes when all have.
void config_resetstat(ServerContext& ctx) {
  ctx.services.vitals.reset(ctx.services.stores);
  const auto answer = ctx.defer();
  const auto left = std::make_shared<std::atomic<size_t>>(ctx.services.loops.size());
  for (const auto& loop : ctx.services.loops) {
    loop->post([&statistics = loop->statistics(), left, answer] {
      statistics.reset();
      if (left->fetch_sub(1) == 1) answer([](protocol::ReplyWriter& reply) { reply.ok(); });
    });
  }
}

void config_rewrite(ServerContext& ctx) {
  ctx.reply.error(
      "ERR sett does not write its configuration file: it is the user's, with comments that a rewrite would lose. "
      "Change the file, then SIGHUP");
}

void config_help(ServerContext& ctx) {
  constexpr std::string_view lines[] = {
      "GET <pattern> [<pattern> ...]",
      "    The settings that fit a pattern: Redis's names, and those of sett.yaml as section.key.",
      "SET <name> <value> [<name> <value> ...]",
      "    Change settings until the next start: all of them, or none.",
      "RESETSTAT",
      "    Set the counters of INFO back.",
      "REWRITE",
      "    Always an error: sett does not write its configuration file.",
  };
  write_help(ctx, "CONFIG", lines);
}

}  // namespace

void add_config_commands(std::vector<CommandRow>& rows) {
  constexpr std::string_view group = "server", per_parameter = "O(N) where N is the number of settings named";
  const CommandRow own[] = {
      container_row("config", group, "2.0.0", "What concerns the server's settings."),
      server_row("config|get", -3, admin_flags, admin_acl, group, "2.0.0", per_parameter, "Gives settings by pattern.",
                 "parameter [parameter ...]", config_get),
      server_row("config|help", 2, flag_loading | flag_stale, "@slow", group, "5.0.0", "O(1)",
                 "Says what CONFIG can do.", "", config_help),
      server_row("config|resetstat", 2, admin_flags, admin_acl, group, "2.0.0", "O(1)",
                 "Sets the counters of INFO back.", "", config_resetstat),
      server_row("config|rewrite", 2, admin_flags, admin_acl, group, "2.8.0", "O(1)",
                 "An error: the configuration file is the user's.", "", config_rewrite),
      server_row("config|set", -4, admin_flags, admin_acl, group, "2.0.0", per_parameter,
                 "Changes settings until the next start.", "parameter value [parameter value ...]", config_set),
  };
  rows.insert(rows.end(), std::begin(own), std::end(own));
}

}  // namespace sett::server
