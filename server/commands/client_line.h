#pragma once

#include <cstdint>
#include <string>

#include "server/client_registry.h"

namespace sett::server {

// Appends one line of CLIENT LIST, line end included, with the fields and their order of Redis 7.2. sett has no pub/sub
// counts, transactions or reply lists yet: those are constants. A bucket that is no number shows as db=-1, with its
// name (what would break the line as \xHH) in a last field `bucket`.
void append_client_line(const ClientRecord& client, int64_t now_ms, std::string& out);

// Letters of the `flags` field: N, or some of b U e T.
std::string client_flags(const ClientRecord& client);

}  // namespace sett::server
