#include "server/commands/arguments.h"

#include <algorithm>
#include <climits>
#include <string>

#include "protocol/number_text.h"
#include "server/commands/errors.h"

namespace sett::server {

using Kind = ExpiryOption::Kind;

std::optional<int64_t> read_integer(CommandContext& ctx, std::string_view text) {
  const auto value = protocol::parse_int64(text);
  if (!value) ctx.reply.error(error_not_integer);
  return value;
}

std::optional<int64_t> read_small_integer(CommandContext& ctx, std::string_view text) {
  const auto value = read_integer(ctx, text);
  if (!value) return std::nullopt;
  if (*value >= INT_MIN && *value <= INT_MAX) return value;
  ctx.reply.error("ERR value is out of range, value must between " + std::to_string(INT_MIN) + " and " +
                  std::to_string(INT_MAX));
  return std::nullopt;
}

std::optional<int64_t> parse_database(std::string_view text, int64_t databases) {
  const auto value = protocol::parse_int64(text);
  if (!value || *value < 0 || *value >= databases) return std::nullopt;
  return value;
}

std::optional<std::string_view> read_database(CommandContext& ctx, std::string_view text) {
  const auto value = read_small_integer(ctx, text);
  if (!value) return std::nullopt;
  if (!parse_database(text, ctx.databases)) {
    ctx.reply.error(error_db_index);
    return std::nullopt;
  }
  return text;  // the parser is strict: one text per number
}

bool is_option(std::string_view argument, std::string_view lower_case_name) {
  return protocol::equals_ignoring_case(argument, lower_case_name);
}

namespace {

// The kind of expiry that a word announces, or none.
Kind expiry_kind(std::string_view word) {
  if (is_option(word, "ex")) return Kind::seconds;
  if (is_option(word, "px")) return Kind::milliseconds;
  if (is_option(word, "exat")) return Kind::at_seconds;
  if (is_option(word, "pxat")) return Kind::at_milliseconds;
  return Kind::none;
}

// Takes one word without an operand; false: it is none, or conflicts with what came before.
bool take_flag(ValueOptions& options, std::string_view word, OptionSet allowed) {
  const bool has_expiry = options.expiry.kind != Kind::none;
  if (allowed == OptionSet::getex) {
    if (!is_option(word, "persist") || has_expiry) return false;
    return options.persist = true;
  }
  if (is_option(word, "nx") && !options.if_present) return options.if_absent = true;
  if (is_option(word, "xx") && !options.if_absent) return options.if_present = true;
  if (is_option(word, "get")) return options.get_old = true;
  if (is_option(word, "keepttl") && !has_expiry) return options.keep_expiry = true;
  return false;
}

}  // namespace

std::optional<ValueOptions> read_value_options(CommandContext& ctx, size_t first, OptionSet allowed) {
  ValueOptions options;
  for (size_t i = first; i < ctx.args.size(); ++i) {
    const Kind kind = expiry_kind(ctx.args[i]);
    bool good;
    if (kind == Kind::none) {
      good = take_flag(options, ctx.args[i], allowed);
    } else {
      const Kind before = options.expiry.kind;
      good = i + 1 < ctx.args.size() && !options.keep_expiry && !options.persist &&
             (before == Kind::none || before == kind);
      if (good) options.expiry = {kind, ctx.args[++i]};
    }
    if (!good) {
      ctx.reply.error(error_syntax);
      return std::nullopt;
    }
  }
  return options;
}

std::optional<int64_t> read_expiry(CommandContext& ctx, const ExpiryOption& option) {
  if (option.kind == Kind::none) return 0;
  const auto amount = read_integer(ctx, option.amount);
  if (!amount) return std::nullopt;
  const bool in_seconds = option.kind == Kind::seconds || option.kind == Kind::at_seconds;
  const bool relative = option.kind == Kind::seconds || option.kind == Kind::milliseconds;
  int64_t at_ms = *amount;
  bool good = at_ms > 0 && !(in_seconds && at_ms > INT64_MAX / 1000);
  if (good && in_seconds) at_ms *= 1000;
  if (good && relative) good = !__builtin_add_overflow(at_ms, ctx.now_ms(), &at_ms);
  if (!good) {
    ctx.reply.error(error_expire_time(ctx.row.name));
    return std::nullopt;
  }
  return at_ms;
}

bool may_grow(CommandContext& ctx, uint64_t old_bytes, uint64_t more_bytes) {
  if (more_bytes <= ctx.value_bytes_max && old_bytes <= ctx.value_bytes_max - more_bytes) return true;
  ctx.reply.error(error_string_too_long);
  return false;
}

InclusiveRange clamp_range(int64_t first, int64_t last, int64_t size) {
  if (first < 0) first = std::max<int64_t>(first + size, 0);
  if (last < 0) last = std::max<int64_t>(last + size, 0);
  return {first, std::min(last, size - 1)};
}

}  // namespace sett::server
