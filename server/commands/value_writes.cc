#include "server/commands/value_writes.h"

#include <algorithm>
#include <string>

namespace sett::server {

using storage::Event;

void stage_bytes(CommandContext& ctx, std::string_view key, const storage::Transaction::Read& old, uint64_t offset,
                 std::string_view bytes, Event event) {
  constexpr uint64_t zeroes_spelled_out_max = 256;
  const auto bucket = ctx.bucket();
  const uint64_t end = offset + bytes.size();
  if (old) {
    ctx.txn.splice(bucket, key, offset, bytes, std::max(old->value_bytes, end), event);
  } else if (offset == 0) {
    ctx.txn.put(bucket, key, bytes, 0, event);
  } else if (offset <= zeroes_spelled_out_max) {
    std::string value(offset, '\0');
    value.append(bytes);
    ctx.txn.put(bucket, key, ctx.txn.keep(std::move(value)), 0, event);
  } else {  // SETBIT k 4294967295 1 need not write half a gigabyte of zeroes to the log
    ctx.txn.put(bucket, key, {}, 0, Event::none);
    ctx.txn.splice(bucket, key, offset, bytes, end, event);
  }
}

}  // namespace sett::server
