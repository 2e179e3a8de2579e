#pragma once

#include <string>

#include "config/options.h"

namespace sett::server {

// What settd does beside serving, on files that no daemon has open. Each prints to standard output, errors to standard
// error, and returns the exit code: 0, or 1 where something is damaged or failed.
int run_inspect(const std::string& path);
// `backup`: the name of one, or the path of its folder; empty: the stores themselves.
int run_verify(const config::Options& options, const std::string& backup);
int run_restore(const config::Options& options, const std::string& backup);
int run_repair(const config::Options& options);

}  // namespace sett::server
