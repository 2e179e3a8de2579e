#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "protocol/number_text.h"
#include "server/commands/authentication.h"
#include "server/commands/client_names.h"
#include "server/commands/errors.h"
#include "server/commands/families.h"
#include "server/commands/server_rows.h"
#include "server/connection.h"
#include "server/event_loop.h"
#include "server/version.h"

namespace sett::server {
namespace {

using protocol::equals_ignoring_case;
using Version = protocol::ReplyWriter::Version;

constexpr size_t bucket_name_bytes_max = 255;

void ping_command(ServerContext& ctx) {
  if (ctx.args.size() > 2) return ctx.reply.error(error_arity("ping"));
  if (ctx.args.size() == 2) return ctx.reply.bulk(ctx.args[1]);
  ctx.reply.simple("PONG");
}

void echo_command(ServerContext& ctx) {
  ctx.reply.bulk(ctx.args[1]);
}

void quit_command(ServerContext& ctx) {
  ctx.session.close_after_reply = true;
  ctx.reply.ok();
}

void reset_command(ServerContext& ctx) {
  ctx.session.reset(!ctx.loop.options().server.requirepass.empty());
  ctx.reply.set_version(ctx.session.version);
  ctx.connection.publish_session();
  ctx.reply.simple("RESET");
}

// --- SELECT

// Written with nothing but digits, signs, points and blanks: meant as a number.
bool looks_like_number(std::string_view text) {
  return text.find_first_not_of("0123456789+-. \t") == std::string_view::npos;
}

void select_command(ServerContext& ctx) {
  const std::string_view name = ctx.args[1];
  if (const auto number = protocol::parse_int64(name)) {
    if (*number < std::numeric_limits<int32_t>::min() || *number > std::numeric_limits<int32_t>::max())
      return ctx.reply.error("ERR value is out of range, value must between -2147483648 and 2147483647");
    if (*number < 0 || *number >= ctx.loop.options().server.databases) return ctx.reply.error(error_db_index);
  } else if (looks_like_number(name)) {
    // "01" is a slip, not a bucket: taken for a name it would silently not be the bucket "1".
    return ctx.reply.error(error_not_integer);
  } else if (name.size() > bucket_name_bytes_max) {
    return ctx.reply.error("ERR a bucket's name has 1 to 255 bytes");
  }
  ctx.session.bucket = std::string(name);
  ctx.connection.publish_session();
  ctx.reply.ok();
}

// --- AUTH, HELLO

void auth_command(ServerContext& ctx) {
  if (ctx.args.size() > 3) return ctx.reply.error(error_syntax);
  const bool with_user = ctx.args.size() == 3;
  if (!with_user && ctx.loop.options().server.requirepass.empty())
    return ctx.reply.error(
        "ERR AUTH <password> called without any password configured for the default user. Are you sure your "
        "configuration is correct?");
  if (authenticate(ctx, with_user ? ctx.args[1] : "default", ctx.args.back())) ctx.reply.ok();
}

struct HelloOptions {
  std::optional<Version> version;
  std::optional<std::string_view> user, password, name;
};

// Writes the error where there is one.
std::optional<HelloOptions> read_hello(ServerContext& ctx) {
  HelloOptions options;
  const auto refuse = [&](std::string_view text) {
    ctx.reply.error(text);
    return std::nullopt;
  };
  if (ctx.args.size() < 2) return options;
  const auto version = protocol::parse_int64(ctx.args[1]);
  if (!version) return refuse("ERR Protocol version is not an integer or out of range");
  if (*version < 2 || *version > 3) return refuse("NOPROTO unsupported protocol version");
  options.version = *version == 2 ? Version::resp2 : Version::resp3;
  for (size_t i = 2; i < ctx.args.size(); ++i) {
    const size_t behind = ctx.args.size() - 1 - i;
    if (behind >= 2 && equals_ignoring_case(ctx.args[i], "auth")) {
      options.user = ctx.args[i + 1];
      options.password = ctx.args[i + 2];
      i += 2;
    } else if (behind >= 1 && equals_ignoring_case(ctx.args[i], "setname")) {
      options.name = ctx.args[++i];
      if (!is_client_text(*options.name)) return refuse(error_client_name);
    } else {
      return refuse("ERR Syntax error in HELLO option '" + shown_word(ctx.args[i]) + "'");
    }
  }
  return options;
}

void hello_command(ServerContext& ctx) {
  const auto options = read_hello(ctx);
  if (!options) return;
  if (options->user && !authenticate(ctx, *options->user, *options->password)) return;
  if (!ctx.session.authenticated)
    return ctx.reply.error(
        "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> "
        "option can be used to authenticate the client and select the RESP protocol version at the same time");
  if (options->name) ctx.session.name = std::string(*options->name);
  if (options->version) ctx.session.version = *options->version;
  ctx.reply.set_version(ctx.session.version);
  ctx.connection.publish_session();

  ctx.reply.map(7);
  ctx.reply.bulk("server");
  ctx.reply.bulk("redis");
  ctx.reply.bulk("version");
  ctx.reply.bulk(redis_version);
  ctx.reply.bulk("proto");
  ctx.reply.integer(static_cast<int64_t>(ctx.session.version));
  ctx.reply.bulk("id");
  ctx.reply.integer(static_cast<int64_t>(ctx.session.id));
  ctx.reply.bulk("mode");
  ctx.reply.bulk("standalone");
  ctx.reply.bulk("role");
  ctx.reply.bulk("master");
  ctx.reply.bulk("modules");
  ctx.reply.array(0);
}

void cluster_only_command(ServerContext& ctx) {
  ctx.reply.error("ERR This instance has cluster support disabled");
}

}  // namespace

void add_connection_commands(std::vector<CommandRow>& rows) {
  constexpr uint32_t quick = flag_loading | flag_stale | flag_fast;
  constexpr uint32_t before_auth = quick | flag_noscript | flag_no_auth | flag_allow_busy;
  constexpr std::string_view acl = "@fast @connection", group = "connection";
  const CommandRow own[] = {
      server_row("auth", -2, before_auth, acl, group, "1.0.0", "O(1)", "Proves who the client is.",
                 "[username] password", auth_command),
      server_row("echo", 2, quick, acl, group, "1.0.0", "O(1)", "Gives back the message.", "message", echo_command),
      server_row("hello", -1, before_auth, acl, group, "6.0.0", "O(1)",
                 "Chooses the protocol's version; can authenticate and name the connection on the way.",
                 "[protover [AUTH username password] [SETNAME clientname]]", hello_command),
      server_row("ping", -1, flag_fast, acl, group, "1.0.0", "O(1)", "Answers, to show that the server does.",
                 "[message]", ping_command),
      server_row("quit", -1, before_auth, acl, group, "1.0.0", "O(1)", "Closes the connection once all is answered.",
                 "", quit_command),
      server_row("readonly", 1, quick, acl, "cluster", "3.0.0", "O(1)", "For clusters: an error here.", "",
                 cluster_only_command),
      server_row("readwrite", 1, quick, acl, "cluster", "3.0.0", "O(1)", "For clusters: an error here.", "",
                 cluster_only_command),
      server_row("reset", 1, before_auth, acl, group, "6.2.0", "O(1)", "Makes the connection as it was when new.", "",
                 reset_command),
      server_row("select", 2, quick, acl, group, "1.0.0", "O(1)",
                 "Chooses the bucket of the further commands: a number up to `databases`, or any other name.", "index",
                 select_command),
  };
  rows.insert(rows.end(), std::begin(own), std::end(own));
}

}  // namespace sett::server
