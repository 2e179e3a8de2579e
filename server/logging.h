#pragma once

#include "config/options.h"
#include "storage/base/status.h"

namespace sett::server {

// Points spdlog's default logger at standard error or at the file; fails when the file cannot be opened.
storage::Status set_up_logging(const config::LoggingOptions& options);
void set_log_level(const config::LoggingOptions& options);

}  // namespace sett::server
