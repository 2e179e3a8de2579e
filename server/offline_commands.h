#pragma once

#include <string>

namespace sett::server {

// What settd does beside serving, on files that no daemon has open: `settd inspect`. Prints to standard output, errors
// to standard error; returns the exit code: 0, or 1 where something is damaged or failed.
int run_inspect(const std::string& path);

}  // namespace sett::server
