#include "server/client_registry.h"

#include <algorithm>
#include <utility>

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

void ClientRegistry::note_buffers(ClientRecord& client, uint64_t bytes) {
  const uint64_t before = client.buffer_bytes.exchange(bytes, std::memory_order_relaxed);
  buffer_bytes_.fetch_add(bytes - before, std::memory_order_relaxed);  // modulo 2^64, as the sum
}

void ClientRegistry::forget_buffers(ClientRecord& client) {
  note_buffers(client, 0);
  storage::MutexLock guard(mutex_);
  leaving_bytes_.fetch_sub(std::exchange(client.leaving_bytes, 0), std::memory_order_relaxed);
}

size_t ClientRegistry::shed(uint64_t bytes_max) {
  const auto bytes_of = [](const ClientRecord* client) { return client->buffer_bytes.load(std::memory_order_relaxed); };
  storage::MutexLock guard(mutex_);
  uint64_t sum = 0;
  std::vector<ClientRecord*> candidates;
  for (const auto& [id, client] : clients_) {
    if (client->closing.load(std::memory_order_relaxed)) continue;
    sum += bytes_of(client.get());
    if (!client->no_evict.load(std::memory_order_relaxed)) candidates.push_back(client.get());
  }
  std::sort(candidates.begin(), candidates.end(),
            [&](const ClientRecord* a, const ClientRecord* b) { return bytes_of(a) > bytes_of(b); });
  size_t ended = 0;
  for (; ended < candidates.size() && sum > bytes_max; ++ended) {
    ClientRecord& client = *candidates[ended];
    client.leaving_bytes = bytes_of(&client);
    leaving_bytes_.fetch_add(client.leaving_bytes, std::memory_order_relaxed);
    sum -= std::min(sum, client.leaving_bytes);
    client.closing.store(true, std::memory_order_relaxed);
    client.kill();
  }
  return ended;
}

}  // namespace sett::server
