#include <charconv>
#include <cmath>
#include <string>

#include "protocol/number_text.h"
#include "server/commands/arguments.h"
#include "server/commands/errors.h"
#include "server/commands/string_handlers.h"

namespace sett::server {
namespace {

using storage::Event;

void add(CommandContext& ctx, int64_t increment) {
  const auto bucket = ctx.bucket();
  const auto old = ctx.txn.peek(bucket, ctx.args[1]);
  int64_t value = 0;
  if (old) {
    const auto parsed = read_integer(ctx, old->value);
    if (!parsed) return;
    value = *parsed;
  }
  if (__builtin_add_overflow(value, increment, &value)) return ctx.reply.error(error_overflow);
  char text[24];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  ctx.txn.put(bucket, ctx.args[1], ctx.txn.keep(std::string(text, end)), old ? old->expires_at_ms : 0, Event::incrby);
  ctx.reply.integer(value);
}

}  // namespace

void incr_command(CommandContext& ctx) {
  add(ctx, 1);
}

void decr_command(CommandContext& ctx) {
  add(ctx, -1);
}

void incrby_command(CommandContext& ctx) {
  if (const auto increment = read_integer(ctx, ctx.args[2])) add(ctx, *increment);
}

void decrby_command(CommandContext& ctx) {
  const auto decrement = read_integer(ctx, ctx.args[2]);
  if (!decrement) return;
  if (*decrement == INT64_MIN) return ctx.reply.error("ERR decrement would overflow");
  add(ctx, -*decrement);
}

void incrbyfloat_command(CommandContext& ctx) {
  const auto bucket = ctx.bucket();
  const auto old = ctx.txn.peek(bucket, ctx.args[1]);
  const auto value = old ? protocol::parse_long_double(old->value) : 0.0L;
  const auto increment = value ? protocol::parse_long_double(ctx.args[2]) : std::nullopt;
  if (!increment) return ctx.reply.error(error_not_float);
  const long double sum = *value + *increment;
  if (std::isnan(sum) || std::isinf(sum)) return ctx.reply.error("ERR increment would produce NaN or Infinity");
  const std::string_view text = ctx.txn.keep(protocol::format_long_double(sum));
  ctx.txn.put(bucket, ctx.args[1], text, old ? old->expires_at_ms : 0, Event::incrbyfloat);
  ctx.reply.bulk(text);
}

}  // namespace sett::server
