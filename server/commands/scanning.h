#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "server/command.h"

namespace sett::server {

// What the commands that walk over a bucket share. Each step looks at about this many entries under one shard's lock.
inline constexpr uint64_t entries_per_step = 1000;

// As Redis reads cursors: a decimal number of 64 bits. An error was written: nullopt.
std::optional<uint64_t> read_cursor(CommandContext& ctx, std::string_view text);
// A COUNT of at least 1.
std::optional<uint64_t> read_count(CommandContext& ctx, std::string_view text);

// Whether the run is not void so far. Of a void step the dispatcher cuts off what it wrote at the end of the reply, so
// nothing may have been put before it.
bool is_good(const CommandContext& ctx);

using KeyVisitor = std::function<void(std::string_view key)>;
// Looks at up to `entries_max` entries from progress.position on and moves the position and the shard on. True: the end
// was reached; false in a void run.
// `prefix`: what all wanted keys begin with; others may be visited all the same.
bool step_scan(CommandContext& ctx, storage::Transaction::Bucket bucket, uint64_t entries_max, std::string_view prefix,
               const KeyVisitor& visit);

using KeyFilter = std::function<bool(std::string_view key)>;
// A step of a command that replies [next cursor, [keys]]: about `count` entries from `cursor` on, fewer if the reply
// grows large. Sets progress.done when the reply is complete.
void step_cursor_scan(CommandContext& ctx, storage::Transaction::Bucket bucket, uint64_t cursor, uint64_t count,
                      std::string_view prefix, const KeyFilter& is_wanted);

}  // namespace sett::server
