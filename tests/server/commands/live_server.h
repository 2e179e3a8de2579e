#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "config/options.h"
#include "server/services.h"
#include "storage/base/thread_executor.h"
#include "storage/io/posix_file_system.h"
#include "tests/support/manual_clock.h"

namespace sett::server {

// Event loops with a store in memory, and clients on socket pairs in place of a network. The clock stands still.
// Options that give a bucket a backend of its own decide about all backends themselves.
class LiveServer {
 public:
  // Nothing is kept on disk: the backend is memory, or badger in its memory_mode if the options say so.
  explicit LiveServer(config::Options options = {}, unsigned loops = 1, bool open_stores = true,
                      const StoreWrapper& wrap_store = {});
  ~LiveServer();

  // One client. Calls fail the test when no reply comes within seconds.
  class Client {
   public:
    Client(LiveServer& server, unsigned loop, const std::string& address);
    ~Client();
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;
    // The raw reply to one command, or "closed".
    std::string call(const std::vector<std::string>& words);
    void send(const std::vector<std::string>& words);
    void send_bytes(const std::string& bytes);
    std::string read_reply();

   private:
    bool fill();
    size_t reply_end(size_t at);  // npos: not all of it is here
    int fd_ = -1;
    std::string unread_;
  };

  std::unique_ptr<Client> connect(unsigned loop = 0);
  Services& services() { return services_; }
  storage::ManualClock& clock() { return clock_; }
  // What was asked of the daemon.
  struct Shutdown final : Lifecycle {
    void request_shutdown(bool snapshot) override { snapshot ? ++with_snapshot : ++without; }
    bool shutting_down() const override { return with_snapshot + without > 0; }
    std::atomic<int> with_snapshot{0}, without{0};
  };
  Shutdown& shutdown() { return shutdown_; }

 private:
  storage::ManualClock clock_;
  LiveOptions options_;
  StoreSet stores_;
  ClientRegistry clients_;
  Shutdown shutdown_;
  Services services_;
  storage::PosixFileSystem files_;
  storage::ThreadExecutor executor_;
  int next_port_ = 40000;
};

}  // namespace sett::server
