#include <string>

#include "protocol/number_text.h"
#include "server/commands/arguments.h"
#include "server/commands/errors.h"
#include "server/commands/families.h"

namespace sett::server {
namespace {

using storage::Event;
using storage::Part;
using storage::Transaction;

constexpr std::string_view error_same_object = "ERR source and destination objects are the same";

// --- Presence

void del_command(CommandContext& ctx) {
  const auto bucket = ctx.bucket();
  int64_t removed = 0;
  for (const std::string_view key : ctx.args.subspan(1)) {
    if (!ctx.txn.peek(bucket, key, Part::presence)) continue;
    ctx.txn.remove(bucket, key, Event::del);
    ++removed;
  }
  ctx.reply.integer(removed);
}

// EXISTS and TOUCH: nothing here keeps access times, so a touch is a look.
void exists_command(CommandContext& ctx) {
  const auto bucket = ctx.bucket();
  int64_t present = 0;
  for (const std::string_view key : ctx.args.subspan(1)) present += ctx.txn.read(bucket, key, Part::presence).present;
  ctx.reply.integer(present);
}

void type_command(CommandContext& ctx) {
  ctx.reply.simple(ctx.txn.read(ctx.bucket(), ctx.args[1], Part::presence) ? "string" : "none");
}

// --- Moving and copying

// False: the reply has been written.
bool rename(CommandContext& ctx, bool replaces) {
  const std::string_view from = ctx.args[1], to = ctx.args[2];
  const auto bucket = ctx.bucket();
  const auto entry = ctx.txn.peek(bucket, from);
  if (!entry) {
    ctx.reply.error(error_no_such_key);
    return false;
  }
  if (from == to) return replaces;
  if (!replaces && ctx.txn.peek(bucket, to, Part::presence)) return false;
  ctx.txn.move({bucket, from, Event::rename_from}, entry, {bucket, to, Event::rename_to});
  return true;
}

void rename_command(CommandContext& ctx) {
  if (rename(ctx, true)) ctx.reply.ok();
}

void renamenx_command(CommandContext& ctx) {
  const size_t mark = ctx.reply.mark();
  const bool renamed = rename(ctx, false);
  if (ctx.reply.mark() == mark) ctx.reply.integer(renamed ? 1 : 0);
}

struct CopyOptions {
  std::string_view bucket;
  bool replaces = false;
};

std::optional<CopyOptions> read_copy_options(CommandContext& ctx) {
  CopyOptions options{ctx.selected};
  for (size_t i = 3; i < ctx.args.size(); ++i) {
    if (is_option(ctx.args[i], "replace")) {
      options.replaces = true;
    } else if (is_option(ctx.args[i], "db") && i + 1 < ctx.args.size()) {
      const auto name = read_database(ctx, ctx.args[++i]);
      if (!name) return std::nullopt;
      options.bucket = *name;
    } else {
      ctx.reply.error(error_syntax);
      return std::nullopt;
    }
  }
  return options;
}

bool copy_targets(Arguments args, std::string_view selected, int64_t databases, std::vector<KeyTarget>& targets) {
  std::string_view bucket = selected;
  for (size_t i = 3; i < args.size(); ++i) {
    if (is_option(args[i], "replace")) continue;
    if (!is_option(args[i], "db") || ++i == args.size() || !parse_database(args[i], databases)) return false;
    bucket = args[i];
  }
  targets.push_back({selected, args[1]});
  targets.push_back({bucket, args[2]});
  return true;
}

void copy_command(CommandContext& ctx) {
  const auto options = read_copy_options(ctx);
  if (!options) return;
  const std::string_view from = ctx.args[1], to = ctx.args[2];
  if (options->bucket == ctx.selected && from == to) return ctx.reply.error(error_same_object);
  const auto source = ctx.bucket();
  const auto target = ctx.txn.bucket(options->bucket);
  const auto entry = ctx.txn.read(source, from);
  if (!entry || (!options->replaces && ctx.txn.peek(target, to, Part::presence))) return ctx.reply.integer(0);
  ctx.txn.copy(target, to, source, entry, entry->expires_at_ms, Event::copy_to);
  ctx.reply.integer(1);
}

bool move_targets(Arguments args, std::string_view selected, int64_t databases, std::vector<KeyTarget>& targets) {
  if (!parse_database(args[2], databases)) return false;
  targets.push_back({selected, args[1]});
  targets.push_back({args[2], args[1]});
  return true;
}

void move_command(CommandContext& ctx) {
  const std::string_view key = ctx.args[1];
  const auto name = read_database(ctx, ctx.args[2]);
  if (!name) return;
  if (*name == ctx.selected) return ctx.reply.error(error_same_object);
  const auto source = ctx.bucket();
  const auto target = ctx.txn.bucket(*name);
  const auto entry = ctx.txn.peek(source, key);
  if (!entry || ctx.txn.peek(target, key, Part::presence)) return ctx.reply.integer(0);
  ctx.txn.move({source, key, Event::move_from}, entry, {target, key, Event::move_to});
  ctx.reply.integer(1);
}

// Between two backends each of which may refuse its part. The copy comes first, and when it is on disk the original
// goes, if it is still what was copied; else it is copied anew. So a crash finds the key in one of them, or in both.
// What others do in between counts as done before the move if it was done to the original, after it if to the copy.
void move_apart_command(CommandContext& ctx) {
  constexpr size_t copies_max = 16;
  const std::string_view key = ctx.args[1];
  Progress& progress = ctx.progress;
  const auto source = ctx.bucket();
  const auto target = ctx.txn.bucket(ctx.args[2]);
  const auto entry = ctx.txn.peek(source, key);
  const auto copy = ctx.txn.peek(target, key, Part::presence);
  const bool is_first = progress.committed == 0;
  const bool is_same = entry && !is_first && entry->sequence == progress.number;
  const bool is_our_copy = copy && !is_first && copy->sequence == progress.committed;
  progress.done = true;
  if (is_first && (!entry || copy)) return ctx.reply.integer(0);
  if (is_same) ctx.txn.remove(source, key, Event::move_from);
  if (is_same || (!is_first && !is_our_copy)) return ctx.reply.integer(1);
  if (!entry) {
    ctx.txn.remove(target, key, Event::del);
    return ctx.reply.integer(0);
  }
  if (++progress.elements > copies_max) {
    ctx.txn.remove(target, key, Event::del);
    return ctx.reply.error("TRYAGAIN others keep writing the key: it was not moved");
  }
  progress.done = false;
  progress.number = entry->sequence;
  ctx.txn.copy(target, key, source, entry, entry->expires_at_ms, Event::move_to);
}

// --- OBJECT

void object_encoding_command(CommandContext& ctx) {
  constexpr size_t embedded_bytes_max = 44;
  const auto entry = ctx.txn.peek(ctx.bucket(), ctx.args[2]);
  if (!entry) return ctx.reply.null();
  if (protocol::parse_int64(entry->value))
    ctx.reply.bulk("int");
  else
    ctx.reply.bulk(entry->value.size() <= embedded_bytes_max ? "embstr" : "raw");
}

void object_refcount_command(CommandContext& ctx) {
  // Redis shares the objects of small integers, and says so with this count.
  constexpr int64_t shared_integers = 10000, shared_count = INT32_MAX;
  const auto entry = ctx.txn.peek(ctx.bucket(), ctx.args[2]);
  if (!entry) return ctx.reply.null();
  const auto number = protocol::parse_int64(entry->value);
  ctx.reply.integer(number && *number >= 0 && *number < shared_integers ? shared_count : 1);
}

void object_idletime_command(CommandContext& ctx) {
  if (ctx.txn.peek(ctx.bucket(), ctx.args[2], Part::presence))
    ctx.reply.integer(0);
  else
    ctx.reply.null();
}

void object_freq_command(CommandContext& ctx) {
  if (!ctx.txn.peek(ctx.bucket(), ctx.args[2], Part::presence)) return ctx.reply.null();
  ctx.reply.error(
      "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching "
      "between "
      "policies at runtime LRU and LFU data will take some time to adjust.");
}

void object_help_command(CommandContext& ctx) {
  constexpr std::string_view lines[] = {
      "OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
      "ENCODING <key>",
      "    How Redis would keep the value: int, embstr or raw.",
      "FREQ <key>",
      "    An error: no eviction policy here counts accesses.",
      "IDLETIME <key>",
      "    Always 0: access times are not kept.",
      "REFCOUNT <key>",
      "    The references that Redis would count.",
      "HELP",
      "    Prints this help.",
  };
  ctx.reply.array(std::size(lines));
  for (const std::string_view line : lines) ctx.reply.simple(line);
}

constexpr auto entry_kind = CommandKind::entry;
constexpr uint32_t fast_read = flag_readonly | flag_fast;
constexpr std::string_view fast_read_acl = "@keyspace @read @fast", slow_read_acl = "@keyspace @read @slow";
constexpr std::string_view fast_write_acl = "@keyspace @write @fast", slow_write_acl = "@keyspace @write @slow";

}  // namespace

void add_key_commands(std::vector<CommandRow>& rows) {
  const CommandRow own[] = {
      {.name = "copy",
       .arity = -3,
       .flags = flag_write | flag_denyoom,
       .first_key = 1,
       .last_key = 2,
       .key_step = 1,
       .kind = entry_kind,
       .acl = slow_write_acl,
       .group = "generic",
       .since = "6.2.0",
       .complexity = "O(N) where N is the length of the value",
       .summary = "Copies a value with its expiry to another key, or another bucket.",
       .syntax = "source destination [DB destination-db] [REPLACE]",
       .handler = copy_command,
       .targets = copy_targets},
      {"del", -2, flag_write, 1, -1, 1, entry_kind, slow_write_acl, "generic", "1.0.0",
       "O(N) where N is the number of keys", "Removes keys.", "key [key ...]", del_command},
      {"exists", -2, fast_read, 1, -1, 1, entry_kind, fast_read_acl, "generic", "1.0.0",
       "O(N) where N is the number of keys", "Counts how many of the keys are there.", "key [key ...]", exists_command},
      {.name = "move",
       .arity = 3,
       .flags = flag_write | flag_fast,
       .first_key = 1,
       .last_key = 1,
       .key_step = 1,
       .kind = entry_kind,
       .acl = fast_write_acl,
       .group = "generic",
       .since = "1.0.0",
       .complexity = "O(1)",
       .summary = "Moves a key to another bucket.",
       .syntax = "key db",
       .handler = move_command,
       .targets = move_targets,
       .apart = move_apart_command},
      {"object", -2, 0, 0, 0, 0, entry_kind, "@slow", "generic", "2.2.3", "Depends on subcommand.",
       "Looks at how a key is kept.", ""},
      {"object|encoding", 3, flag_readonly, 2, 2, 1, entry_kind, slow_read_acl, "generic", "2.2.3", "O(1)",
       "Tells how Redis would keep the value.", "key", object_encoding_command},
      {"object|freq", 3, flag_readonly, 2, 2, 1, entry_kind, slow_read_acl, "generic", "4.0.0", "O(1)",
       "Tells how often a key is used, where that is counted.", "key", object_freq_command},
      {"object|help", 2, flag_loading | flag_stale, 0, 0, 0, entry_kind, "@keyspace @slow", "generic", "6.2.0", "O(1)",
       "Lists the subcommands.", "", object_help_command},
      {"object|idletime", 3, flag_readonly, 2, 2, 1, entry_kind, slow_read_acl, "generic", "2.2.3", "O(1)",
       "Tells how long a key was not used, where that is kept.", "key", object_idletime_command},
      {"object|refcount", 3, flag_readonly, 2, 2, 1, entry_kind, slow_read_acl, "generic", "2.2.3", "O(1)",
       "Tells the references that Redis would count.", "key", object_refcount_command},
      {"rename", 3, flag_write, 1, 2, 1, entry_kind, slow_write_acl, "generic", "1.0.0",
       "O(N) where N is the length of the value", "Gives a key another name, whatever had that name.", "key newkey",
       rename_command},
      {"renamenx", 3, flag_write | flag_fast, 1, 2, 1, entry_kind, fast_write_acl, "generic", "1.0.0",
       "O(N) where N is the length of the value", "Gives a key another name if nothing has that name.", "key newkey",
       renamenx_command},
      {"touch", -2, fast_read, 1, -1, 1, entry_kind, fast_read_acl, "generic", "3.2.1",
       "O(N) where N is the number of keys", "Counts how many of the keys are there, as a use of them.",
       "key [key ...]", exists_command},
      {"type", 2, fast_read, 1, 1, 1, entry_kind, fast_read_acl, "generic", "1.0.0", "O(1)",
       "Tells the type of a value, or none.", "key", type_command},
      {"unlink", -2, flag_write | flag_fast, 1, -1, 1, entry_kind, fast_write_acl, "generic", "4.0.0",
       "O(N) where N is the number of keys", "Removes keys.", "key [key ...]", del_command},
  };
  rows.insert(rows.end(), std::begin(own), std::end(own));
}

}  // namespace sett::server
