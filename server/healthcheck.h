#pragma once

#include "config/options.h"
#include "storage/base/status.h"

namespace sett::server {

// Connects to the daemon that these options describe, gives the password, sends PING. Ok only on +PONG; a daemon that
// is still loading is not healthy yet. Blocks for some seconds at most.
storage::Status healthcheck(const config::ServerOptions& options);

}  // namespace sett::server
