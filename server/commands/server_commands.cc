#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <string>

#include "protocol/number_text.h"
#include "server/commands/errors.h"
#include "server/commands/families.h"
#include "server/commands/server_handlers.h"
#include "server/commands/server_rows.h"
#include "server/connection.h"
#include "server/event_loop.h"
#include "server/services.h"

namespace sett::server {
namespace {

using protocol::equals_ignoring_case;

void time_command(ServerContext& ctx) {
  using namespace std::chrono;
  // The injected clock has no microseconds, which callers use to tell calls apart.
  const int64_t now_us = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
  ctx.reply.array(2);
  ctx.reply.bulk(std::to_string(now_us / 1000000));
  ctx.reply.bulk(std::to_string(now_us % 1000000));
}

void role_command(ServerContext& ctx) {
  ctx.reply.array(3);
  ctx.reply.bulk("master");
  ctx.reply.integer(0);
  ctx.reply.array(0);
}

// --- Replication, of which there is none

void replicaof_command(ServerContext& ctx) {
  if (equals_ignoring_case(ctx.args[1], "no") && equals_ignoring_case(ctx.args[2], "one")) return ctx.reply.ok();
  const auto port = protocol::parse_int64(ctx.args[2]);
  if (!port || *port < 0 || *port > 65535) return ctx.reply.error("ERR Invalid master port");
  ctx.reply.error("ERR sett has no replication: it cannot follow another server");
}

// No replica will ever acknowledge anything: waiting would not change the answer.
void wait_command(ServerContext& ctx) {
  if (!protocol::parse_int64(ctx.args[1])) return ctx.reply.error(error_not_integer);
  const auto timeout_ms = protocol::parse_int64(ctx.args[2]);
  if (!timeout_ms) return ctx.reply.error("ERR timeout is not an integer or out of range");
  if (*timeout_ms < 0) return ctx.reply.error("ERR timeout is negative");
  ctx.reply.integer(0);
}

// --- SHUTDOWN

struct ShutdownOptions {
  bool save = false, no_save = false, now = false, force = false, abort = false;
};

bool read_shutdown(Arguments words, ShutdownOptions& options) {
  for (const std::string_view word : words) {
    if (equals_ignoring_case(word, "save"))
      options.save = true;
    else if (equals_ignoring_case(word, "nosave"))
      options.no_save = true;
    else if (equals_ignoring_case(word, "now"))
      options.now = true;
    else if (equals_ignoring_case(word, "force"))
      options.force = true;
    else if (equals_ignoring_case(word, "abort"))
      options.abort = true;
    else
      return false;
  }
  if (options.save && options.no_save) return false;
  return !options.abort || words.size() == 1;
}

// The client hears nothing but the connection's end, when the daemon is down. NOW and FORCE are always so: there are no
// replicas to wait for, and a snapshot that fails stops nothing, since the log has it all.
void shutdown_command(ServerContext& ctx) {
  ShutdownOptions options;
  if (!read_shutdown(ctx.args.subspan(1), options)) return ctx.reply.error(error_syntax);
  Lifecycle& lifecycle = ctx.services.lifecycle;
  if (options.abort)
    return ctx.reply.error(lifecycle.shutting_down() ? "ERR the shutdown has begun and cannot be stopped"
                                                     : "ERR No shutdown in progress.");
  ctx.session.close_after_reply = true;
  ctx.defer();
  lifecycle.request_shutdown(options.save);
}

// --- DEBUG

constexpr double sleep_seconds_max = 86400;

// Only this client sleeps.
void debug_sleep(ServerContext& ctx) {
  const double asked = std::strtod(std::string(ctx.args[2]).c_str(), nullptr);
  const double seconds = std::isfinite(asked) ? std::clamp(asked, 0.0, sleep_seconds_max) : 0;
  const auto timer = std::make_shared<boost::asio::steady_timer>(ctx.loop.context());
  timer->expires_after(std::chrono::microseconds(std::llround(seconds * 1e6)));
  timer->async_wait([timer, answer = ctx.defer()](const boost::system::error_code&) {
    answer([](protocol::ReplyWriter& reply) { reply.ok(); });
  });
}

void debug_command(ServerContext& ctx) {
  if (ctx.args.size() == 3 && equals_ignoring_case(ctx.args[1], "sleep")) return debug_sleep(ctx);
  if (ctx.args.size() == 2 && equals_ignoring_case(ctx.args[1], "help")) {
    constexpr std::string_view lines[] = {"SLEEP <seconds>",
                                          "    Answer this client so much later. Others are not held up."};
    return write_help(ctx, "DEBUG", lines);
  }
  ctx.reply.error("ERR unknown subcommand or wrong number of arguments for '" + shown_word(ctx.args[1].substr(0, 128)) +
                  "'. Try DEBUG HELP.");
}

// --- MODULE

void module_list(ServerContext& ctx) {
  ctx.reply.array(0);
}

void module_help(ServerContext& ctx) {
  constexpr std::string_view lines[] = {"LIST", "    Always empty: sett has no modules."};
  write_help(ctx, "MODULE", lines);
}

}  // namespace

void add_server_commands(std::vector<CommandRow>& rows) {
  constexpr std::string_view group = "server", quick_acl = "@admin @fast @dangerous";
  constexpr uint32_t quick = flag_loading | flag_stale | flag_fast;
  constexpr uint32_t saving = flag_admin | flag_noscript | flag_no_async_loading;
  constexpr uint32_t following = saving | flag_stale;
  constexpr std::string_view follow_summary = "Refused, but for NO ONE: sett has no replication.";
  constexpr std::string_view follow_syntax = "<host port | NO ONE>";
  const CommandRow own[] = {
      server_row("backup", 2, saving | flag_no_multi, admin_acl, group, "0.1.0",
                 "O(N) where N is the number of bytes on disk",
                 "Makes a complete copy of all data on disk in the backup folder, and answers when it is there.",
                 "name", backup_command),
      server_row("bgsave", -1, saving, admin_acl, group, "1.0.0", "O(1)",
                 "Begins snapshots of all data on disk, in the background.", "[SCHEDULE]", bgsave_command),
      server_row("debug", -2, admin_flags, admin_acl, group, "1.0.0", "Depends on subcommand.", "For tests of clients.",
                 "<SLEEP seconds | HELP>", debug_command),
      server_row("info", -1, flag_loading | flag_stale, "@slow @dangerous", group, "1.0.0",
                 "O(N) where N is the number of shards", "Gives figures about the server, by section.",
                 "[section [section ...]]", info_command),
      server_row("lastsave", 1, quick, quick_acl, group, "1.0.0", "O(1)",
                 "Gives the time of the last snapshot that is on disk.", "", lastsave_command),
      server_row("lolwut", -1, flag_readonly | flag_fast, "@read @fast", group, "5.0.0", "O(1)",
                 "Draws a badger's home, and tells the version.", "[VERSION version]", lolwut_command),
      container_row("module", group, "4.0.0", "What concerns modules, of which there are none."),
      server_row("module|help", 2, flag_loading | flag_stale, "@slow", group, "5.0.0", "O(1)",
                 "Says what MODULE can do.", "", module_help),
      server_row("module|list", 2, flag_admin | flag_noscript, admin_acl, group, "4.0.0", "O(1)",
                 "Lists the modules: none.", "", module_list),
      server_row("replicaof", 3, following, admin_acl, group, "5.0.0", "O(1)", follow_summary, follow_syntax,
                 replicaof_command),
      server_row("role", 1, quick | flag_noscript, quick_acl, group, "2.8.12", "O(1)",
                 "Gives the replication role: master.", "", role_command),
      server_row("save", 1, saving | flag_no_multi, admin_acl, group, "1.0.0", "O(N) where N is the number of all keys",
                 "Takes snapshots of all data on disk, and answers when they are there.", "", save_command),
      server_row("shutdown", -1, admin_flags | flag_no_multi | flag_allow_busy, admin_acl, group, "1.0.0",
                 "O(1), with SAVE O(N) where N is the number of all keys", "Ends the server in good order.",
                 "[NOSAVE | SAVE] [NOW] [FORCE] [ABORT]", shutdown_command),
      server_row("slaveof", 3, following, admin_acl, group, "1.0.0", "O(1)", follow_summary, follow_syntax,
                 replicaof_command),
      server_row("time", 1, quick, "@fast", group, "2.6.0", "O(1)",
                 "Gives the server's time, in seconds and microseconds.", "", time_command),
      server_row("wait", 3, flag_noscript, "@slow @connection", "generic", "3.0.0", "O(1)",
                 "Gives the number of replicas that have all writes: 0.", "numreplicas timeout", wait_command),
  };
  rows.insert(rows.end(), std::begin(own), std::end(own));
  add_cluster_commands(rows);
}

}  // namespace sett::server
