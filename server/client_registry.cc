#include "server/client_registry.h"

namespace sett::server {

bool ClientRegistry::add(std::shared_ptr<ClientRecord> record, uint64_t limit) {
  storage::MutexLock guard(mutex_);
  if (clients_.size() >= limit) return false;
  const uint64_t id = record->id;
  clients_.emplace(id, std::move(record));
  count_.store(clients_.size(), std::memory_order_relaxed);
  return true;
}

void ClientRegistry::remove(uint64_t id) {
  storage::MutexLock guard(mutex_);
  clients_.erase(id);
  count_.store(clients_.size(), std::memory_order_relaxed);
}

std::shared_ptr<ClientRecord> ClientRegistry::find(uint64_t id) const {
  storage::MutexLock guard(mutex_);
  const auto at = clients_.find(id);
  return at == clients_.end() ? nullptr : at->second;
}

std::vector<std::shared_ptr<ClientRecord>> ClientRegistry::list() const {
  storage::MutexLock guard(mutex_);
  std::vector<std::shared_ptr<ClientRecord>> clients;
  clients.reserve(clients_.size());
  for (const auto& [id, record] : clients_) clients.push_back(record);
  return clients;
}

}  // namespace sett::server
