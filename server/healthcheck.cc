#include "server/healthcheck.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace sett::server {

using storage::ErrorKind;
using storage::Status;

namespace {

constexpr int timeout_s = 3;

class Socket {
 public:
  explicit Socket(int fd) : fd_(fd) {
    const timeval timeout{timeout_s, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  }
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

Status failed(const std::string& what, int error_number) {
  return Status::error(ErrorKind::io, what + ": " + std::strerror(error_number));
}

Status connect_unix(const std::string& path, std::unique_ptr<Socket>& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return Status::error(ErrorKind::invalid_argument, "unixsocket is too long");
  std::memcpy(address.sun_path, path.data(), path.size());
  socket = std::make_unique<Socket>(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(socket->fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0)
    return failed("cannot connect to " + path, errno);
  return {};
}

Status connect_tcp(const config::ServerOptions& options, std::unique_ptr<Socket>& socket) {
  std::string host = options.bind.empty() ? "127.0.0.1" : options.bind.front();
  if (host.starts_with('-')) host.erase(0, 1);
  if (host == "*" || host == "0.0.0.0") host = "127.0.0.1";
  if (host == "::") host = "::1";
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), std::to_string(options.port).c_str(), &hints, &found); error != 0)
    return Status::error(ErrorKind::io, "cannot resolve " + host + ": " + ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> guard(found, ::freeaddrinfo);
  socket = std::make_unique<Socket>(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(socket->fd(), found->ai_addr, found->ai_addrlen) < 0)
    return failed("cannot connect to " + host + " port " + std::to_string(options.port), errno);
  return {};
}

}  // namespace

Status healthcheck(const config::ServerOptions& options) {
  std::unique_ptr<Socket> socket;
  const bool over_unix = options.port == 0 && !options.unixsocket.empty();
  if (Status status = over_unix ? connect_unix(options.unixsocket, socket) : connect_tcp(options, socket);
      !status.is_ok())
    return status;
  std::string request;
  if (!options.requirepass.empty())
    request =
        "*2\r\n$4\r\nAUTH\r\n$" + std::to_string(options.requirepass.size()) + "\r\n" + options.requirepass + "\r\n";
  const std::string expected = (options.requirepass.empty() ? "" : "+OK\r\n") + std::string("+PONG\r\n");
  request += "*1\r\n$4\r\nPING\r\n";
  if (::send(socket->fd(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    return failed("cannot send", errno);
  std::string reply;
  while (reply.size() < expected.size()) {
    char buffer[256];
    const ssize_t got = ::recv(socket->fd(), buffer, sizeof buffer, 0);
    if (got <= 0) break;
    reply.append(buffer, static_cast<size_t>(got));
    if (reply.front() == '-') break;
  }
  if (reply == expected) return {};
  if (reply.empty()) return Status::error(ErrorKind::io, "no answer");
  std::string_view unexpected = reply;
  if (unexpected.starts_with("+OK\r\n")) unexpected.remove_prefix(5);  // of AUTH: what followed is the matter
  return Status::error(ErrorKind::io, "the answer was " + std::string(unexpected.substr(0, unexpected.find('\r'))));
}

}  // namespace sett::server
