#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <string>

#include "server/process.h"

#include "server/command_line.h"
#include "server/daemon.h"
#include "server/descriptor_limit.h"
#include "server/healthcheck.h"
#include "server/logging.h"
#include "server/offline_commands.h"

extern char** environ;

namespace sett::server {

namespace {

std::map<std::string, std::string> read_environment() {
  std::map<std::string, std::string> variables;
  for (char** at = environ; *at; ++at) {
    const std::string variable = *at;
    const size_t equals = variable.find('=');
    if (equals != std::string::npos) variables[variable.substr(0, equals)] = variable.substr(equals + 1);
  }
  return variables;
}

}  // namespace

int run_process(int argc, const char* const* argv, const StoreWrapper& wrap_store) {
  const CommandLine line = parse_command_line(argc, argv);
  if (line.action == CommandLine::Action::exit) return line.exit_code;
  if (line.action == CommandLine::Action::inspect) return run_inspect(line.file);
  const auto environment = read_environment();
  const config::Loaded loaded = config::load(line.config_file, environment, line.overrides);
  for (const std::string& error : loaded.errors) std::fprintf(stderr, "%s\n", error.c_str());
  if (!loaded.errors.empty()) return 2;
  if (line.action == CommandLine::Action::check_config) {
    std::printf("%s: good\n", line.config_file.c_str());
    return 0;
  }
  if (line.action == CommandLine::Action::verify) return run_verify(loaded.options, line.backup);
  if (line.action == CommandLine::Action::restore) return run_restore(loaded.options, line.backup);
  if (line.action == CommandLine::Action::repair) return run_repair(loaded.options);
  if (line.action == CommandLine::Action::healthcheck) {
    const auto status = healthcheck(loaded.options.server);
    if (!status.is_ok()) std::fprintf(stderr, "%s\n", status.to_string().c_str());
    return status.is_ok() ? 0 : 1;
  }
  if (const auto status = set_up_logging(loaded.options.log); !status.is_ok()) {
    std::fprintf(stderr, "%s\n", status.to_string().c_str());
    return 1;
  }
  if (const auto status = check_descriptor_limit(); !status.is_ok()) {
    spdlog::error("{}", status.to_string());
    return 1;
  }
  spdlog::info("settd {} starts, pid {}", SETT_VERSION, ::getpid());
  return Daemon(loaded.options, line.config_file, environment, line.overrides, wrap_store).run();
}

}  // namespace sett::server
