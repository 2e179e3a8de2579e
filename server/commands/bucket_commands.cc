#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "server/commands/families.h"
#include "server/commands/native_arguments.h"

namespace sett::server {
namespace {

using storage::BucketId;
using storage::BucketInfo;
using storage::BucketUsage;
using storage::Store;
using storage::Transaction;

// The names of the store's buckets in order, as this transaction sees them.
std::vector<std::string_view> bucket_names(CommandContext& ctx, Store& store) {
  ctx.txn.depend_on(store, store.journal().last());  // that a name is there, or not, may not be safe yet
  for (const BucketInfo& info : store.list_buckets()) ctx.txn.bucket(ctx.txn.keep(info.name));
  std::vector<std::string_view> names;  // what this transaction has created is among these, and what it has dropped
  for (Transaction::Bucket bucket = 0; bucket < ctx.txn.bucket_count(); ++bucket)
    if (&ctx.txn.store(bucket) == &store && ctx.txn.exists(bucket)) names.push_back(ctx.txn.name(bucket));
  std::sort(names.begin(), names.end());
  return names;
}

// One step for each store: its catalogue is read at once.
void bucket_list_command(CommandContext& ctx) {
  Progress& progress = ctx.progress;
  if (!progress.started) {
    progress.started = true;
    progress.mark = ctx.reply.mark();
  }
  for (const std::string_view name : bucket_names(ctx, ctx.store_of_run())) {
    ctx.reply.bulk(name);
    ++progress.elements;
  }
  progress.done = true;
  if (progress.stores_left == 0) ctx.reply.insert_array(progress.mark, progress.elements);
}

enum InfoField : size_t { field_keys, field_bytes, field_expiring, field_operations, field_hits, field_count };

using InfoNumbers = std::array<uint64_t, field_count>;

void write_info(CommandContext& ctx, const Store& store, const InfoNumbers& numbers) {
  constexpr std::string_view names[field_count] = {"keys", "bytes", "expiring_keys", "operations", "hits"};
  ctx.reply.map(field_count + 1);
  for (size_t field = 0; field < field_count; ++field) {
    ctx.reply.bulk(names[field]);
    ctx.reply.integer(static_cast<int64_t>(numbers[field]));
  }
  ctx.reply.bulk("backend");
  ctx.reply.bulk(store.backend());
}

// Under all locks, so that the figures are of one moment.
void bucket_info_command(CommandContext& ctx) {
  if (!has_bucket_name(ctx)) return;
  const auto bucket = ctx.txn.bucket(ctx.args[1]);
  if (!ctx.txn.exists(bucket)) return ctx.reply.error(error_no_such_bucket);
  Store& store = ctx.txn.store(bucket);
  InfoNumbers numbers{};
  const BucketId id = store.find_bucket(ctx.args[1]);
  for (storage::ShardIndex shard = 0; shard < store.shard_count(); ++shard) {
    numbers[field_keys] += static_cast<uint64_t>(ctx.txn.count(bucket, shard));  // finds out what usage() then counts
    const BucketUsage usage = id == storage::no_bucket ? BucketUsage() : store.usage(id, shard, ctx.now_ms());
    numbers[field_bytes] += usage.bytes;
    numbers[field_expiring] += usage.expiring_keys;
    numbers[field_operations] += usage.operations;
    numbers[field_hits] += usage.hits;
  }
  write_info(ctx, store, numbers);
}

void bucket_drop_command(CommandContext& ctx) {
  if (!has_bucket_name(ctx)) return;
  const auto bucket = ctx.txn.bucket(ctx.args[1]);
  const bool exists = ctx.txn.exists(bucket);
  if (exists) ctx.txn.drop(bucket);
  ctx.reply.integer(exists ? 1 : 0);
}

}  // namespace

void add_bucket_commands(std::vector<CommandRow>& rows) {
  const CommandRow own[] = {
      {.name = "bucket.drop",
       .arity = 2,
       .flags = flag_write,
       .kind = CommandKind::all_shards,
       .acl = "@keyspace @write @slow @dangerous",
       .group = "bucket",
       .since = "0.1.0",
       .complexity = "O(1)",
       .summary = "Removes a bucket with all its keys.",
       .syntax = "bucket",
       .handler = bucket_drop_command,
       .bucket_argument = 1},
      {.name = "bucket.info",
       .arity = 2,
       .flags = flag_readonly,
       .kind = CommandKind::all_shards,
       .acl = "@keyspace @read @slow",
       .group = "bucket",
       .since = "0.1.0",
       .complexity = "O(S) where S is the number of shards",
       .summary = "Tells what a bucket holds and how it is used.",
       .syntax = "bucket",
       .handler = bucket_info_command,
       .bucket_argument = 1},
      {.name = "bucket.list",
       .arity = 1,
       .flags = flag_readonly,
       .kind = CommandKind::keyspace,
       .acl = "@keyspace @read @slow",
       .group = "bucket",
       .since = "0.1.0",
       .complexity = "O(B) where B is the number of buckets",
       .summary = "Lists the buckets of all backends.",
       .syntax = "",
       .handler = bucket_list_command,
       .all_stores = true},
  };
  rows.insert(rows.end(), std::begin(own), std::end(own));
}

}  // namespace sett::server
