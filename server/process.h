#pragma once

#include "server/store_set.h"

namespace sett::server {

// All of the process: what its command line asks for, to the exit code. `wrap_store` (may be empty) may put something
// between the server and each backend: tests do.
int run_process(int argc, const char* const* argv, const StoreWrapper& wrap_store);

}  // namespace sett::server
