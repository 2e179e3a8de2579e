#pragma once

#include <vector>

#include "server/command.h"

namespace sett::server {

// Each family of commands appends its rows. command_table.cc gathers them.
void add_string_commands(std::vector<CommandRow>& rows);      // GET SET MGET INCR APPEND ...
void add_bitmap_commands(std::vector<CommandRow>& rows);      // SETBIT BITFIELD ...
void add_key_commands(std::vector<CommandRow>& rows);         // DEL EXISTS RENAME COPY TYPE OBJECT ...
void add_expiry_commands(std::vector<CommandRow>& rows);      // EXPIRE TTL PERSIST ...
void add_keyspace_commands(std::vector<CommandRow>& rows);    // KEYS SCAN DBSIZE RANDOMKEY FLUSHDB SWAPDB ...
void add_native_commands(std::vector<CommandRow>& rows);      // KV.*
void add_range_command(std::vector<CommandRow>& rows);        // KV.RANGE
void add_filter_commands(std::vector<CommandRow>& rows);      // FILTER.*
void add_bucket_commands(std::vector<CommandRow>& rows);      // BUCKET.*
void add_badger_commands(std::vector<CommandRow>& rows);      // BADGER.*
void add_connection_commands(std::vector<CommandRow>& rows);  // PING HELLO AUTH SELECT ...
void add_client_commands(std::vector<CommandRow>& rows);      // CLIENT *
void add_config_commands(std::vector<CommandRow>& rows);      // CONFIG *
void add_command_commands(std::vector<CommandRow>& rows);     // COMMAND *
void add_server_commands(std::vector<CommandRow>& rows);      // INFO SAVE SHUTDOWN TIME ...

}  // namespace sett::server
