#include "tests/bench/load_connection.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace sett::bench {

int connect_to_server(uint16_t port, bool blocking) {
  const int type = SOCK_STREAM | SOCK_CLOEXEC;
  const int fd = ::socket(AF_INET, type, 0);
  if (fd < 0) return -1;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int one = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    ::close(fd);
    return -1;
  }
  if (!blocking) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
      ::close(fd);
      return -1;
    }
  }
  return fd;
}

LoadConnection::LoadConnection(int socket, const LoadOptions& options) : socket_(socket), options_(options) {
  const std::string key_length = "$" + std::to_string(key_bytes) + "\r\n";
  switch (options.operation) {
    case Operation::set:
      before_key_ = "*3\r\n$3\r\nSET\r\n" + key_length;
      between_ = "\r\n$" + std::to_string(options.value_bytes) + "\r\n";
      break;
    case Operation::del:
      before_key_ = "*2\r\n$3\r\nDEL\r\n" + key_length;
      break;
    default:
      before_key_ = "*2\r\n$3\r\nGET\r\n" + key_length;
      break;
  }
  const uint64_t value_bytes = options.operation == Operation::set ? options.value_bytes : 0;
  output_.reserve(options.depth * (before_key_.size() + key_bytes + between_.size() + value_bytes + 2));
}

LoadConnection::~LoadConnection() {
  ::close(socket_);
}

void LoadConnection::begin_batch(uint64_t requests, uint64_t now_ns, KeyOrder& keys, ValuePool& values) {
  output_.clear();
  sent_ = 0;
  for (uint64_t i = 0; i < requests; ++i) {
    char key[key_bytes];
    write_key(keys.next(), options_.absent, key);
    output_.append(before_key_).append(key, key_bytes);
    if (options_.operation == Operation::set) output_.append(between_).append(values.next());
    output_.append("\r\n", 2);
  }
  pending_ = requests;
  batch_begin_ns_ = now_ns;
}

bool LoadConnection::send_some() {
  while (wants_to_send()) {
    const ssize_t sent = ::send(socket_, output_.data() + sent_, output_.size() - sent_, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    sent_ += static_cast<uint64_t>(sent);
  }
  return true;
}

bool LoadConnection::receive_some(char* buffer, uint64_t buffer_bytes, uint64_t& answered) {
  const ssize_t received = ::recv(socket_, buffer, buffer_bytes, 0);
  answered = 0;
  if (received < 0) return errno == EAGAIN || errno == EINTR;
  if (received == 0) return false;
  answered = replies_.feed({buffer, static_cast<uint64_t>(received)});
  pending_ -= answered;
  return true;
}

}  // namespace sett::bench
