#pragma once

#include <string>

#include "config/load_state.h"

namespace sett::config {

// Reads the YAML file at `path` into the options.
void apply_file(const std::string& path, LoadState& state);

}  // namespace sett::config
