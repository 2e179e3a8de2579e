#include "server/command_line.h"

#include <CLI/CLI.hpp>
#include <memory>

namespace sett::server {

CommandLine parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  CLI::App app{"settd: a key-value daemon with the Redis protocol in front and a durable engine behind"};
  app.set_version_flag("--version", "settd " SETT_VERSION);
  app.add_option("-c,--config", line.config_file, "The YAML file; without it all settings have their defaults");
  std::string checked_file;
  app.add_option("--check-config", checked_file, "Read FILE, say what is wrong with it, and exit")->type_name("FILE");
  CLI::App* healthcheck =
      app.add_subcommand("healthcheck", "Exit with 0 if the daemon that FILE describes answers PING");
  healthcheck->fallthrough();
  CLI::App* inspect = app.add_subcommand(
      "inspect",
      "Print what is in a log segment, table, value log, snapshot or manifest; exit with 1 if it is damaged");
  inspect->add_option("FILE", line.file, "The file; nothing else is read")->required();
  CLI::App* verify = app.add_subcommand(
      "verify",
      "Check every checksum of the stores that FILE describes, which no daemon has open; exit with 1 if "
      "anything is damaged");
  verify->add_option("--backup", line.backup, "Check this backup instead: its name, or the path of its folder");
  verify->fallthrough();
  CLI::App* restore = app.add_subcommand(
      "restore", "Put a backup in the place of what the stores that FILE describes hold, which no daemon has open");
  restore->add_option("BACKUP", line.backup, "Its name, or the path of its folder")->required();
  restore->fallthrough();
  CLI::App* repair = app.add_subcommand(
      "repair",
      "Make new stores of all that can still be read of the damaged ones that FILE describes, which no daemon has "
      "open, and say what is lost; the damaged files are kept");
  repair->fallthrough();
  app.require_subcommand(0, 1);
  // Every setting is a flag.
  const auto settings = config::describe({});
  std::vector<std::string> values(settings.size());
  std::vector<CLI::Option*> flags;
  for (size_t i = 0; i < settings.size(); ++i)
    flags.push_back(app.add_option("--" + settings[i].name, values[i], settings[i].allowed)
                        ->group("Settings (see sett.yaml)")
                        ->type_name("VALUE"));
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    line.action = CommandLine::Action::exit;
    line.exit_code = app.exit(error) == 0 ? 0 : 2;
    return line;
  }
  for (size_t i = 0; i < settings.size(); ++i)
    if (flags[i]->count() > 0) line.overrides.emplace_back(settings[i].name, values[i]);
  if (!checked_file.empty()) {
    line.action = CommandLine::Action::check_config;
    line.config_file = checked_file;
  } else if (healthcheck->parsed()) {
    line.action = CommandLine::Action::healthcheck;
  } else if (inspect->parsed()) {
    line.action = CommandLine::Action::inspect;
  } else if (verify->parsed()) {
    line.action = CommandLine::Action::verify;
  } else if (restore->parsed()) {
    line.action = CommandLine::Action::restore;
  } else if (repair->parsed()) {
    line.action = CommandLine::Action::repair;
  }
  return line;
}

}  // namespace sett::server
