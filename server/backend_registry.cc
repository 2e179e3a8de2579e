#include "server/backend_registry.h"

#include "server/backends.h"

namespace sett::server {

storage::Status BackendRegistry::add(std::string name, BackendFactory factory) {
  if (factories_.contains(name))
    return storage::Status::error(storage::ErrorKind::already_exists, "the backend " + name + " is registered twice");
  factories_.emplace(std::move(name), std::move(factory));
  return {};
}

storage::Result<std::unique_ptr<storage::Store>> BackendRegistry::open(const std::string& name,
                                                                       const BackendContext& context) const {
  const auto at = factories_.find(name);
  if (at == factories_.end())
    return storage::Status::error(storage::ErrorKind::invalid_argument,
                                  "unknown backend '" + name + "'; this build has: " + names());
  return at->second(context);
}

std::string BackendRegistry::names() const {
  std::string names;
  for (const auto& [name, factory] : factories_) names += (names.empty() ? "" : ", ") + name;
  return names;
}

BackendRegistry BackendRegistry::standard() {
  BackendRegistry registry;
  for (auto& [name, factory] : {std::pair<std::string, BackendFactory>{"memory", open_memory_backend},
                                {"simple_kv", open_simple_kv_backend},
                                {"badger", open_badger_backend}})
    if (!registry.add(name, factory).is_ok()) std::abort();  // a name given twice in this list
  return registry;
}

}  // namespace sett::server
