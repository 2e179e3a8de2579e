#pragma once

#include "server/live_options.h"

namespace sett::server {

// Raises the process's limit of file descriptors to what maxclients needs, or, where the system does not allow that,
// lowers maxclients and says so in the log. From any thread.
void fit_clients_to_descriptors(LiveOptions& options);

}  // namespace sett::server
