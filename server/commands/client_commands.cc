#include <optional>
#include <string>

#include "protocol/number_text.h"
#include "server/commands/client_filter.h"
#include "server/commands/client_line.h"
#include "server/commands/client_names.h"
#include "server/commands/errors.h"
#include "server/commands/families.h"
#include "server/commands/server_rows.h"
#include "server/connection.h"
#include "server/event_loop.h"
#include "server/services.h"

namespace sett::server {
namespace {

using protocol::equals_ignoring_case;

void client_id(ServerContext& ctx) {
  ctx.reply.integer(static_cast<int64_t>(ctx.session.id));
}

void client_getname(ServerContext& ctx) {
  if (ctx.session.name.empty()) return ctx.reply.null();
  ctx.reply.bulk(ctx.session.name);
}

void client_setname(ServerContext& ctx) {
  if (!is_client_text(ctx.args[2])) return ctx.reply.error(error_client_name);
  ctx.session.name = std::string(ctx.args[2]);
  ctx.connection.publish_session();
  ctx.reply.ok();
}

void client_setinfo(ServerContext& ctx) {
  const std::string attribute(ctx.args[2]);
  const bool is_name = equals_ignoring_case(attribute, "lib-name");
  if (!is_name && !equals_ignoring_case(attribute, "lib-ver"))
    return ctx.reply.error("ERR Unrecognized option '" + shown_word(attribute) + "'");
  if (!is_client_text(ctx.args[3]))
    return ctx.reply.error("ERR " + attribute + " cannot contain spaces, newlines or special characters.");
  (is_name ? ctx.session.lib_name : ctx.session.lib_version) = std::string(ctx.args[3]);
  ctx.connection.publish_session();
  ctx.reply.ok();
}

// --- Lines about clients

void client_info(ServerContext& ctx) {
  std::string line;
  append_client_line(ctx.connection.record(), ctx.loop.wall_ms(), line);
  ctx.reply.verbatim("txt", line);
}

void list_by_ids(ServerContext& ctx) {
  std::string lines;
  for (const std::string_view text : ctx.args.subspan(3)) {
    const auto id = protocol::parse_int64(text);
    if (!id) return ctx.reply.error("ERR Invalid client ID");
    const auto client = *id > 0 ? ctx.services.clients.find(static_cast<uint64_t>(*id)) : nullptr;
    if (client) append_client_line(*client, ctx.loop.wall_ms(), lines);
  }
  ctx.reply.verbatim("txt", lines);
}

void client_list(ServerContext& ctx) {
  const size_t count = ctx.args.size();
  if (count > 3 && equals_ignoring_case(ctx.args[2], "id")) return list_by_ids(ctx);
  const bool by_type = count == 4 && equals_ignoring_case(ctx.args[2], "type");
  if (count != 2 && !by_type) return ctx.reply.error(error_syntax);
  std::optional<bool> wants_normal = true;
  if (by_type) wants_normal = read_client_type(ctx, ctx.args[3]);
  if (!wants_normal) return;
  std::string lines;
  if (*wants_normal)
    for (const auto& client : ctx.services.clients.list()) append_client_line(*client, ctx.loop.wall_ms(), lines);
  ctx.reply.verbatim("txt", lines);
}

// --- Ending and waking clients

// A client that ends itself gets its reply first.
void end_client(ServerContext& ctx, const ClientRecord& client) {
  if (client.id == ctx.session.id)
    ctx.session.close_after_reply = true;
  else
    client.kill();
}

void client_kill(ServerContext& ctx) {
  const auto clients = ctx.services.clients.list();
  if (ctx.args.size() == 3) {
    for (const auto& client : clients) {
      if (client->address != ctx.args[2]) continue;
      end_client(ctx, *client);
      return ctx.reply.ok();
    }
    return ctx.reply.error("ERR No such client");
  }
  const auto filter = read_client_filter(ctx, 2);
  if (!filter) return;
  int64_t ended = 0;
  for (const auto& client : clients) {
    if (!filter->fits(*client, ctx.session.id, ctx.loop.wall_ms())) continue;
    end_client(ctx, *client);
    ++ended;
  }
  ctx.reply.integer(ended);
}

void client_unblock(ServerContext& ctx) {
  if (ctx.args.size() > 4)
    return ctx.reply.error("ERR unknown subcommand or wrong number of arguments for '" + std::string(ctx.args[1]) +
                           "'. Try CLIENT HELP.");
  const bool as_error = ctx.args.size() == 4 && equals_ignoring_case(ctx.args[3], "error");
  if (ctx.args.size() == 4 && !as_error && !equals_ignoring_case(ctx.args[3], "timeout"))
    return ctx.reply.error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  const auto id = protocol::parse_int64(ctx.args[2]);
  if (!id) return ctx.reply.error(error_not_integer);
  ctx.reply.integer(0);  // sett has no commands that block
}

// --- Modes of the connection

void client_reply(ServerContext& ctx) {
  using Replies = Session::Replies;
  const std::string_view mode = ctx.args[2];
  if (equals_ignoring_case(mode, "on")) {
    ctx.session.replies = Replies::on;
    return ctx.reply.ok();
  }
  if (equals_ignoring_case(mode, "off")) {
    ctx.session.replies = Replies::off;
  } else if (equals_ignoring_case(mode, "skip")) {
    if (ctx.session.replies != Replies::off) ctx.session.replies = Replies::skip_next;
  } else {
    ctx.reply.error(error_syntax);
  }
}

void set_mode(ServerContext& ctx, bool& mode) {
  const bool on = equals_ignoring_case(ctx.args[2], "on");
  if (!on && !equals_ignoring_case(ctx.args[2], "off")) return ctx.reply.error(error_syntax);
  mode = on;
  ctx.connection.publish_session();
  ctx.reply.ok();
}

void client_no_evict(ServerContext& ctx) {
  set_mode(ctx, ctx.session.no_evict);
}
void client_no_touch(ServerContext& ctx) {
  set_mode(ctx, ctx.session.no_touch);
}

void client_help(ServerContext& ctx) {
  constexpr std::string_view lines[] = {
      "GETNAME",
      "    The name of this connection.",
      "ID",
      "    The number of this connection.",
      "INFO",
      "    This connection's line of CLIENT LIST.",
      "KILL <ip:port>",
      "    End the connection from that address.",
      "KILL <option> <value> [<option> <value> [...]]",
      "    End all connections that fit each of the options:",
      "    * ID <client-id>",
      "    * ADDR (<ip:port>|<unixsocket>:0), LADDR (<ip:port>|<unixsocket>:0)",
      "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
      "    * USER <username>",
      "    * MAXAGE <seconds>: those that are at least so old",
      "    * SKIPME (YES|NO): whether this connection stays (default: yes)",
      "LIST [TYPE (NORMAL|MASTER|REPLICA|PUBSUB)] [ID <client-id> [...]]",
      "    One line for each connection.",
      "NO-EVICT (ON|OFF)",
      "    Keep this connection when memory is short.",
      "NO-TOUCH (ON|OFF)",
      "    Leave the last access of keys as it is.",
      "REPLY (ON|OFF|SKIP)",
      "    Whether this connection's commands are answered.",
      "SETINFO (LIB-NAME|LIB-VER) <value>",
      "    Tell the client library's name or version.",
      "SETNAME <name>",
      "    Give this connection a name.",
      "UNBLOCK <client-id> [TIMEOUT|ERROR]",
      "    Wake a connection that waits in a blocking command.",
  };
  write_help(ctx, "CLIENT", lines);
}

}  // namespace

void add_client_commands(std::vector<CommandRow>& rows) {
  constexpr std::string_view acl = "@slow @connection", guarded_acl = "@admin @slow @dangerous @connection";
  constexpr std::string_view group = "connection", per_client = "O(N) where N is the number of client connections";
  const CommandRow own[] = {
      container_row("client", group, "2.4.0", "What concerns client connections."),
      server_row("client|getname", 2, open_flags, acl, group, "2.6.9", "O(1)", "Gives the connection's name.", "",
                 client_getname),
      server_row("client|help", 2, flag_loading | flag_stale, acl, group, "5.0.0", "O(1)", "Says what CLIENT can do.",
                 "", client_help),
      server_row("client|id", 2, open_flags, acl, group, "5.0.0", "O(1)", "Gives the connection's number.", "",
                 client_id),
      server_row("client|info", 2, open_flags, acl, group, "6.2.0", "O(1)", "Gives a line about the connection.", "",
                 client_info),
      server_row("client|kill", -3, admin_flags, guarded_acl, group, "2.4.0", per_client, "Ends connections.",
                 "<ip:port | <[ID client-id] [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] [USER username] "
                 "[ADDR ip:port] [LADDR ip:port] [SKIPME <YES | NO>] [MAXAGE maxage]> ...>",
                 client_kill),
      server_row("client|list", -2, admin_flags, guarded_acl, group, "2.4.0", per_client,
                 "Gives a line about each connection.",
                 "[TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id ...]]", client_list),
      server_row("client|no-evict", 3, admin_flags, guarded_acl, group, "7.0.0", "O(1)",
                 "Keeps the connection when memory is short.", "<ON | OFF>", client_no_evict),
      server_row("client|no-touch", 3, open_flags, acl, group, "7.2.0", "O(1)",
                 "Whether the connection's commands leave the last access of keys as it is.", "<ON | OFF>",
                 client_no_touch),
      server_row("client|reply", 3, open_flags, acl, group, "3.2.0", "O(1)",
                 "Whether the connection's commands are answered.", "<ON | OFF | SKIP>", client_reply),
      server_row("client|setinfo", 4, open_flags, acl, group, "7.2.0", "O(1)",
                 "Tells the client library's name or version.", "<LIB-NAME libname | LIB-VER libver>", client_setinfo),
      server_row("client|setname", 3, open_flags, acl, group, "2.6.9", "O(1)", "Gives the connection a name.",
                 "connection-name", client_setname),
      server_row("client|unblock", -3, admin_flags, guarded_acl, group, "5.0.0",
                 "O(log N) where N is the number of clients", "Wakes a connection that waits in a blocking command.",
                 "client-id [TIMEOUT | ERROR]", client_unblock),
  };
  rows.insert(rows.end(), std::begin(own), std::end(own));
}

}  // namespace sett::server
