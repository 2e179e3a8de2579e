#pragma once

#include "config/load_state.h"

namespace sett::config {

// What no single setting can tell: combinations that cannot work. Run when every setting by itself is good.
void check_together(LoadState& state);

// Puts the content of server.requirepass_file, if one is named, into server.requirepass, without its last line end.
void read_password_file(LoadState& state);

}  // namespace sett::config
