#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "server/command.h"

namespace sett::server {

// Where some of a command's keys are and what happens to them, as COMMAND INFO tells it.
struct KeySpec {
  std::string_view flags;  // "RW access update": access class first
  int first;               // position of the first key
  int last;                // of the last one: behind the first, or, negative, from the end
  int step;
};

std::vector<KeySpec> key_specs(const CommandRow& row);

// Whether the flags of a command depend on its other arguments, and what they are then.
bool has_variable_key_flags(const CommandRow& row);
std::string_view key_flags(const CommandRow& row, const KeySpec& spec, Arguments args);

struct KeyPosition {
  std::string_view key;
  std::string_view flags;
};
// The keys of a whole command. nullopt: its arguments leave none where one has to be.
std::optional<std::vector<KeyPosition>> find_keys(const CommandRow& row, Arguments args, int64_t databases);

// Whether commands of this row name keys at all.
bool names_keys(const CommandRow& row);

}  // namespace sett::server
