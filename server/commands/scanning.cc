#include "server/commands/scanning.h"

#include <algorithm>
#include <charconv>
#include <string>

#include "server/commands/arguments.h"
#include "server/commands/errors.h"

namespace sett::server {

namespace {
// What one call may do, whatever COUNT says.
constexpr uint64_t entries_per_call_max = 100'000;
constexpr uint64_t steps_per_call_max = 4096;
constexpr uint64_t reply_bytes_per_call = 16 << 20;
}  // namespace

bool is_good(const CommandContext& ctx) {
  return ctx.txn.verdict() == storage::Transaction::Verdict::good;
}

std::optional<uint64_t> read_cursor(CommandContext& ctx, std::string_view text) {
  text = text.substr(0, text.find('\0'));  // Redis reads a C string
  if (text.empty()) return 0;              // strtoul reads nothing as 0, and so does Redis
  uint64_t cursor = 0;
  const bool negative = text.front() == '-';
  const std::string_view digits = text.substr(negative || text.front() == '+' ? 1 : 0);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), cursor);
  if (error == std::errc() && end == digits.data() + digits.size()) return negative ? 0 - cursor : cursor;
  ctx.reply.error("ERR invalid cursor");
  return std::nullopt;
}

std::optional<uint64_t> read_count(CommandContext& ctx, std::string_view text) {
  const auto count = read_integer(ctx, text);
  if (!count) return std::nullopt;
  if (*count >= 1) return static_cast<uint64_t>(*count);
  ctx.reply.error(error_syntax);
  return std::nullopt;
}

bool step_scan(CommandContext& ctx, storage::Transaction::Bucket bucket, uint64_t entries_max, std::string_view prefix,
               const KeyVisitor& visit) {
  Progress& progress = ctx.progress;
  progress.position = ctx.txn.scan(
      bucket, progress.position, std::min(entries_max, entries_per_step),
      [&](std::string_view key, const storage::EntryView&) { visit(key); }, prefix);
  progress.shard = ctx.txn.store(bucket).scan_shard(progress.position);
  return progress.position == 0 && is_good(ctx);
}

void step_cursor_scan(CommandContext& ctx, storage::Transaction::Bucket bucket, uint64_t cursor, uint64_t count,
                      std::string_view prefix, const KeyFilter& is_wanted) {
  Progress& progress = ctx.progress;
  uint64_t& looked_at = progress.number;
  if (!progress.started) {
    progress.started = true;
    progress.position = cursor;
    progress.mark = ctx.reply.mark();
    progress.numbers.assign(1, 0);
    const auto shard = ctx.txn.store(bucket).scan_shard(cursor);
    if (shard != progress.shard) {  // not the lock that is held: the next step has it
      progress.shard = shard;
      return;
    }
  }
  uint64_t& steps = progress.numbers.front();
  count = std::min(count, entries_per_call_max);
  const bool at_end = step_scan(ctx, bucket, count - looked_at, prefix, [&](std::string_view key) {
    ++looked_at;
    if (!is_wanted(key)) return;
    ctx.reply.bulk(key);
    ++progress.elements;
  });
  if (!is_good(ctx)) return;
  const uint64_t bytes = ctx.reply.mark() - progress.mark;
  progress.done = at_end || looked_at >= count || ++steps >= steps_per_call_max ||
                  bytes > std::min(reply_bytes_per_call, ctx.reply_bytes_max);
  if (!progress.done) return;
  std::string head;
  protocol::ReplyWriter writer(head, ctx.reply.version());
  writer.array(2);
  writer.bulk(std::to_string(progress.position));
  writer.array(progress.elements);
  ctx.reply.buffer().insert(progress.mark, head);
}

}  // namespace sett::server
