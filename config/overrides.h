#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"
#include "config/load_state.h"

namespace sett::config {

// SETT_SERVER_PORT for server.port.
std::string environment_name(std::string_view setting);

// Variables that begin with SETT_<SECTION>_ are settings, and errors if there is no such one. All others are somebody
// else's.
void apply_environment(const std::map<std::string, std::string>& environment, LoadState& state);
void apply_flags(const std::vector<Override>& flags, LoadState& state);

}  // namespace sett::config
