#pragma once

#include "server/command.h"

namespace sett::server {

// The handlers of strings that string_commands.cc has rows for and other files keep.

// string_range_handlers.cc: parts of a value
void append_command(CommandContext& ctx);
void strlen_command(CommandContext& ctx);
void getrange_command(CommandContext& ctx);
void setrange_command(CommandContext& ctx);

// string_number_handlers.cc: values that are numbers
void incr_command(CommandContext& ctx);
void decr_command(CommandContext& ctx);
void incrby_command(CommandContext& ctx);
void decrby_command(CommandContext& ctx);
void incrbyfloat_command(CommandContext& ctx);

// lcs.cc
void lcs_command(CommandContext& ctx);

}  // namespace sett::server
