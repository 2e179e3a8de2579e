#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "server/command.h"

namespace sett::server {

// The position of a bit as SETBIT, GETBIT and BITFIELD take it; with `field_bits` "#n" means the nth field of that
// width. An error was written: nullopt.
std::optional<uint64_t> read_bit_offset(CommandContext& ctx, std::string_view text, unsigned field_bits = 0);

// bitfield_handlers.cc
void bitfield_command(CommandContext& ctx);
void bitfield_ro_command(CommandContext& ctx);

}  // namespace sett::server
