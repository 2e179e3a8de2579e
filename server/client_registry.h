#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "storage/base/mutex.h"

namespace sett::server {

// What others may know of a client, and the way to end it. Made by its connection; numbers are written by the client's
// loop and read by any thread, texts are under the record's mutex.
struct ClientRecord {
  uint64_t id = 0;
  std::string address, local_address;  // immutable
  int fd = -1;
  bool is_unix = false;
  int64_t created_ms = 0;      // wall clock
  std::function<void()> kill;  // posts to the client's loop; safe after it is gone

  std::atomic<int64_t> last_interaction_ms{0};
  std::atomic<const char*> last_command{"NULL"};  // of a row: immortal
  std::atomic<uint64_t> commands{0}, input_bytes{0}, output_bytes{0};
  std::atomic<uint64_t> query_buffer{0}, query_buffer_free{0}, output_buffer{0};
  std::atomic<uint64_t> buffer_bytes{0};    // allocated for requests and replies
  std::atomic<uint64_t> argument_bytes{0};  // ... of these, for where arguments are
  uint64_t leaving_bytes = 0;               // as the registry counts it, under its mutex
  std::atomic<int> resp{2};
  std::atomic<bool> no_evict{false}, no_touch{false}, closing{false};

  mutable storage::Mutex mutex;
  std::string name GUARDED_BY(mutex), lib_name GUARDED_BY(mutex),
      lib_version GUARDED_BY(mutex), bucket GUARDED_BY(mutex);
};

// All connected clients, by id. From any thread.
class ClientRegistry {
 public:
  uint64_t next_id() { return next_id_.fetch_add(1, std::memory_order_relaxed); }
  // False: there are `limit` clients already, and nothing was added.
  bool add(std::shared_ptr<ClientRecord> record, uint64_t limit);
  void remove(uint64_t id);
  std::shared_ptr<ClientRecord> find(uint64_t id) const;
  std::vector<std::shared_ptr<ClientRecord>> list() const;  // by ascending id
  uint64_t count() const { return count_.load(std::memory_order_relaxed); }

  // What this client's buffers take now, for the sum of all.
  void note_buffers(ClientRecord& client, uint64_t bytes);
  // They are gone, or will be when nobody can say. Once.
  void forget_buffers(ClientRecord& client);
  uint64_t buffer_bytes() const { return buffer_bytes_.load(std::memory_order_relaxed); }
  // Ends clients, those with the largest buffers first, until the others stay within `bytes_max`; CLIENT NO-EVICT
  // spares a client. How many it ended.
  size_t shed(uint64_t bytes_max);
  // Of the buffers, those of clients that shed() has ended and that are still there for a moment.
  uint64_t leaving_bytes() const { return leaving_bytes_.load(std::memory_order_relaxed); }

 private:
  mutable storage::Mutex mutex_;
  std::map<uint64_t, std::shared_ptr<ClientRecord>> clients_ GUARDED_BY(mutex_);
  std::atomic<uint64_t> next_id_{1};
  std::atomic<uint64_t> count_{0};
  std::atomic<uint64_t> buffer_bytes_{0}, leaving_bytes_{0};
};

}  // namespace sett::server
