#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "server/client_registry.h"
#include "server/info/vitals.h"
#include "server/live_options.h"
#include "server/store_set.h"
#include "storage/base/clock.h"

namespace sett::server {

class EventLoop;

// What is true of the running process, fixed when it starts.
struct ProcessFacts {
  std::string run_id;  // 40 hex digits, new each start
  std::string executable, config_file;
  int64_t started_ms = 0;  // wall clock
  int64_t port = 0;        // the one bound
};

// Starting and ending, as the daemon carries them out.
class Lifecycle {
 public:
  virtual ~Lifecycle() = default;
  // Begins an orderly stop; returns at once. `snapshot`: take one first.
  virtual void request_shutdown(bool snapshot) = 0;
  virtual bool shutting_down() const = 0;
};

// What the parts of the server share. Each member says itself which threads it is for; the struct is filled before the
// loops start and outlives them.
struct Services {
  LiveOptions& options;
  StoreSet& stores;
  ClientRegistry& clients;
  storage::Clock& clock;
  Lifecycle& lifecycle;
  ProcessFacts facts;
  std::vector<std::unique_ptr<EventLoop>> loops;
  Vitals vitals;
};

}  // namespace sett::server
