#include "server/connection.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/server/commands/live_server.h"

namespace sett::server {
namespace {

config::Options with_client_memory(int64_t bytes) {
  config::Options options;
  options.server.maxmemory_clients = bytes;
  return options;
}

}  // namespace

TEST_CASE("beyond the limit of all clients' buffers the client with the largest is ended, the others stay") {
  LiveServer server(with_client_memory(4 << 20));
  auto bystander = server.connect();
  auto greedy = server.connect();
  REQUIRE(bystander->call({"SET", "k", "v"}) == "+OK\r\n");
  CHECK(greedy->call({"SET", "k", std::string(16 << 20, 'x')}) == "closed");
  CHECK(bystander->call({"GET", "k"}) == "$1\r\nv\r\n");
  CHECK(bystander->call({"INFO", "stats"}).find("evicted_clients:1\r\n") != std::string::npos);
  // What it had counts no more.
  CHECK(server.connect()->call({"SET", "k", std::string(1 << 20, 'y')}) == "+OK\r\n");
}

TEST_CASE("CLIENT NO-EVICT spares a client, and without the limit nobody is ended") {
  const std::string large(16 << 20, 'x');
  {
    LiveServer server(with_client_memory(4 << 20));
    auto spared = server.connect();
    REQUIRE(spared->call({"CLIENT", "NO-EVICT", "on"}) == "+OK\r\n");
    CHECK(spared->call({"SET", "k", large}) == "+OK\r\n");
  }
  LiveServer server(with_client_memory(0));
  CHECK(server.connect()->call({"SET", "k", large}) == "+OK\r\n");
}

TEST_CASE("many clients that each stay within their own limits are held by the limit of all") {
  LiveServer server(with_client_memory(8 << 20));
  auto observer = server.connect();
  std::vector<std::unique_ptr<LiveServer::Client>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(server.connect());
    // All of a request but its end: the bytes stay in the server's buffer.
    clients.back()->send_bytes("*2\r\n$4\r\nECHO\r\n$2000000\r\n" + std::string(1'000'000, 'x'));
  }
  for (int looks = 0; looks < 2000; ++looks)
    if (observer->call({"INFO", "stats"}).find("evicted_clients:0") == std::string::npos) break;
  // Whatever the sum was when the next client grew: it is within the limit when all have sent.
  const std::string clients_now = observer->call({"CLIENT", "LIST"});
  CHECK(static_cast<size_t>(std::count(clients_now.begin(), clients_now.end(), '\n')) < clients.size());
  CHECK(server.services().clients.buffer_bytes() < (16u << 20));
}

TEST_CASE("slow readers of large values that are all ready at once do not take more than the limit together") {
  constexpr size_t value_bytes = 4 << 20, limit = 16 << 20;
  LiveServer server(with_client_memory(limit));
  REQUIRE(server.connect()->call({"SET", "large", std::string(value_bytes, 'x')}) == "+OK\r\n");
  std::vector<std::unique_ptr<LiveServer::Client>> readers;
  for (int i = 0; i < 60; ++i) readers.push_back(server.connect());
  for (const auto& reader : readers) reader->send({"GET", "large"});
  // Looked at all the while the loop's thread serves them.
  uint64_t most = 0;
  for (int looks = 0; looks < 20'000'000; ++looks) most = std::max(most, server.services().clients.buffer_bytes());
  CHECK(server.connect()->call({"PING"}) == "+PONG\r\n");
  CHECK(most > limit - value_bytes);
  CHECK(most <= limit + 3 * value_bytes);
}

TEST_CASE("the arguments of a request that is not complete count towards the limit") {
  LiveServer server(with_client_memory(4 << 20));
  auto observer = server.connect();
  auto greedy = server.connect();
  std::string request = "*1048576\r\n";
  for (int i = 0; i < 500'000; ++i) request += "$0\r\n\r\n";
  greedy->send_bytes(request);
  CHECK(greedy->read_reply() == "closed");
  CHECK(observer->call({"PING"}) == "+PONG\r\n");
}

}  // namespace sett::server
