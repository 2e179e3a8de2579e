#include "server/commands/client_filter.h"

#include "protocol/number_text.h"
#include "server/commands/errors.h"

namespace sett::server {
namespace {

using protocol::equals_ignoring_case;

// False: the error is written.
bool read_filter_option(ServerContext& ctx, std::string_view option, std::string_view value, ClientFilter& filter) {
  const auto refuse = [&](std::string_view text) {
    ctx.reply.error(text);
    return false;
  };
  if (equals_ignoring_case(option, "id")) {
    const auto id = protocol::parse_int64(value);
    if (!id || *id < 1) return refuse("ERR client-id should be greater than 0");
    filter.id = static_cast<uint64_t>(*id);
  } else if (equals_ignoring_case(option, "addr")) {
    filter.address = value;
  } else if (equals_ignoring_case(option, "laddr")) {
    filter.local_address = value;
  } else if (equals_ignoring_case(option, "type")) {
    filter.normal = read_client_type(ctx, value);
    if (!filter.normal) return false;
  } else if (equals_ignoring_case(option, "user")) {
    if (value != "default") return refuse("ERR No such user '" + shown_word(value) + "'");
  } else if (equals_ignoring_case(option, "skipme")) {
    filter.skip_self = equals_ignoring_case(value, "yes");
    if (!filter.skip_self && !equals_ignoring_case(value, "no")) return refuse(error_syntax);
  } else if (equals_ignoring_case(option, "maxage")) {
    filter.age_s_min = protocol::parse_int64(value);
    if (!filter.age_s_min) return refuse("ERR maxage is not an integer or out of range");
    if (*filter.age_s_min <= 0) return refuse("ERR maxage should be greater than 0");
  } else {
    return refuse(error_syntax);
  }
  return true;
}

}  // namespace

std::optional<bool> read_client_type(ServerContext& ctx, std::string_view word) {
  if (equals_ignoring_case(word, "normal")) return true;
  for (const std::string_view other : {"master", "replica", "slave", "pubsub"})
    if (equals_ignoring_case(word, other)) return false;
  ctx.reply.error("ERR Unknown client type '" + shown_word(word) + "'");
  return std::nullopt;
}

std::optional<ClientFilter> read_client_filter(ServerContext& ctx, size_t first) {
  ClientFilter filter;
  for (size_t i = first; i < ctx.args.size(); i += 2) {
    if (i + 1 == ctx.args.size()) {
      ctx.reply.error(error_syntax);
      return std::nullopt;
    }
    if (!read_filter_option(ctx, ctx.args[i], ctx.args[i + 1], filter)) return std::nullopt;
  }
  return filter;
}

bool ClientFilter::fits(const ClientRecord& client, uint64_t own_id, int64_t now_ms) const {
  if (skip_self && client.id == own_id) return false;
  if (id && client.id != *id) return false;
  if (address && client.address != *address) return false;
  if (local_address && client.local_address != *local_address) return false;
  if (normal && !*normal) return false;
  return !age_s_min || (now_ms - client.created_ms) / 1000 >= *age_s_min;
}

}  // namespace sett::server
