#include "server/commands/arguments.h"
#include "server/commands/errors.h"
#include "server/commands/families.h"
#include "server/commands/native_arguments.h"
#include "server/commands/scanning.h"
#include "storage/lz4_frame.h"

namespace sett::server {
namespace {

using storage::Event;
using storage::Part;

// --- One key

// [PX ms] from args[4] on: the absolute expiry, 0 for none.
std::optional<int64_t> read_native_expiry(CommandContext& ctx) {
  if (ctx.args.size() == 4) return 0;
  if (ctx.args.size() != 6 || !is_option(ctx.args[4], "px")) {
    ctx.reply.error(error_syntax);
    return std::nullopt;
  }
  const auto ms = read_integer(ctx, ctx.args[5]);
  if (!ms) return std::nullopt;
  int64_t at_ms = 0;
  if (*ms < 0) {
    ctx.reply.error("ERR PX must not be negative: milliseconds from now on, or 0 for no expiry");
    return std::nullopt;
  }
  if (*ms == 0) return 0;
  if (!__builtin_add_overflow(*ms, ctx.now_ms(), &at_ms)) return at_ms;
  ctx.reply.error(error_expire_time(ctx.row.name));
  return std::nullopt;
}

void kv_set_command(CommandContext& ctx) {
  if (!has_bucket_and_key(ctx)) return;
  const auto at_ms = read_native_expiry(ctx);
  if (!at_ms) return;
  ctx.txn.put(ctx.txn.bucket(ctx.args[1]), ctx.args[2], ctx.args[3], *at_ms, Event::set);
  ctx.reply.ok();
}

void kv_get_command(CommandContext& ctx) {
  if (!has_bucket_and_key(ctx)) return;
  const auto entry = ctx.txn.read(ctx.txn.bucket(ctx.args[1]), ctx.args[2]);
  if (entry)
    ctx.reply.bulk(entry->value);
  else
    ctx.reply.null();
}

// Empty: it cannot be compressed. (The frame of an empty value is not empty.)
std::string compressed_value(Arguments args) {
  auto frame = storage::compress_lz4_frame(args[3]);
  return frame ? std::move(*frame) : std::string();
}

void kv_setcompressed_command(CommandContext& ctx) {
  if (!has_bucket_and_key(ctx)) return;
  const auto at_ms = read_native_expiry(ctx);
  if (!at_ms) return;
  if (ctx.prepared.empty()) return ctx.reply.error("ERR the value cannot be compressed");
  if (!may_grow(ctx, 0, ctx.prepared.size())) return;
  ctx.txn.put(ctx.txn.bucket(ctx.args[1]), ctx.args[2], ctx.prepared, *at_ms, Event::set);
  ctx.reply.ok();
}

void kv_getcompressed_command(CommandContext& ctx) {
  if (!has_bucket_and_key(ctx)) return;
  const auto entry = ctx.txn.read(ctx.txn.bucket(ctx.args[1]), ctx.args[2]);
  if (!entry) return ctx.reply.null();
  auto content = storage::decompress_lz4_frame(entry->value, ctx.value_bytes_max);
  if (content) return ctx.reply.bulk(*content);
  if (content.status().kind() == storage::ErrorKind::unsupported)
    return ctx.reply.error("ERR the decompressed value exceeds the maximum allowed size (proto-max-bulk-len)");
  ctx.reply.error("ERR the value is not one complete LZ4 frame: " + content.status().message());
}

void kv_exists_command(CommandContext& ctx) {
  if (!has_bucket_and_key(ctx)) return;
  ctx.reply.integer(ctx.txn.read(ctx.txn.bucket(ctx.args[1]), ctx.args[2], Part::presence) ? 1 : 0);
}

void kv_del_command(CommandContext& ctx) {
  if (!has_bucket_and_key(ctx)) return;
  const auto bucket = ctx.txn.bucket(ctx.args[1]);
  const bool present = ctx.txn.peek(bucket, ctx.args[2], Part::presence).present;
  if (present) ctx.txn.remove(bucket, ctx.args[2], Event::del);
  ctx.reply.integer(present ? 1 : 0);
}

void kv_ttl_command(CommandContext& ctx) {
  constexpr int64_t absent = -2, never = -1;
  if (!has_bucket_and_key(ctx)) return;
  const auto entry = ctx.txn.read(ctx.txn.bucket(ctx.args[1]), ctx.args[2], Part::metadata);
  if (!entry) return ctx.reply.integer(absent);
  ctx.reply.integer(entry->expires_at_ms == 0 ? never : entry->expires_at_ms - ctx.now_ms());
}

// --- Batches: the good keys are one batch, the bad ones get an error each.

bool pair_targets(Arguments args, std::string_view, int64_t, std::vector<KeyTarget>& targets) {
  if (!is_bucket_name(args[1]) || args.size() % 2 != 0) return false;
  for (size_t i = 2; i < args.size(); i += 2) targets.push_back({args[1], args[i]});
  return true;
}

void kv_mset_command(CommandContext& ctx) {
  if (!has_bucket_name(ctx)) return;
  if (ctx.args.size() % 2 != 0) return ctx.reply.error(error_arity(ctx.row.name));
  const auto bucket = ctx.txn.bucket(ctx.args[1]);
  BatchReply batch(ctx, (ctx.args.size() - 2) / 2);
  for (size_t i = 2; i < ctx.args.size(); i += 2) {
    if (!is_native_key(ctx.args[i])) {
      ctx.reply.error(error_native_key);
    } else if (may_grow(ctx, 0, ctx.args[i + 1].size())) {
      ctx.txn.put(bucket, ctx.args[i], ctx.args[i + 1], 0, Event::set);
      ctx.reply.ok();
      batch.succeed();
    }
  }
  batch.finish();
}

void kv_mget_command(CommandContext& ctx) {
  if (!has_bucket_name(ctx)) return;
  const auto bucket = ctx.txn.bucket(ctx.args[1]);
  BatchReply batch(ctx, ctx.args.size() - 2);
  for (const std::string_view key : ctx.args.subspan(2)) {
    if (!is_native_key(key)) {
      ctx.reply.error(error_native_key);
    } else if (const auto entry = ctx.txn.read(bucket, key)) {
      ctx.reply.bulk(entry->value);
      batch.succeed();
    } else {
      ctx.reply.null();
    }
    if (batch.is_too_large()) return;
  }
  batch.finish();
}

void kv_mdel_command(CommandContext& ctx) {
  if (!has_bucket_name(ctx)) return;
  const auto bucket = ctx.txn.bucket(ctx.args[1]);
  BatchReply batch(ctx, ctx.args.size() - 2);
  for (const std::string_view key : ctx.args.subspan(2)) {
    if (!is_native_key(key)) {
      ctx.reply.error(error_native_key);
      continue;
    }
    const bool present = ctx.txn.peek(bucket, key, Part::presence).present;
    if (present) {
      ctx.txn.remove(bucket, key, Event::del);
      batch.succeed();
    }
    ctx.reply.integer(present ? 1 : 0);
  }
  batch.finish();
}

// --- Listing

struct ListOptions {
  uint64_t cursor = 0, count = 10;
};

std::optional<ListOptions> read_list_options(CommandContext& ctx) {
  ListOptions options;
  for (size_t i = 3; i < ctx.args.size(); i += 2) {
    const bool has_operand = i + 1 < ctx.args.size();
    std::optional<uint64_t> number;
    if (has_operand && is_option(ctx.args[i], "cursor")) {
      if ((number = read_cursor(ctx, ctx.args[i + 1]))) options.cursor = *number;
    } else if (has_operand && is_option(ctx.args[i], "count")) {
      if ((number = read_count(ctx, ctx.args[i + 1]))) options.count = *number;
    } else {
      ctx.reply.error(error_syntax);
    }
    if (!number) return std::nullopt;
  }
  return options;
}

void kv_list_command(CommandContext& ctx) {
  const auto options = has_bucket_name(ctx) ? read_list_options(ctx) : std::nullopt;
  if (!options) {
    ctx.progress.done = true;
    return;
  }
  const std::string_view prefix = ctx.args[2];
  step_cursor_scan(ctx, ctx.txn.bucket(ctx.args[1]), options->cursor, options->count, prefix,
                   [prefix](std::string_view key) { return key.starts_with(prefix); });
}

void kv_count_command(CommandContext& ctx) {
  Progress& progress = ctx.progress;
  if (!has_bucket_name(ctx)) {
    progress.done = true;
    return;
  }
  const auto bucket = ctx.txn.bucket(ctx.args[1]);
  const std::string_view prefix = ctx.args[2];
  if (prefix.empty()) {
    // Of an ordered store only the sum counts, and all locks are held.
    const storage::Store& store = ctx.txn.store(bucket);
    do {
      progress.number += static_cast<uint64_t>(ctx.txn.count(bucket, progress.shard));
      progress.done = ++progress.shard >= store.shard_count();
    } while (store.capabilities().ordered && !progress.done);
  } else {
    progress.done = step_scan(ctx, bucket, entries_per_step, prefix,
                              [&](std::string_view key) { progress.number += key.starts_with(prefix); });
  }
  if (progress.done) ctx.reply.integer(static_cast<int64_t>(progress.number));
}

struct NativeRow {
  std::string_view name;
  int arity;
  uint32_t flags;
  int last_key, key_step;
  std::string_view acl, complexity, summary, syntax;
  EntryHandler handler;
};

CommandRow entry_row(const NativeRow& row) {
  return {.name = row.name,
          .arity = row.arity,
          .flags = row.flags,
          .first_key = 2,
          .last_key = row.last_key,
          .key_step = row.key_step,
          .kind = CommandKind::entry,
          .acl = row.acl,
          .group = "kv",
          .since = "0.1.0",
          .complexity = row.complexity,
          .summary = row.summary,
          .syntax = row.syntax,
          .handler = row.handler,
          .bucket_argument = 1};
}

CommandRow keyspace_row(std::string_view name, int arity, std::string_view complexity, std::string_view summary,
                        std::string_view syntax, EntryHandler handler) {
  return {.name = name,
          .arity = arity,
          .flags = flag_readonly,
          .kind = CommandKind::keyspace,
          .acl = "@keyspace @read @slow",
          .group = "kv",
          .since = "0.1.0",
          .complexity = complexity,
          .summary = summary,
          .syntax = syntax,
          .handler = handler,
          .bucket_argument = 1};
}

constexpr uint32_t fast_read = flag_readonly | flag_fast, write_flags = flag_write | flag_denyoom;
constexpr std::string_view read_acl = "@read @string @fast", write_acl = "@write @string @slow";
constexpr std::string_view of_keys = "O(N) where N is the number of keys";
constexpr std::string_view of_bucket = "O(N) where N is the number of keys in the bucket";

}  // namespace

void add_native_commands(std::vector<CommandRow>& rows) {
  const NativeRow entries[] = {
      {"kv.set", -4, write_flags, 2, 1, write_acl, "O(1)", "Sets a value in a bucket, whatever was there.",
       "bucket key value [PX milliseconds]", kv_set_command},
      {"kv.get", 3, fast_read, 2, 1, read_acl, "O(1)", "Gives a value of a bucket, or null.", "bucket key",
       kv_get_command},
      {"kv.getcompressed", 3, flag_readonly, 2, 1, "@read @string @slow", "O(N) where N is the length of the value",
       "Gives the content of an LZ4 frame in a bucket, or null.", "bucket key", kv_getcompressed_command},
      {"kv.exists", 3, fast_read, 2, 1, "@keyspace @read @fast", "O(1)", "Tells whether a bucket has a key.",
       "bucket key", kv_exists_command},
      {"kv.del", 3, flag_write | flag_fast, 2, 1, "@keyspace @write @fast", "O(1)", "Removes a key from a bucket.",
       "bucket key", kv_del_command},
      {"kv.ttl", 3, fast_read, 2, 1, "@keyspace @read @fast", "O(1)",
       "Tells after how many milliseconds a key of a bucket expires.", "bucket key", kv_ttl_command},
      {"kv.mget", -3, fast_read, -1, 1, read_acl, of_keys, "Gives several values of a bucket and how many were found.",
       "bucket key [key ...]", kv_mget_command},
      {"kv.mdel", -3, flag_write, -1, 1, "@keyspace @write @slow", of_keys,
       "Removes several keys from a bucket and tells how many there were.", "bucket key [key ...]", kv_mdel_command},
  };
  for (const NativeRow& row : entries) rows.push_back(entry_row(row));
  CommandRow mset = entry_row({"kv.mset", -4, write_flags, -1, 2, write_acl, of_keys,
                               "Sets several values in a bucket; a bad key does not spoil the others.",
                               "bucket key value [key value ...]", kv_mset_command});
  mset.targets = pair_targets;
  rows.push_back(mset);
  CommandRow setcompressed =
      entry_row({"kv.setcompressed", -4, write_flags, 2, 1, write_acl, "O(N) where N is the length of the value",
                 "Sets a value in a bucket, stored as an LZ4 frame.", "bucket key value [PX milliseconds]",
                 kv_setcompressed_command});
  setcompressed.prepare = compressed_value;
  rows.push_back(setcompressed);
  rows.push_back(keyspace_row("kv.list", -3, of_bucket, "Lists some of the keys with a prefix, and where to go on.",
                              "bucket prefix [CURSOR cursor] [COUNT count]", kv_list_command));
  rows.push_back(
      keyspace_row("kv.count", 3, of_bucket, "Counts the keys with a prefix.", "bucket prefix", kv_count_command));
}

}  // namespace sett::server
