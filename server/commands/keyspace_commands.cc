#include <algorithm>
#include <string>

#include "protocol/glob.h"
#include "protocol/number_text.h"
#include "server/commands/arguments.h"
#include "server/commands/errors.h"
#include "server/commands/families.h"
#include "server/commands/scanning.h"

namespace sett::server {
namespace {

using storage::ShardIndex;
using storage::Store;
using storage::Transaction;

// --- Iteration

void keys_command(CommandContext& ctx) {
  Progress& progress = ctx.progress;
  if (!progress.started) {
    progress.started = true;
    progress.mark = ctx.reply.mark();
  }
  const std::string_view pattern = ctx.args[1];
  const bool all = pattern == "*";
  const bool at_end =
      step_scan(ctx, ctx.bucket(), entries_per_step, protocol::glob_literal_prefix(pattern), [&](std::string_view key) {
        if (!all && !protocol::glob_matches(pattern, key)) return;
        ctx.reply.bulk(key);
        ++progress.elements;
      });
  const bool too_much = ctx.reply.mark() - progress.mark > ctx.reply_bytes_max;
  progress.done = at_end || too_much;
  if (at_end) ctx.reply.insert_array(progress.mark, progress.elements);
}

struct ScanOptions {
  uint64_t cursor = 0, count = 10;
  std::string_view pattern = "*";
  bool any_type = true;
};

std::optional<ScanOptions> read_scan_options(CommandContext& ctx) {
  ScanOptions options;
  const auto cursor = read_cursor(ctx, ctx.args[1]);
  if (!cursor) return std::nullopt;
  options.cursor = *cursor;
  for (size_t i = 2; i < ctx.args.size(); i += 2) {
    const bool has_operand = i + 1 < ctx.args.size();
    if (has_operand && is_option(ctx.args[i], "count")) {
      const auto count = read_count(ctx, ctx.args[i + 1]);
      if (!count) return std::nullopt;
      options.count = *count;
    } else if (has_operand && is_option(ctx.args[i], "match")) {
      options.pattern = ctx.args[i + 1];
    } else if (has_operand && is_option(ctx.args[i], "type")) {
      options.any_type = is_option(ctx.args[i + 1], "string");
    } else {
      ctx.reply.error(error_syntax);
      return std::nullopt;
    }
  }
  return options;
}

void scan_command(CommandContext& ctx) {
  const auto options = read_scan_options(ctx);
  if (!options) {
    ctx.progress.done = true;
    return;
  }
  const bool all = options->pattern == "*";
  step_cursor_scan(ctx, ctx.bucket(), options->cursor, options->count, protocol::glob_literal_prefix(options->pattern),
                   [&](std::string_view key) {
                     return options->any_type && (all || protocol::glob_matches(options->pattern, key));
                   });
}

// Under all locks: a sum of what each shard had at its own time would be a number that the bucket never had.
void dbsize_command(CommandContext& ctx) {
  const auto bucket = ctx.bucket();
  int64_t keys = 0;
  for (ShardIndex shard = 0; shard < ctx.txn.store(bucket).shard_count(); ++shard) keys += ctx.txn.count(bucket, shard);
  ctx.reply.integer(keys);
}

// First counts the keys of every shard, then takes one from a shard drawn by these weights. Should that shard have lost
// its keys meanwhile, the shards behind it are asked in turn.
void randomkey_command(CommandContext& ctx) {
  Progress& progress = ctx.progress;
  const auto bucket = ctx.bucket();
  const ShardIndex shards = ctx.txn.store(bucket).shard_count();
  if (progress.numbers.size() < shards) {
    progress.numbers.push_back(static_cast<uint64_t>(std::max<int64_t>(0, ctx.txn.count(bucket, progress.shard))));
    progress.number += progress.numbers.back();
    if (++progress.shard < shards) return;
    progress.shard = 0;
    if (progress.number > 0) {
      uint64_t nth = ctx.random.below(progress.number);
      while (nth >= progress.numbers[progress.shard]) nth -= progress.numbers[progress.shard++];
      return;
    }
    progress.done = true;
    return ctx.reply.null();
  }
  std::string key;
  const bool found = ctx.txn.sample(bucket, progress.shard, ctx.random, key);
  if (found)
    ctx.reply.bulk(key);
  else if (++progress.elements == shards)
    ctx.reply.null();
  progress.done = found || progress.elements == shards;
  progress.shard = (progress.shard + 1) % shards;
}

// --- Flushing and swapping

// ASYNC and SYNC mean the same here: what is dropped is freed in the background.
bool flush_options_hold(const CommandContext& ctx) {
  return ctx.args.size() == 1 ||
         (ctx.args.size() == 2 && (is_option(ctx.args[1], "async") || is_option(ctx.args[1], "sync")));
}

void flushdb_command(CommandContext& ctx) {
  if (!flush_options_hold(ctx)) return ctx.reply.error(error_syntax);
  ctx.txn.flush(ctx.bucket());
  ctx.reply.ok();
}

void flushall_command(CommandContext& ctx) {
  const bool last_store = ctx.progress.stores_left == 0;
  if (!flush_options_hold(ctx)) {
    if (last_store) ctx.reply.error(error_syntax);
    return;
  }
  const Store& store = ctx.store_of_run();
  for (const storage::BucketInfo& bucket : store.list_buckets()) ctx.txn.bucket(ctx.txn.keep(bucket.name));
  // Those too that this transaction has created.
  for (Transaction::Bucket bucket = 0; bucket < ctx.txn.bucket_count(); ++bucket)
    if (&ctx.txn.store(bucket) == &store) ctx.txn.flush(bucket);
  if (last_store) ctx.reply.ok();
}

bool is_small(const std::optional<int64_t>& number) {
  return number && *number >= INT32_MIN && *number <= INT32_MAX;
}

bool swapdb_targets(Arguments args, std::string_view, int64_t databases, std::vector<KeyTarget>& targets) {
  if (!parse_database(args[1], databases) || !parse_database(args[2], databases)) return false;
  targets.push_back({args[1], {}});
  targets.push_back({args[2], {}});
  return true;
}

void swapdb_command(CommandContext& ctx) {
  if (!is_small(protocol::parse_int64(ctx.args[1]))) return ctx.reply.error("ERR invalid first DB index");
  if (!is_small(protocol::parse_int64(ctx.args[2]))) return ctx.reply.error("ERR invalid second DB index");
  if (!parse_database(ctx.args[1], ctx.databases) || !parse_database(ctx.args[2], ctx.databases))
    return ctx.reply.error(error_db_index);
  const auto first = ctx.txn.bucket(ctx.args[1]), second = ctx.txn.bucket(ctx.args[2]);
  if (&ctx.txn.store(first) != &ctx.txn.store(second))
    return ctx.reply.error("ERR SWAPDB is not supported between buckets of different backends");
  ctx.txn.swap(first, second);
  ctx.reply.ok();
}

constexpr std::string_view read_acl = "@keyspace @read @slow";
constexpr std::string_view dangerous_write_acl = "@keyspace @write @slow @dangerous";

}  // namespace

void add_keyspace_commands(std::vector<CommandRow>& rows) {
  const CommandRow own[] = {
      {"dbsize", 1, flag_readonly | flag_fast, 0, 0, 0, CommandKind::all_shards, "@keyspace @read @fast", "server",
       "1.0.0", "O(S) where S is the number of shards", "Counts the keys of the selected bucket.", "", dbsize_command},
      {.name = "flushall",
       .arity = -1,
       .flags = flag_write,
       .kind = CommandKind::all_shards,
       .acl = dangerous_write_acl,
       .group = "server",
       .since = "1.0.0",
       .complexity = "O(B) where B is the number of buckets",
       .summary = "Empties every bucket.",
       .syntax = "[ASYNC | SYNC]",
       .handler = flushall_command,
       .all_stores = true},
      {"flushdb", -1, flag_write, 0, 0, 0, CommandKind::all_shards, dangerous_write_acl, "server", "1.0.0", "O(1)",
       "Empties the selected bucket.", "[ASYNC | SYNC]", flushdb_command},
      {"keys", 2, flag_readonly, 0, 0, 0, CommandKind::keyspace, "@keyspace @read @slow @dangerous", "generic", "1.0.0",
       "O(N) where N is the number of keys in the bucket", "Lists the keys that match a pattern.", "pattern",
       keys_command},
      {"randomkey", 1, flag_readonly, 0, 0, 0, CommandKind::keyspace, read_acl, "generic", "1.0.0",
       "O(S) where S is the number of shards", "Gives a key at random.", "", randomkey_command},
      {"scan", -2, flag_readonly, 0, 0, 0, CommandKind::keyspace, read_acl, "generic", "2.8.0",
       "O(1) for a call; O(N) for all, where N is the number of keys in the bucket",
       "Lists some of the keys, and where to go on.", "cursor [MATCH pattern] [COUNT count] [TYPE type]", scan_command},
      {.name = "swapdb",
       .arity = 3,
       .flags = flag_write | flag_fast,
       .kind = CommandKind::all_shards,
       .acl = "@keyspace @write @fast @dangerous",
       .group = "server",
       .since = "4.0.0",
       .complexity = "O(1)",
       .summary = "Exchanges the contents of two buckets.",
       .syntax = "index1 index2",
       .handler = swapdb_command,
       .targets = swapdb_targets},
  };
  rows.insert(rows.end(), std::begin(own), std::end(own));
}

}  // namespace sett::server
