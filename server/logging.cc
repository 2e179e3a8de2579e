#include "server/logging.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace sett::server {

using storage::ErrorKind;
using storage::Status;

Status set_up_logging(const config::LoggingOptions& options) {
  try {
    auto logger =
        options.file.empty() ? spdlog::stderr_logger_mt("sett") : spdlog::basic_logger_mt("sett", options.file);
    spdlog::set_default_logger(std::move(logger));
  } catch (const spdlog::spdlog_ex& error) {
    return Status::error(ErrorKind::io, "log.file: " + std::string(error.what()));
  }
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  spdlog::flush_on(spdlog::level::info);
  set_log_level(options);
  return {};
}

void set_log_level(const config::LoggingOptions& options) {
  spdlog::set_level(spdlog::level::from_str(options.level));
}

}  // namespace sett::server
