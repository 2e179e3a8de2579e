#include <optional>
#include <string>

#include "server/commands/arguments.h"
#include "server/commands/errors.h"
#include "server/commands/families.h"

namespace sett::server {
namespace {

using storage::Event;
using storage::Part;

enum class Unit : uint8_t { seconds, milliseconds };

// --- EXPIRE and its kin

struct Conditions {
  bool if_none = false, if_some = false, if_later = false, if_earlier = false;
};

std::optional<Conditions> read_conditions(CommandContext& ctx) {
  Conditions conditions;
  for (const std::string_view word : ctx.args.subspan(3)) {
    if (is_option(word, "nx")) {
      conditions.if_none = true;
    } else if (is_option(word, "xx")) {
      conditions.if_some = true;
    } else if (is_option(word, "gt")) {
      conditions.if_later = true;
    } else if (is_option(word, "lt")) {
      conditions.if_earlier = true;
    } else {
      ctx.reply.error("ERR Unsupported option " + shown_word(word));
      return std::nullopt;
    }
  }
  if (conditions.if_none && (conditions.if_some || conditions.if_later || conditions.if_earlier)) {
    ctx.reply.error("ERR NX and XX, GT or LT options at the same time are not compatible");
    return std::nullopt;
  }
  if (conditions.if_later && conditions.if_earlier) {
    ctx.reply.error("ERR GT and LT options at the same time are not compatible");
    return std::nullopt;
  }
  return conditions;
}

// `old_ms` 0: no expiry, which counts as later than any.
bool conditions_hold(const Conditions& conditions, int64_t old_ms, int64_t new_ms) {
  if (conditions.if_none && old_ms != 0) return false;
  if (conditions.if_some && old_ms == 0) return false;
  if (conditions.if_later && (old_ms == 0 || new_ms <= old_ms)) return false;
  if (conditions.if_earlier && old_ms != 0 && new_ms >= old_ms) return false;
  return true;
}

void set_expiry(CommandContext& ctx, Unit unit, bool relative) {
  const auto conditions = read_conditions(ctx);
  if (!conditions) return;
  const auto amount = read_integer(ctx, ctx.args[2]);
  if (!amount) return;
  int64_t at_ms = *amount;
  bool fits = unit == Unit::milliseconds || !__builtin_mul_overflow(at_ms, int64_t{1000}, &at_ms);
  fits = fits && (!relative || !__builtin_add_overflow(at_ms, ctx.now_ms(), &at_ms));
  if (!fits) return ctx.reply.error(error_expire_time(ctx.row.name));
  const auto bucket = ctx.bucket();
  const auto entry = ctx.txn.peek(bucket, ctx.args[1], Part::metadata);
  if (!entry || !conditions_hold(*conditions, entry->expires_at_ms, at_ms)) return ctx.reply.integer(0);
  if (at_ms <= ctx.now_ms())
    ctx.txn.remove(bucket, ctx.args[1], Event::del);
  else
    ctx.txn.expire(bucket, ctx.args[1], at_ms, Event::expire);
  ctx.reply.integer(1);
}

void expire_command(CommandContext& ctx) {
  set_expiry(ctx, Unit::seconds, true);
}
void pexpire_command(CommandContext& ctx) {
  set_expiry(ctx, Unit::milliseconds, true);
}
void expireat_command(CommandContext& ctx) {
  set_expiry(ctx, Unit::seconds, false);
}
void pexpireat_command(CommandContext& ctx) {
  set_expiry(ctx, Unit::milliseconds, false);
}

void persist_command(CommandContext& ctx) {
  const auto bucket = ctx.bucket();
  const auto entry = ctx.txn.peek(bucket, ctx.args[1], Part::metadata);
  const bool changes = entry && entry->expires_at_ms != 0;
  if (changes) ctx.txn.expire(bucket, ctx.args[1], 0, Event::persist);
  ctx.reply.integer(changes ? 1 : 0);
}

// --- TTL and its kin

void write_expiry(CommandContext& ctx, Unit unit, bool relative) {
  constexpr int64_t absent = -2, never = -1;
  const auto entry = ctx.txn.read(ctx.bucket(), ctx.args[1], Part::metadata);
  if (!entry) return ctx.reply.integer(absent);
  if (entry->expires_at_ms == 0) return ctx.reply.integer(never);
  const int64_t ms = entry->expires_at_ms - (relative ? ctx.now_ms() : 0);
  // To the nearest second; an expiry may be the last moment there is.
  ctx.reply.integer(unit == Unit::seconds ? ms / 1000 + (ms % 1000 >= 500 ? 1 : 0) : ms);
}

void ttl_command(CommandContext& ctx) {
  write_expiry(ctx, Unit::seconds, true);
}
void pttl_command(CommandContext& ctx) {
  write_expiry(ctx, Unit::milliseconds, true);
}
void expiretime_command(CommandContext& ctx) {
  write_expiry(ctx, Unit::seconds, false);
}
void pexpiretime_command(CommandContext& ctx) {
  write_expiry(ctx, Unit::milliseconds, false);
}

CommandRow reading_row(std::string_view name, std::string_view since, std::string_view summary, EntryHandler handler) {
  return {name,
          2,
          flag_readonly | flag_fast,
          1,
          1,
          1,
          CommandKind::entry,
          "@keyspace @read @fast",
          "generic",
          since,
          "O(1)",
          summary,
          "key",
          handler};
}

CommandRow setting_row(std::string_view name, std::string_view since, std::string_view summary, std::string_view syntax,
                       EntryHandler handler) {
  return {name,
          -3,
          flag_write | flag_fast,
          1,
          1,
          1,
          CommandKind::entry,
          "@keyspace @write @fast",
          "generic",
          since,
          "O(1)",
          summary,
          syntax,
          handler};
}

}  // namespace

void add_expiry_commands(std::vector<CommandRow>& rows) {
  const CommandRow own[] = {
      setting_row("expire", "1.0.0", "Lets a key expire after some seconds.", "key seconds [NX | XX | GT | LT]",
                  expire_command),
      setting_row("expireat", "1.2.0", "Lets a key expire at a time in seconds.",
                  "key unix-time-seconds [NX | XX | GT | LT]", expireat_command),
      setting_row("pexpire", "2.6.0", "Lets a key expire after some milliseconds.",
                  "key milliseconds [NX | XX | GT | LT]", pexpire_command),
      setting_row("pexpireat", "2.6.0", "Lets a key expire at a time in milliseconds.",
                  "key unix-time-milliseconds [NX | XX | GT | LT]", pexpireat_command),
      reading_row("expiretime", "7.0.0", "Tells when a key expires, in seconds.", expiretime_command),
      reading_row("pexpiretime", "7.0.0", "Tells when a key expires, in milliseconds.", pexpiretime_command),
      reading_row("pttl", "2.6.0", "Tells after how many milliseconds a key expires.", pttl_command),
      reading_row("ttl", "1.0.0", "Tells after how many seconds a key expires.", ttl_command),
      {"persist", 2, flag_write | flag_fast, 1, 1, 1, CommandKind::entry, "@keyspace @write @fast", "generic", "2.2.0",
       "O(1)", "Takes the expiry off a key.", "key", persist_command},
  };
  rows.insert(rows.end(), std::begin(own), std::end(own));
}

}  // namespace sett::server
