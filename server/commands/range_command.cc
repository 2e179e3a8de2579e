#include <algorithm>
#include <optional>
#include <string>

#include "server/commands/arguments.h"
#include "server/commands/errors.h"
#include "server/commands/families.h"
#include "server/commands/native_arguments.h"
#include "server/commands/scanning.h"

namespace sett::server {
namespace {

// An end as ZRANGEBYLEX has it: "-", "+", "[key", "(key".
struct RangeEnd {
  enum class Kind : uint8_t { lowest, highest, including, excluding };
  Kind kind = Kind::lowest;
  std::string_view key;
};

std::optional<RangeEnd> read_end(std::string_view text) {
  if (text == "-") return RangeEnd{RangeEnd::Kind::lowest, {}};
  if (text == "+") return RangeEnd{RangeEnd::Kind::highest, {}};
  if (text.starts_with('[')) return RangeEnd{RangeEnd::Kind::including, text.substr(1)};
  if (text.starts_with('(')) return RangeEnd{RangeEnd::Kind::excluding, text.substr(1)};
  return std::nullopt;
}

struct RangeOptions {
  RangeEnd low, high;
  bool backward = false, values = false;
  uint64_t limit = UINT64_MAX;
};

std::optional<RangeOptions> read_range_options(CommandContext& ctx) {
  RangeOptions options;
  for (size_t i = 4; i < ctx.args.size(); ++i) {
    if (is_option(ctx.args[i], "rev")) {
      options.backward = true;
    } else if (is_option(ctx.args[i], "withvalues")) {
      options.values = true;
    } else if (is_option(ctx.args[i], "limit") && i + 1 < ctx.args.size()) {
      const auto limit = read_integer(ctx, ctx.args[++i]);
      if (!limit) return std::nullopt;
      if (*limit >= 0) options.limit = static_cast<uint64_t>(*limit);  // below 0: none, as in Redis
    } else {
      ctx.reply.error(error_syntax);
      return std::nullopt;
    }
  }
  // The way back begins at the upper end.
  const auto low = read_end(ctx.args[options.backward ? 3 : 2]), high = read_end(ctx.args[options.backward ? 2 : 3]);
  if (!low || !high) {
    ctx.reply.error("ERR min or max not valid string range item");
    return std::nullopt;
  }
  options.low = *low;
  options.high = *high;
  return options;
}

bool is_above_low(const RangeEnd& low, std::string_view key) {
  switch (low.kind) {
    case RangeEnd::Kind::lowest:
      return true;
    case RangeEnd::Kind::highest:
      return false;
    case RangeEnd::Kind::including:
      return key >= low.key;
    case RangeEnd::Kind::excluding:
      break;
  }
  return key > low.key;
}

bool is_below_high(const RangeEnd& high, std::string_view key) {
  switch (high.kind) {
    case RangeEnd::Kind::lowest:
      return false;
    case RangeEnd::Kind::highest:
      return true;
    case RangeEnd::Kind::including:
      return key <= high.key;
    case RangeEnd::Kind::excluding:
      break;
  }
  return key < high.key;
}

// Where the walk begins: at keys from there on, or, on the way back, at those before it. True: at the bucket's end.
bool set_first_place(const RangeOptions& options, std::string& place) {
  const RangeEnd& end = options.backward ? options.high : options.low;
  place.assign(end.key);
  const bool has_key = end.kind == RangeEnd::Kind::including || end.kind == RangeEnd::Kind::excluding;
  if (end.kind == (options.backward ? RangeEnd::Kind::including : RangeEnd::Kind::excluding))
    place.push_back('\0');  // the next key there can be
  return options.backward && !has_key;
}

// Steps of some keys each, every one as of its time.
void kv_range_command(CommandContext& ctx) {
  Progress& progress = ctx.progress;
  const auto options = has_bucket_name(ctx) ? read_range_options(ctx) : std::nullopt;
  progress.done = true;
  if (!options) return;
  const auto bucket = ctx.txn.bucket(ctx.args[1]);
  if (!ctx.txn.store(bucket).capabilities().ordered)
    return ctx.reply.error("ERR KV.RANGE is not supported by the backend " +
                           std::string(ctx.txn.store(bucket).backend()) + ": it keeps no order of keys");
  storage::Store::Walk walk{.backward = options->backward, .values = options->values};
  if (!progress.started) {
    progress.started = true;
    progress.mark = ctx.reply.mark();
    walk.from_end = set_first_place(*options, progress.text);
  }
  const uint64_t per_key = options->values ? 2 : 1;
  bool is_over = progress.elements / per_key >= options->limit;
  const auto visit = [&](std::string_view key, const storage::EntryView& entry) {
    is_over = !is_above_low(options->low, key) || !is_below_high(options->high, key);
    if (is_over) return false;
    ctx.reply.bulk(key);
    if (options->values) ctx.reply.bulk(entry.value);
    progress.elements += per_key;
    is_over = progress.elements / per_key >= options->limit || ctx.reply.mark() - progress.mark > ctx.reply_bytes_max;
    return !is_over;
  };
  walk.from = progress.text;
  walk.entries_max = entries_per_step;
  std::string next;
  const bool goes_on = !is_over && ctx.txn.walk(bucket, walk, visit, next);
  if (!is_good(ctx)) return;
  progress.text = std::move(next);
  progress.done = !goes_on || is_over;
  if (progress.done) ctx.reply.insert_array(progress.mark, progress.elements);
}

}  // namespace

void add_range_command(std::vector<CommandRow>& rows) {
  rows.push_back(
      {.name = "kv.range",
       .arity = -4,
       .flags = flag_readonly,
       .kind = CommandKind::keyspace,
       .acl = "@keyspace @read @slow",
       .group = "kv",
       .since = "0.1.0",
       .complexity = "O(log(N)+M) where M is the number of keys in the range",
       .summary = "Gives the keys of a range, in order, and their values if wanted. Only of ordered backends.",
       .syntax = "bucket start end [LIMIT count] [REV] [WITHVALUES]",
       .handler = kv_range_command,
       .bucket_argument = 1});
}

}  // namespace sett::server
