#include "server/commands/families.h"
#include "server/commands/native_arguments.h"

namespace sett::server {
namespace {

using storage::Event;
using storage::Part;
using storage::Transaction;

// A member is a key with this value; what a key holds otherwise counts as membership too and is never overwritten.
constexpr std::string_view member_value = "0";

// True: it was not there before.
bool add(CommandContext& ctx, Transaction::Bucket bucket, std::string_view item) {
  if (ctx.txn.peek(bucket, item, Part::presence)) return false;
  ctx.txn.put(bucket, item, member_value, 0, Event::set);
  return true;
}

void filter_add_command(CommandContext& ctx) {
  if (has_bucket_and_key(ctx)) ctx.reply.integer(add(ctx, ctx.txn.bucket(ctx.args[1]), ctx.args[2]) ? 1 : 0);
}

void filter_checkadd_command(CommandContext& ctx) {
  if (has_bucket_and_key(ctx)) ctx.reply.integer(add(ctx, ctx.txn.bucket(ctx.args[1]), ctx.args[2]) ? 0 : 1);
}

void filter_exists_command(CommandContext& ctx) {
  if (!has_bucket_and_key(ctx)) return;
  ctx.reply.integer(ctx.txn.read(ctx.txn.bucket(ctx.args[1]), ctx.args[2], Part::presence) ? 1 : 0);
}

void filter_del_command(CommandContext& ctx) {
  if (!has_bucket_and_key(ctx)) return;
  const auto bucket = ctx.txn.bucket(ctx.args[1]);
  const bool present = ctx.txn.peek(bucket, ctx.args[2], Part::presence).present;
  if (present) ctx.txn.remove(bucket, ctx.args[2], Event::del);
  ctx.reply.integer(present ? 1 : 0);
}

template <typename Do>
void for_each_item(CommandContext& ctx, const Do& is_success) {
  if (!has_bucket_name(ctx)) return;
  const auto bucket = ctx.txn.bucket(ctx.args[1]);
  BatchReply batch(ctx, ctx.args.size() - 2);
  for (const std::string_view item : ctx.args.subspan(2)) {
    if (!is_native_key(item)) {
      ctx.reply.error(error_native_key);
      continue;
    }
    const bool success = is_success(bucket, item);
    if (success) batch.succeed();
    ctx.reply.integer(success ? 1 : 0);
  }
  batch.finish();
}

void filter_madd_command(CommandContext& ctx) {
  for_each_item(ctx, [&](Transaction::Bucket bucket, std::string_view item) { return add(ctx, bucket, item); });
}

void filter_mexists_command(CommandContext& ctx) {
  for_each_item(ctx, [&](Transaction::Bucket bucket, std::string_view item) {
    return ctx.txn.read(bucket, item, Part::presence).present;
  });
}

CommandRow filter_row(std::string_view name, int arity, uint32_t flags, std::string_view acl, std::string_view summary,
                      std::string_view syntax, EntryHandler handler) {
  const bool many = arity < 0;
  return {.name = name,
          .arity = arity,
          .flags = flags,
          .first_key = 2,
          .last_key = many ? -1 : 2,
          .key_step = 1,
          .kind = CommandKind::entry,
          .acl = acl,
          .group = "filter",
          .since = "0.1.0",
          .complexity = many ? "O(N) where N is the number of items" : "O(1)",
          .summary = summary,
          .syntax = syntax,
          .handler = handler,
          .bucket_argument = 1};
}

constexpr uint32_t fast_add = flag_write | flag_denyoom | flag_fast, fast_read = flag_readonly | flag_fast;
constexpr std::string_view write_acl = "@keyspace @write @fast", read_acl = "@keyspace @read @fast";

}  // namespace

void add_filter_commands(std::vector<CommandRow>& rows) {
  const CommandRow own[] = {
      filter_row("filter.add", 3, fast_add, write_acl, "Adds an item; tells whether it is new.", "bucket item",
                 filter_add_command),
      filter_row("filter.checkadd", 3, fast_add, write_acl, "Adds an item; tells whether it was there before.",
                 "bucket item", filter_checkadd_command),
      filter_row("filter.del", 3, flag_write | flag_fast, write_acl, "Removes an item; tells whether it was there.",
                 "bucket item", filter_del_command),
      filter_row("filter.exists", 3, fast_read, read_acl, "Tells whether an item is there.", "bucket item",
                 filter_exists_command),
      filter_row("filter.madd", -3, fast_add, write_acl, "Adds several items; tells which are new.",
                 "bucket item [item ...]", filter_madd_command),
      filter_row("filter.mexists", -3, fast_read, read_acl, "Tells which of several items are there.",
                 "bucket item [item ...]", filter_mexists_command),
  };
  rows.insert(rows.end(), std::begin(own), std::end(own));
}

}  // namespace sett::server
