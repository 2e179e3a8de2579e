#include "tests/server/commands/live_server.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "server/event_loop.h"

namespace sett::server {
namespace {

constexpr int reply_seconds_max = 20;

config::Options in_memory(config::Options options) {
  if (!options.buckets.empty()) return options;
  if (!options.badger.memory_mode) options.store.backend = "memory";
  options.simple_kv.enabled = false;
  options.server.data_dir = "/nonexistent";
  return options;
}

}  // namespace

LiveServer::LiveServer(config::Options options, unsigned loops, bool open_stores, const StoreWrapper& wrap_store)
    : options_(in_memory(std::move(options))),
      services_{options_, stores_, clients_, clock_, shutdown_, {}, {}, {}},
      executor_(1, 1, [this](storage::Executor::Task task) { services_.loops.front()->post(std::move(task)); }) {
  services_.facts.run_id = std::string(40, 'a');
  services_.facts.started_ms = clock_.wall_ms();
  for (unsigned i = 0; i < loops; ++i) services_.loops.push_back(std::make_unique<EventLoop>(services_, i));
  if (open_stores) {
    const auto on_progress = [this] {
      for (const auto& loop : services_.loops) loop->on_journal_progress();
    };
    const auto status = stores_.open(*options_.get(), {files_, executor_, clock_, on_progress, wrap_store});
    REQUIRE(status.is_ok());
  }
  for (const auto& loop : services_.loops) loop->start();
}

LiveServer::~LiveServer() {
  for (const auto& loop : services_.loops) loop->stop(0);
  for (const auto& loop : services_.loops) loop->join();
  executor_.stop();
  const auto status = stores_.close();
  CHECK(status.is_ok());
}

std::unique_ptr<LiveServer::Client> LiveServer::connect(unsigned loop) {
  return std::make_unique<Client>(*this, loop, "127.0.0.1:" + std::to_string(next_port_++));
}

LiveServer::Client::Client(LiveServer& server, unsigned loop, const std::string& address) {
  int ends[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  REQUIRE(::fcntl(ends[1], F_SETFL, O_NONBLOCK) == 0);
  fd_ = ends[0];
  const timeval limit{.tv_sec = reply_seconds_max};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  server.services_.loops[loop]->adopt(ends[1], address, "127.0.0.1:6379", false);
}

LiveServer::Client::~Client() {
  ::close(fd_);
}

void LiveServer::Client::send(const std::vector<std::string>& words) {
  std::string request = "*" + std::to_string(words.size()) + "\r\n";
  for (const std::string& word : words) request += "$" + std::to_string(word.size()) + "\r\n" + word + "\r\n";
  send_bytes(request);
}

void LiveServer::Client::send_bytes(const std::string& bytes) {
  // A server that has closed is found out by the read.
  [[maybe_unused]] const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

bool LiveServer::Client::fill() {
  char bytes[65536];
  const ssize_t got = ::recv(fd_, bytes, sizeof bytes, 0);
  if (got > 0) unread_.append(bytes, static_cast<size_t>(got));
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) FAIL("no reply came");
  return got > 0;
}

size_t LiveServer::Client::reply_end(size_t at) {
  const size_t line_end = unread_.find("\r\n", at);
  if (line_end == std::string::npos) return std::string::npos;
  const char type = unread_[at];
  const long long number = std::atoll(unread_.c_str() + at + 1);
  size_t end = line_end + 2;
  if (type == '$' || type == '=') {
    if (number >= 0) end += static_cast<size_t>(number) + 2;
    return end <= unread_.size() ? end : std::string::npos;
  }
  if (type != '*' && type != '%' && type != '~') return end;
  for (long long i = 0; i < (type == '%' ? 2 * number : number); ++i) {
    if (end >= unread_.size()) return std::string::npos;
    end = reply_end(end);
    if (end == std::string::npos) return end;
  }
  return end;
}

std::string LiveServer::Client::read_reply() {
  size_t end = reply_end(0);
  while (end == std::string::npos) {
    if (!fill()) return "closed";
    end = reply_end(0);
  }
  std::string reply = unread_.substr(0, end);
  unread_.erase(0, end);
  return reply;
}

std::string LiveServer::Client::call(const std::vector<std::string>& words) {
  send(words);
  return read_reply();
}

}  // namespace sett::server
