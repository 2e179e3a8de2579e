#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/options.h"
#include "storage/base/status.h"

namespace sett::server {

// The sockets that clients connect to: one for each address of `bind`, and the unix socket. Belongs to the thread that
// runs its io_context.
class Listener {
 public:
  // Gets each new connection: non-blocking, close-on-exec.
  using OnConnection = std::function<void(int fd, std::string address, std::string local_address, bool is_unix)>;

  Listener(boost::asio::io_context& context, OnConnection on_connection);
  ~Listener();

  // Binds and listens; the error names the address. Addresses that begin with '-', and ::1 on a machine without IPv6,
  // may be missing as long as one is left.
  storage::Status open(const config::ServerOptions& options);
  int64_t port() const { return port_; }  // the one bound: of use with port 0 in tests
  // No further connections; a unix socket's file goes.
  void close();

 private:
  struct Socket {
    boost::asio::posix::stream_descriptor descriptor;
    boost::asio::steady_timer pause;  // while there are no file descriptors left
    bool is_unix;
  };
  storage::Status open_tcp(std::string address, int64_t port, int backlog, bool may_be_missing);
  storage::Status open_unix(const config::ServerOptions& options, int backlog);
  void add(int fd, bool is_unix);
  void accept_from(const std::shared_ptr<Socket>& socket);
  void accept_all(const std::shared_ptr<Socket>& socket);

  boost::asio::io_context& context_;
  OnConnection on_connection_;
  std::vector<std::shared_ptr<Socket>> sockets_;
  std::string unix_path_;
  int64_t port_ = 0;
  bool closed_ = false;
};

}  // namespace sett::server
