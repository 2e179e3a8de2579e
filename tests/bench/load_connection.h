#pragma once
// One client: sends `depth` requests at a time and the next ones when all of those are answered.

#include <cstdint>
#include <string>

#include "tests/bench/key_order.h"
#include "tests/bench/load_options.h"
#include "tests/bench/reply_counter.h"
#include "tests/bench/value_pool.h"

namespace sett::bench {

// A socket to the server on this machine; -1 with errno set if there is none.
int connect_to_server(uint16_t port, bool blocking);

class LoadConnection {
 public:
  LoadConnection(int socket, const LoadOptions& options);
  ~LoadConnection();
  LoadConnection(const LoadConnection&) = delete;
  LoadConnection& operator=(const LoadConnection&) = delete;

  int socket() const { return socket_; }
  const ReplyCounter& replies() const { return replies_; }
  uint64_t pending() const { return pending_; }
  uint64_t batch_begin_ns() const { return batch_begin_ns_; }
  bool wants_to_send() const { return sent_ < output_.size(); }

  void begin_batch(uint64_t requests, uint64_t now_ns, KeyOrder& keys, ValuePool& values);
  // Both go as far as the socket lets them; false: the connection is lost.
  bool send_some();
  bool receive_some(char* buffer, uint64_t buffer_bytes, uint64_t& answered);

 private:
  const int socket_;
  const LoadOptions& options_;
  std::string before_key_, between_;
  std::string output_;
  uint64_t sent_ = 0, pending_ = 0, batch_begin_ns_ = 0;
  ReplyCounter replies_;
};

}  // namespace sett::bench
