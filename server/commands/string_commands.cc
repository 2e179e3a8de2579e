#include "server/commands/arguments.h"
#include "server/commands/errors.h"
#include "server/commands/families.h"
#include "server/commands/string_handlers.h"

namespace sett::server {
namespace {

using storage::Event;
using storage::Part;
using storage::Transaction;

void write_value(CommandContext& ctx, const Transaction::Read& entry) {
  if (entry)
    ctx.reply.bulk(entry->value);
  else
    ctx.reply.null();
}

// --- Reading

void get_command(CommandContext& ctx) {
  write_value(ctx, ctx.txn.read(ctx.bucket(), ctx.args[1]));
}

void mget_command(CommandContext& ctx) {
  const auto bucket = ctx.bucket();
  const size_t start = ctx.reply.mark();
  ctx.reply.array(ctx.args.size() - 1);
  for (const std::string_view key : ctx.args.subspan(1)) {
    write_value(ctx, ctx.txn.read(bucket, key));
    if (ctx.reply.mark() - start > ctx.reply_bytes_max) return;
  }
}

void getdel_command(CommandContext& ctx) {
  const auto bucket = ctx.bucket();
  const auto entry = ctx.txn.read(bucket, ctx.args[1]);
  write_value(ctx, entry);
  if (entry) ctx.txn.remove(bucket, ctx.args[1], Event::del);
}

void getex_command(CommandContext& ctx) {
  const auto options = read_value_options(ctx, 2, OptionSet::getex);
  if (!options) return;
  const auto bucket = ctx.bucket();
  const auto entry = ctx.txn.read(bucket, ctx.args[1]);
  if (!entry) return ctx.reply.null();
  const auto at_ms = read_expiry(ctx, options->expiry);
  if (!at_ms) return;
  write_value(ctx, entry);
  if (*at_ms != 0)
    ctx.txn.expire(bucket, ctx.args[1], *at_ms, Event::expire);
  else if (options->persist && entry->expires_at_ms != 0)
    ctx.txn.expire(bucket, ctx.args[1], 0, Event::persist);
}

// --- Writing

void set_command(CommandContext& ctx) {
  const std::string_view key = ctx.args[1], value = ctx.args[2];
  if (ctx.args.size() == 3) {
    ctx.txn.put(ctx.bucket(), key, value, 0, Event::set);
    return ctx.reply.ok();
  }
  const auto options = read_value_options(ctx, 3, OptionSet::set);
  if (!options) return;
  const auto at_ms = read_expiry(ctx, options->expiry);
  if (!at_ms) return;
  const auto bucket = ctx.bucket();
  Transaction::Read old;
  if (options->get_old)
    old = ctx.txn.read(bucket, key);
  else if (options->if_absent || options->if_present || options->keep_expiry)
    old = ctx.txn.peek(bucket, key, Part::metadata);
  const bool refused = (options->if_absent && old) || (options->if_present && !old);
  if (options->get_old)
    write_value(ctx, old);
  else if (refused)
    ctx.reply.null();
  else
    ctx.reply.ok();
  if (refused) return;
  const int64_t expires_at_ms = options->keep_expiry && old ? old->expires_at_ms : *at_ms;
  ctx.txn.put(bucket, key, value, expires_at_ms, Event::set);
}

void getset_command(CommandContext& ctx) {
  const auto bucket = ctx.bucket();
  write_value(ctx, ctx.txn.read(bucket, ctx.args[1]));
  ctx.txn.put(bucket, ctx.args[1], ctx.args[2], 0, Event::set);
}

void setnx_command(CommandContext& ctx) {
  const auto bucket = ctx.bucket();
  const bool absent = !ctx.txn.peek(bucket, ctx.args[1], Part::presence);
  if (absent) ctx.txn.put(bucket, ctx.args[1], ctx.args[2], 0, Event::set);
  ctx.reply.integer(absent ? 1 : 0);
}

void set_expiring(CommandContext& ctx, ExpiryOption::Kind kind) {
  const auto at_ms = read_expiry(ctx, {kind, ctx.args[2]});
  if (!at_ms) return;
  ctx.txn.put(ctx.bucket(), ctx.args[1], ctx.args[3], *at_ms, Event::set);
  ctx.reply.ok();
}

void setex_command(CommandContext& ctx) {
  set_expiring(ctx, ExpiryOption::Kind::seconds);
}

void psetex_command(CommandContext& ctx) {
  set_expiring(ctx, ExpiryOption::Kind::milliseconds);
}

// Keys and values in turns: an odd one out is an arity error.
bool has_pairs(CommandContext& ctx) {
  if (ctx.args.size() % 2 == 1) return true;
  ctx.reply.error(error_arity(ctx.row.name));
  return false;
}

void put_pairs(CommandContext& ctx, Transaction::Bucket bucket) {
  for (size_t i = 1; i + 1 < ctx.args.size(); i += 2) ctx.txn.put(bucket, ctx.args[i], ctx.args[i + 1], 0, Event::set);
}

bool pair_targets(Arguments args, std::string_view selected, int64_t, std::vector<KeyTarget>& targets) {
  if (args.size() % 2 == 0) return false;
  for (size_t i = 1; i < args.size(); i += 2) targets.push_back({selected, args[i]});
  return true;
}

void mset_command(CommandContext& ctx) {
  if (!has_pairs(ctx)) return;
  put_pairs(ctx, ctx.bucket());
  ctx.reply.ok();
}

void msetnx_command(CommandContext& ctx) {
  if (!has_pairs(ctx)) return;
  const auto bucket = ctx.bucket();
  bool all_absent = true;
  for (size_t i = 1; i < ctx.args.size() && all_absent; i += 2)
    all_absent = !ctx.txn.peek(bucket, ctx.args[i], Part::presence);
  if (all_absent) put_pairs(ctx, bucket);
  ctx.reply.integer(all_absent ? 1 : 0);
}

constexpr auto entry = CommandKind::entry;
constexpr uint32_t write_flags = flag_write | flag_denyoom;
constexpr uint32_t fast_write_flags = write_flags | flag_fast;
constexpr std::string_view fast_read_acl = "@read @string @fast", slow_read_acl = "@read @string @slow";
constexpr std::string_view fast_write_acl = "@write @string @fast", slow_write_acl = "@write @string @slow";

void add_reading_rows(std::vector<CommandRow>& rows) {
  const CommandRow own[] = {
      {"get", 2, flag_readonly | flag_fast, 1, 1, 1, entry, fast_read_acl, "string", "1.0.0", "O(1)",
       "Gives the value of a key, or null.", "key", get_command},
      {"getdel", 2, flag_write | flag_fast, 1, 1, 1, entry, fast_write_acl, "string", "6.2.0", "O(1)",
       "Gives the value of a key and removes the key.", "key", getdel_command},
      {"getex", -2, flag_write | flag_fast, 1, 1, 1, entry, fast_write_acl, "string", "6.2.0", "O(1)",
       "Gives the value of a key and changes its expiry.",
       "key [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds | PERSIST]",
       getex_command},
      {"getrange", 4, flag_readonly, 1, 1, 1, entry, slow_read_acl, "string", "2.4.0",
       "O(N) where N is the length of the part", "Gives a part of a value; negative positions count from its end.",
       "key start end", getrange_command},
      {"lcs", -3, flag_readonly, 1, 2, 1, entry, slow_read_acl, "string", "7.0.0",
       "O(N*M) where N and M are the lengths of the two values", "Finds the longest common subsequence of two values.",
       "key1 key2 [LEN] [IDX] [MINMATCHLEN min-match-len] [WITHMATCHLEN]", lcs_command},
      {"mget", -2, flag_readonly | flag_fast, 1, -1, 1, entry, fast_read_acl, "string", "1.0.0",
       "O(N) where N is the number of keys", "Gives the values of several keys as of one moment.", "key [key ...]",
       mget_command},
      {"strlen", 2, flag_readonly | flag_fast, 1, 1, 1, entry, fast_read_acl, "string", "2.2.0", "O(1)",
       "Gives the length of a value in bytes.", "key", strlen_command},
      {"substr", 4, flag_readonly, 1, 1, 1, entry, slow_read_acl, "string", "1.0.0",
       "O(N) where N is the length of the part", "Gives a part of a value: the old name of GETRANGE.", "key start end",
       getrange_command},
  };
  rows.insert(rows.end(), std::begin(own), std::end(own));
}

void add_number_rows(std::vector<CommandRow>& rows) {
  const CommandRow own[] = {
      {"decr", 2, fast_write_flags, 1, 1, 1, entry, fast_write_acl, "string", "1.0.0", "O(1)",
       "Takes one off an integer; an absent key counts as 0.", "key", decr_command},
      {"decrby", 3, fast_write_flags, 1, 1, 1, entry, fast_write_acl, "string", "1.0.0", "O(1)",
       "Takes a number off an integer; an absent key counts as 0.", "key decrement", decrby_command},
      {"incr", 2, fast_write_flags, 1, 1, 1, entry, fast_write_acl, "string", "1.0.0", "O(1)",
       "Adds one to an integer; an absent key counts as 0.", "key", incr_command},
      {"incrby", 3, fast_write_flags, 1, 1, 1, entry, fast_write_acl, "string", "1.0.0", "O(1)",
       "Adds a number to an integer; an absent key counts as 0.", "key increment", incrby_command},
      {"incrbyfloat", 3, fast_write_flags, 1, 1, 1, entry, fast_write_acl, "string", "2.6.0", "O(1)",
       "Adds to a floating point number; an absent key counts as 0.", "key increment", incrbyfloat_command},
  };
  rows.insert(rows.end(), std::begin(own), std::end(own));
}

void add_writing_rows(std::vector<CommandRow>& rows) {
  const CommandRow own[] = {
      {"append", 3, fast_write_flags, 1, 1, 1, entry, fast_write_acl, "string", "2.0.0", "O(1)",
       "Adds bytes to the end of a value; creates the key if there is none.", "key value", append_command},
      {"getset", 3, fast_write_flags, 1, 1, 1, entry, fast_write_acl, "string", "1.0.0", "O(1)",
       "Sets a value and gives the one before.", "key value", getset_command},
      {.name = "mset",
       .arity = -3,
       .flags = write_flags,
       .first_key = 1,
       .last_key = -1,
       .key_step = 2,
       .kind = entry,
       .acl = slow_write_acl,
       .group = "string",
       .since = "1.0.1",
       .complexity = "O(N) where N is the number of keys",
       .summary = "Sets several keys at once, all or none.",
       .syntax = "key value [key value ...]",
       .handler = mset_command,
       .targets = pair_targets},
      {.name = "msetnx",
       .arity = -3,
       .flags = write_flags,
       .first_key = 1,
       .last_key = -1,
       .key_step = 2,
       .kind = entry,
       .acl = slow_write_acl,
       .group = "string",
       .since = "1.0.1",
       .complexity = "O(N) where N is the number of keys",
       .summary = "Sets several keys at once if none of them is there.",
       .syntax = "key value [key value ...]",
       .handler = msetnx_command,
       .targets = pair_targets},
      {"psetex", 4, write_flags, 1, 1, 1, entry, slow_write_acl, "string", "2.6.0", "O(1)",
       "Sets a value that expires after some milliseconds.", "key milliseconds value", psetex_command},
      {"set", -3, write_flags, 1, 1, 1, entry, slow_write_acl, "string", "1.0.0", "O(1)",
       "Sets a value whatever was there; options make it conditional or let it expire.",
       "key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | PXAT unix-time-milliseconds "
       "| "
       "KEEPTTL]",
       set_command},
      {"setex", 4, write_flags, 1, 1, 1, entry, slow_write_acl, "string", "2.0.0", "O(1)",
       "Sets a value that expires after some seconds.", "key seconds value", setex_command},
      {"setnx", 3, fast_write_flags, 1, 1, 1, entry, fast_write_acl, "string", "1.0.0", "O(1)",
       "Sets a value if the key is not there.", "key value", setnx_command},
      {"setrange", 4, write_flags, 1, 1, 1, entry, slow_write_acl, "string", "2.2.0",
       "O(M) where M is the length of the bytes written", "Overwrites a part of a value; zeroes fill a gap.",
       "key offset value", setrange_command},
  };
  rows.insert(rows.end(), std::begin(own), std::end(own));
}

}  // namespace

void add_string_commands(std::vector<CommandRow>& rows) {
  add_reading_rows(rows);
  add_number_rows(rows);
  add_writing_rows(rows);
}

}  // namespace sett::server
