#pragma once

#include "server/live_options.h"
#include "storage/base/status.h"

namespace sett::server {

// An error: the system allows the process fewer file descriptors than it takes to serve a single client.
storage::Status check_descriptor_limit();

// For who has many files open and no clients: raises the process's limit of file descriptors as far as it may.
void raise_descriptor_limit();

// Raises the process's limit of file descriptors to what maxclients needs, or, where the system does not allow that,
// lowers maxclients and says so in the log. From any thread.
void fit_clients_to_descriptors(LiveOptions& options);

}  // namespace sett::server
