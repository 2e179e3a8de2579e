#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "server/client_registry.h"
#include "server/command.h"
#include "server/server_context.h"

namespace sett::server {

// Which clients CLIENT KILL means, in its form with options. All that is set must fit.
struct ClientFilter {
  std::optional<uint64_t> id;
  std::optional<std::string_view> address, local_address;
  std::optional<bool> normal;        // by TYPE: sett has no clients of the other types
  std::optional<int64_t> age_s_min;  // MAXAGE
  bool skip_self = true;

  bool fits(const ClientRecord& client, uint64_t own_id, int64_t now_ms) const;
};

// Of CLIENT KILL's arguments from args[first] on. Writes the error where there is one.
std::optional<ClientFilter> read_client_filter(ServerContext& ctx, size_t first);

// Whether the word names the type of ordinary clients, or (false) one that exists but has no clients here. nullopt,
// with the error written: it is no type.
std::optional<bool> read_client_type(ServerContext& ctx, std::string_view word);

}  // namespace sett::server
