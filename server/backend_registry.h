#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/options.h"
#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/io/file_system.h"
#include "storage/store.h"

namespace sett::server {

struct BackendContext {
  const config::Options& options;
  storage::FileSystem& files;
  storage::Executor& executor;
  storage::Clock& clock;
  std::atomic<double>* progress;     // of recovery, 0 to 1
  const std::atomic<bool>* give_up;  // true: recovery ends early
};
using BackendFactory = std::function<storage::Result<std::unique_ptr<storage::Store>>(const BackendContext&)>;

// Backends by name. Filled before start by one thread, then only read.
class BackendRegistry {
 public:
  // Refused when the name is taken.
  storage::Status add(std::string name, BackendFactory factory);
  // An unknown name is an error that lists the known ones.
  storage::Result<std::unique_ptr<storage::Store>> open(const std::string& name, const BackendContext& context) const;
  std::string names() const;  // "badger, memory, simple_kv"

  // With the backends that this build has. To add one: a folder in storage/ and a line in backend_registry.cc.
  static BackendRegistry standard();

 private:
  std::map<std::string, BackendFactory> factories_;
};

}  // namespace sett::server
