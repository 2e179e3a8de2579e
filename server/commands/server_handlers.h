#pragma once

#include <vector>

#include "server/command.h"
#include "server/server_context.h"

namespace sett::server {

// The handlers behind server_commands.cc's rows that have a file of their own.

void info_command(ServerContext& ctx);  // info_command.cc

void backup_command(ServerContext& ctx);  // backup_handler.cc

// save_handlers.cc
void save_command(ServerContext& ctx);
void bgsave_command(ServerContext& ctx);
void lastsave_command(ServerContext& ctx);

void lolwut_command(ServerContext& ctx);                   // lolwut.cc
void add_cluster_commands(std::vector<CommandRow>& rows);  // cluster_commands.cc

}  // namespace sett::server
