#include "server/commands/arguments.h"
#include "server/commands/errors.h"
#include "server/commands/string_handlers.h"
#include "server/commands/value_writes.h"

namespace sett::server {

using storage::Event;
using storage::Part;

void append_command(CommandContext& ctx) {
  const std::string_view key = ctx.args[1], bytes = ctx.args[2];
  const auto old = ctx.txn.peek(ctx.bucket(), key, Part::metadata);
  const uint64_t old_bytes = old ? old->value_bytes : 0;
  if (old && !may_grow(ctx, old_bytes, bytes.size())) return;
  stage_bytes(ctx, key, old, old_bytes, bytes, Event::append);
  ctx.reply.integer(static_cast<int64_t>(old_bytes + bytes.size()));
}

void strlen_command(CommandContext& ctx) {
  const auto entry = ctx.txn.read(ctx.bucket(), ctx.args[1], Part::metadata);
  ctx.reply.integer(entry ? static_cast<int64_t>(entry->value_bytes) : 0);
}

void getrange_command(CommandContext& ctx) {
  const auto first = read_integer(ctx, ctx.args[2]);
  if (!first) return;
  const auto last = read_integer(ctx, ctx.args[3]);
  if (!last) return;
  const auto entry = ctx.txn.read(ctx.bucket(), ctx.args[1]);
  if (!entry || is_reversed(*first, *last)) return ctx.reply.bulk({});
  const auto range = clamp_range(*first, *last, static_cast<int64_t>(entry->value.size()));
  if (range.empty()) return ctx.reply.bulk({});
  ctx.reply.bulk(
      entry->value.substr(static_cast<size_t>(range.first), static_cast<size_t>(range.last - range.first + 1)));
}

void setrange_command(CommandContext& ctx) {
  const std::string_view key = ctx.args[1], bytes = ctx.args[3];
  const auto offset = read_integer(ctx, ctx.args[2]);
  if (!offset) return;
  if (*offset < 0) return ctx.reply.error(error_offset_range);
  const auto old = ctx.txn.peek(ctx.bucket(), key, Part::metadata);
  const uint64_t old_bytes = old ? old->value_bytes : 0;
  if (bytes.empty()) return ctx.reply.integer(static_cast<int64_t>(old_bytes));
  const auto at = static_cast<uint64_t>(*offset);
  if (!may_grow(ctx, at, bytes.size())) return;
  stage_bytes(ctx, key, old, at, bytes, Event::setrange);
  ctx.reply.integer(static_cast<int64_t>(std::max(old_bytes, at + bytes.size())));
}

}  // namespace sett::server
