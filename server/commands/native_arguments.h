#pragma once

#include <string_view>

#include "server/command.h"

namespace sett::server {

// What KV.*, FILTER.* and BUCKET.* share: args[1] is a bucket's name, keys are 1 to native_key_bytes_max bytes. Redis's
// own commands take any key.
inline constexpr size_t native_key_bytes_max = 65535;
inline constexpr std::string_view error_bucket_name = "ERR invalid bucket name: it must have 1 to 255 bytes";
inline constexpr std::string_view error_no_such_bucket = "ERR no such bucket";
inline constexpr std::string_view error_native_key = "ERR invalid key: it must have 1 to 65535 bytes";

inline bool is_native_key(std::string_view key) {
  return !key.empty() && key.size() <= native_key_bytes_max;
}

// False: the error has been written, and nothing may be read.
inline bool has_bucket_name(CommandContext& ctx) {
  if (is_bucket_name(ctx.args[1])) return true;
  ctx.reply.error(error_bucket_name);
  return false;
}
// args[2] too.
inline bool has_bucket_and_key(CommandContext& ctx) {
  if (!has_bucket_name(ctx)) return false;
  if (is_native_key(ctx.args[2])) return true;
  ctx.reply.error(error_native_key);
  return false;
}

// A reply of a batch: [count of successes, [result for each key]].
class BatchReply {
 public:
  BatchReply(CommandContext& ctx, size_t results) : ctx_(ctx), results_(results), mark_(ctx.reply.mark()) {}
  void succeed() { ++successes_; }
  // Too much was written: the handler stops.
  bool is_too_large() const { return ctx_.reply.mark() - mark_ > ctx_.reply_bytes_max; }
  void finish() {
    std::string head;
    protocol::ReplyWriter writer(head, ctx_.reply.version());
    writer.array(2);
    writer.integer(successes_);
    writer.array(results_);
    ctx_.reply.buffer().insert(mark_, head);
  }

 private:
  CommandContext& ctx_;
  size_t results_;
  size_t mark_;
  int64_t successes_ = 0;
};

}  // namespace sett::server
