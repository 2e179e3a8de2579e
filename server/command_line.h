#pragma once

#include <string>
#include <vector>

#include "config/load.h"

namespace sett::server {

// What the command line asks for.
struct CommandLine {
  enum class Action { serve, check_config, healthcheck, inspect, verify, restore, repair, exit };
  Action action = Action::serve;
  int exit_code = 0;  // of Action::exit: --help, --version and errors, already printed
  std::string config_file;
  std::string file;    // of Action::inspect
  std::string backup;  // of Action::restore and verify (empty: the stores themselves)
  std::vector<config::Override> overrides;
};

// Prints help, version and errors itself.
CommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace sett::server
