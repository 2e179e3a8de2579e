#include "server/descriptor_limit.h"

#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <algorithm>
#include <string>

namespace sett::server {

namespace {
constexpr uint64_t reserved_descriptors = 64;  // logs, snapshots, listeners
}

storage::Status check_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max > reserved_descriptors) return {};
  return storage::Status::error(storage::ErrorKind::io, "the system allows " + std::to_string(limit.rlim_max) +
                                                            " file descriptors (ulimit -n): more than " +
                                                            std::to_string(reserved_descriptors) +
                                                            " are needed to serve anyone");
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void fit_clients_to_descriptors(LiveOptions& options) {
  const auto clients = static_cast<rlim_t>(options.get()->server.maxclients);
  const rlim_t wanted = clients + reserved_descriptors;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted) return;
  rlimit raised = limit;
  raised.rlim_cur = limit.rlim_max == RLIM_INFINITY ? wanted : std::min(wanted, limit.rlim_max);
  if (::setrlimit(RLIMIT_NOFILE, &raised) == 0) limit = raised;
  if (limit.rlim_cur >= wanted) return;
  const int64_t allowed =
      std::max<int64_t>(1, static_cast<int64_t>(limit.rlim_cur) - static_cast<int64_t>(reserved_descriptors));
  spdlog::warn("maxclients is {} instead of {}: the system allows {} file descriptors (ulimit -n)", allowed, clients,
               limit.rlim_cur);
  options.update([&](config::Options& changed) { changed.server.maxclients = allowed; });
}

}  // namespace sett::server
