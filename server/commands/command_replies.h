#pragma once

#include "protocol/reply_writer.h"
#include "server/command.h"

namespace sett::server {

// The table's rows as COMMAND shows them.

// By a name, which may be that of a subcommand ("client|list"), in any case; nullptr: unknown.
const CommandRow* find_command(const CommandTable& table, std::string_view name);
bool is_subcommand(const CommandRow& row);
// The subcommands of a container, by name.
std::vector<const CommandRow*> subcommands_of(const CommandTable& table, const CommandRow& row);

void write_command_info(protocol::ReplyWriter& reply, const CommandTable& table, const CommandRow& row);
void write_command_docs(protocol::ReplyWriter& reply, const CommandTable& table, const CommandRow& row);
// "RO access" as a set of words.
void write_words(protocol::ReplyWriter& reply, std::string_view words);

}  // namespace sett::server
