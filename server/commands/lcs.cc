#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/commands/arguments.h"
#include "server/commands/errors.h"
#include "server/commands/string_handlers.h"

namespace sett::server {
namespace {

// A run of bytes that both texts share, by its first bytes.
struct Run {
  size_t in_a, in_b, length;
};

// The lengths of the longest common subsequences of every prefix of `a` with every prefix of `b`. Small enough was
// checked.
class PrefixLengths {
 public:
  PrefixLengths(std::string_view a, std::string_view b)
      : columns_(b.size() + 1), cells_(std::make_unique<uint32_t[]>((a.size() + 1) * columns_)) {
    for (size_t i = 1; i <= a.size(); ++i) {
      const uint32_t* above = &cells_[(i - 1) * columns_];
      uint32_t* row = &cells_[i * columns_];
      for (size_t j = 1; j <= b.size(); ++j)
        row[j] = a[i - 1] == b[j - 1] ? above[j - 1] + 1 : std::max(above[j], row[j - 1]);
    }
  }
  uint32_t of(size_t a_bytes, size_t b_bytes) const { return cells_[a_bytes * columns_ + b_bytes]; }

 private:
  size_t columns_;
  std::unique_ptr<uint32_t[]> cells_;
};

// Walks back from the ends of both texts along one longest subsequence. The last run comes first.
std::vector<Run> common_runs(std::string_view a, std::string_view b, const PrefixLengths& lengths) {
  std::vector<Run> runs;
  size_t i = a.size(), j = b.size();
  bool in_run = false;
  while (i > 0 && j > 0) {
    if (a[i - 1] == b[j - 1]) {
      --i;
      --j;
      if (in_run) {
        --runs.back().in_a;
        --runs.back().in_b;
        ++runs.back().length;
      } else {
        runs.push_back({i, j, 1});
      }
      in_run = true;
    } else {
      in_run = false;
      if (lengths.of(i - 1, j) > lengths.of(i, j - 1))
        --i;
      else
        --j;
    }
  }
  return runs;
}

struct LcsOptions {
  bool length = false, indexes = false, with_match_length = false;
  int64_t match_bytes_min = 0;
};

std::optional<LcsOptions> read_options(CommandContext& ctx) {
  LcsOptions options;
  for (size_t i = 3; i < ctx.args.size(); ++i) {
    const std::string_view word = ctx.args[i];
    if (is_option(word, "idx")) {
      options.indexes = true;
    } else if (is_option(word, "len")) {
      options.length = true;
    } else if (is_option(word, "withmatchlen")) {
      options.with_match_length = true;
    } else if (is_option(word, "minmatchlen") && i + 1 < ctx.args.size()) {
      const auto bytes = read_integer(ctx, ctx.args[++i]);
      if (!bytes) return std::nullopt;
      options.match_bytes_min = std::max<int64_t>(*bytes, 0);
    } else {
      ctx.reply.error(error_syntax);
      return std::nullopt;
    }
  }
  if (options.indexes && options.length) {
    ctx.reply.error("ERR If you want both the length and indexes, please just use IDX.");
    return std::nullopt;
  }
  return options;
}

void write_range(protocol::ReplyWriter& reply, size_t first, size_t length) {
  reply.array(2);
  reply.integer(static_cast<int64_t>(first));
  reply.integer(static_cast<int64_t>(first + length - 1));
}

void write_indexes(CommandContext& ctx, const LcsOptions& options, const std::vector<Run>& runs, uint32_t length) {
  protocol::ReplyWriter& reply = ctx.reply;
  const size_t start = reply.mark();
  const auto is_shown = [&](const Run& run) { return static_cast<int64_t>(run.length) >= options.match_bytes_min; };
  reply.map(2);
  reply.bulk("matches");
  reply.array(static_cast<size_t>(std::count_if(runs.begin(), runs.end(), is_shown)));
  for (const Run& run : runs) {
    if (!is_shown(run)) continue;
    reply.array(options.with_match_length ? 3 : 2);
    write_range(reply, run.in_a, run.length);
    write_range(reply, run.in_b, run.length);
    if (options.with_match_length) reply.integer(static_cast<int64_t>(run.length));
    if (reply.mark() - start > ctx.reply_bytes_max) return;
  }
  reply.bulk("len");
  reply.integer(length);
}

}  // namespace

void lcs_command(CommandContext& ctx) {
  const auto options = read_options(ctx);
  if (!options) return;
  const auto bucket = ctx.bucket();
  const auto first = ctx.txn.read(bucket, ctx.args[1]);
  const auto second = ctx.txn.read(bucket, ctx.args[2]);
  const std::string_view a = first ? first->value : std::string_view();
  const std::string_view b = second ? second->value : std::string_view();
  // The table, and with it the time under the locks, is bounded by the limit of one value.
  const auto cells = static_cast<unsigned long long>(a.size() + 1);
  unsigned long long table_bytes;
  if (__builtin_mul_overflow(cells, (b.size() + 1) * sizeof(uint32_t), &table_bytes) ||
      table_bytes > ctx.value_bytes_max)
    return ctx.reply.error("ERR Insufficient memory, failed allocating transient memory for LCS");
  const PrefixLengths lengths(a, b);
  const uint32_t length = lengths.of(a.size(), b.size());
  if (options->length) return ctx.reply.integer(length);
  const std::vector<Run> runs = common_runs(a, b, lengths);
  if (options->indexes) return write_indexes(ctx, *options, runs, length);
  std::string text;
  text.reserve(length);
  for (auto run = runs.rbegin(); run != runs.rend(); ++run) text.append(a.substr(run->in_a, run->length));
  ctx.reply.bulk(text);
}

}  // namespace sett::server
