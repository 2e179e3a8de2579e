#pragma once

#include <cstdint>
#include <string_view>

#include "server/command.h"

namespace sett::server {

// Stages that `bytes` lie at `offset` of a key's value, zeroes filling the gap, if any, and the rest of the value and
// the expiry staying as they are. `old` is what was read of the key (metadata is enough). Only the bytes go into the
// log, however long the value. They must hold until commit.
void stage_bytes(CommandContext& ctx, std::string_view key, const storage::Transaction::Read& old, uint64_t offset,
                 std::string_view bytes, storage::Event event);

}  // namespace sett::server
