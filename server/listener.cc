#include "server/listener.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sett::server {

using storage::ErrorKind;
using storage::Status;

namespace {

constexpr auto pause_without_descriptors = std::chrono::milliseconds(100);
constexpr int accepts_per_event_max = 64;

std::string text_of(const sockaddr_storage& address, int64_t* port = nullptr) {
  char host[INET6_ADDRSTRLEN] = "?";
  if (address.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &in.sin_addr, host, sizeof host);
    if (port) *port = ntohs(in.sin_port);
    return std::string(host) + ":" + std::to_string(ntohs(in.sin_port));
  }
  const auto& in6 = reinterpret_cast<const sockaddr_in6&>(address);
  ::inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof host);
  if (port) *port = ntohs(in6.sin6_port);
  return "[" + std::string(host) + "]:" + std::to_string(ntohs(in6.sin6_port));
}

Status socket_error(const std::string& where, int error_number) {
  return Status::error(ErrorKind::io, "cannot listen on " + where + ": " + std::strerror(error_number));
}

}  // namespace

Listener::Listener(boost::asio::io_context& context, OnConnection on_connection)
    : context_(context), on_connection_(std::move(on_connection)) {}

Listener::~Listener() {
  close();
}

Status Listener::open(const config::ServerOptions& options) {
  const int backlog = static_cast<int>(options.tcp_backlog);
  if (options.port > 0 || options.unixsocket.empty()) {
    for (const std::string& bind : options.bind) {
      const bool optional = bind.starts_with('-');
      const std::string address = optional ? bind.substr(1) : bind;
      if (Status status = open_tcp(address, options.port, backlog, optional || address == "::1"); !status.is_ok())
        return status;
    }
    if (sockets_.empty())
      return Status::error(ErrorKind::io, "none of the addresses of server.bind is on this machine");
  }
  if (!options.unixsocket.empty()) return open_unix(options, backlog);
  return {};
}

Status Listener::open_tcp(std::string address, int64_t port, int backlog, bool may_be_missing) {
  if (address == "*") address = "0.0.0.0";
  // With port 0 the kernel picks one for the first address, and the others take the same.
  const std::string service = std::to_string(port == 0 ? port_ : port);
  const std::string where = address + " port " + service;
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(address.c_str(), service.c_str(), &hints, &found); error != 0)
    return may_be_missing ? Status()
                          : Status::error(ErrorKind::io, "cannot listen on " + where + ": " + ::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> guard(found, ::freeaddrinfo);
  const int fd = ::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return may_be_missing && errno == EAFNOSUPPORT ? Status() : socket_error(where, errno);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (found->ai_family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(fd, found->ai_addr, found->ai_addrlen) < 0 || ::listen(fd, backlog) < 0) {
    const int error_number = errno;
    ::close(fd);
    if (may_be_missing && error_number == EADDRNOTAVAIL) return {};
    return socket_error(where, error_number);
  }
  sockaddr_storage bound{};
  socklen_t length = sizeof bound;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length);
  text_of(bound, &port_);
  add(fd, false);
  return {};
}

Status Listener::open_unix(const config::ServerOptions& options, int backlog) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (options.unixsocket.size() >= sizeof address.sun_path)
    return Status::error(ErrorKind::invalid_argument, "server.unixsocket: the path is longer than " +
                                                          std::to_string(sizeof address.sun_path - 1) + " bytes");
  std::memcpy(address.sun_path, options.unixsocket.data(), options.unixsocket.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return socket_error(options.unixsocket, errno);
  // A socket file that nobody answers on is left over from a process that died.
  struct stat existing {};
  if (::lstat(options.unixsocket.c_str(), &existing) == 0 && S_ISSOCK(existing.st_mode)) {
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool answered = ::connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(probe);
    if (answered) {
      ::close(fd);
      return socket_error(options.unixsocket, EADDRINUSE);
    }
    ::unlink(options.unixsocket.c_str());
  }
  // Nobody can connect before listen(), and by then the file has its mode.
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) < 0 ||
      ::chmod(options.unixsocket.c_str(), static_cast<mode_t>(options.unixsocketperm)) < 0 ||
      ::listen(fd, backlog) < 0) {
    const int error_number = errno;
    ::close(fd);
    return socket_error(options.unixsocket, error_number);
  }
  unix_path_ = options.unixsocket;
  add(fd, true);
  return {};
}

void Listener::add(int fd, bool is_unix) {
  auto socket = std::make_shared<Socket>(
      Socket{boost::asio::posix::stream_descriptor(context_, fd), boost::asio::steady_timer(context_), is_unix});
  sockets_.push_back(socket);
  accept_from(socket);
}

void Listener::accept_from(const std::shared_ptr<Socket>& socket) {
  if (closed_) return;
  socket->descriptor.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                                [this, socket](const boost::system::error_code& error) {
                                  if (!error && !closed_) accept_all(socket);
                                });
}

void Listener::accept_all(const std::shared_ptr<Socket>& socket) {
  for (int i = 0; i < accepts_per_event_max; ++i) {
    sockaddr_storage peer{};
    socklen_t length = sizeof peer;
    const int fd = ::accept4(socket->descriptor.native_handle(), reinterpret_cast<sockaddr*>(&peer), &length,
                             SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM) break;
      // No descriptor to be had: waiting for readiness again would spin.
      socket->pause.expires_after(pause_without_descriptors);
      socket->pause.async_wait([this, socket](const boost::system::error_code& error) {
        if (!error) accept_from(socket);
      });
      return;
    }
    if (socket->is_unix) {
      on_connection_(fd, unix_path_ + ":0", unix_path_ + ":0", true);
      continue;
    }
    sockaddr_storage local{};
    length = sizeof local;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&local), &length);
    on_connection_(fd, text_of(peer), text_of(local), false);
  }
  accept_from(socket);
}

void Listener::close() {
  if (closed_) return;
  closed_ = true;
  for (const auto& socket : sockets_) {
    socket->pause.cancel();
    boost::system::error_code ignored;  // of close(2): nothing is left to do about it
    socket->descriptor.close(ignored);
  }
  if (!unix_path_.empty()) ::unlink(unix_path_.c_str());
}

}  // namespace sett::server
