#include <catch2/catch.hpp>

#include "server/commands/client_line.h"
#include "tests/server/commands/live_server.h"

namespace sett::server {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

TEST_CASE("a line of CLIENT LIST has Redis's fields in Redis's order", "[client]") {
  ClientRecord client;
  client.id = 7;
  client.address = "10.0.0.1:5";
  client.local_address = "10.0.0.2:6379";
  client.fd = 9;
  client.created_ms = 1000;
  client.last_interaction_ms = 4500;
  client.query_buffer = 11;
  client.query_buffer_free = 22;
  client.output_buffer = 33;
  client.no_evict = true;
  {
    storage::MutexLock guard(client.mutex);
    client.name = "me";
    client.lib_name = "lib";
    client.lib_version = "1.2";
    client.bucket = "3";
  }
  std::string line;
  append_client_line(client, 11500, line);
  CHECK_THAT(line, StartsWith("id=7 addr=10.0.0.1:5 laddr=10.0.0.2:6379 fd=9 name=me age=10 idle=7 flags=e db=3 sub=0 "
                              "psub=0 ssub=0 multi=-1 qbuf=11 qbuf-free=22 argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=33 "
                              "oll=0 omem=33 tot-mem="));
  CHECK_THAT(line,
             Catch::Matchers::EndsWith(" events=rw cmd=NULL user=default redir=-1 resp=2 lib-name=lib lib-ver=1.2\n"));
  {
    storage::MutexLock guard(client.mutex);
    client.bucket = "a b\n";
  }
  line.clear();
  append_client_line(client, 11500, line);
  CHECK_THAT(line, Contains(" db=-1 "));
  CHECK_THAT(line, Catch::Matchers::EndsWith(" bucket=a\\x20b\\x0a\n"));
}

TEST_CASE("names, libraries and modes of a client show in its line", "[client]") {
  LiveServer server;
  const auto client = server.connect();
  CHECK(client->call({"CLIENT", "GETNAME"}) == "$-1\r\n");
  CHECK(client->call({"CLIENT", "SETNAME", "me"}) == "+OK\r\n");
  CHECK_THAT(client->call({"CLIENT", "SETNAME", "a\nb"}), StartsWith("-ERR Client names cannot"));
  CHECK(client->call({"CLIENT", "SETINFO", "lib-name", "redis-py"}) == "+OK\r\n");
  CHECK(client->call({"CLIENT", "SETINFO", "LIB-VER", "8.0"}) == "+OK\r\n");
  CHECK(client->call({"CLIENT", "NO-EVICT", "on"}) == "+OK\r\n");
  CHECK(client->call({"CLIENT", "NO-TOUCH", "on"}) == "+OK\r\n");
  const std::string info = client->call({"CLIENT", "INFO"});
  CHECK_THAT(info, Contains(" name=me ") && Contains(" flags=eT ") && Contains(" cmd=client|info "));
  CHECK_THAT(info, Contains(" lib-name=redis-py lib-ver=8.0\n"));
  CHECK(client->call({"CLIENT", "LIST"}).find("id=") != std::string::npos);
  CHECK(client->call({"CLIENT", "LIST", "TYPE", "pubsub"}) == "$0\r\n\r\n");
  CHECK(client->call({"CLIENT", "LIST", "TYPE", "x"}) == "-ERR Unknown client type 'x'\r\n");
  CHECK(client->call({"CLIENT", "LIST", "ID", "x"}) == "-ERR Invalid client ID\r\n");
}

TEST_CASE("CLIENT KILL ends others at once and oneself after the reply", "[client]") {
  LiveServer server({}, 2);
  const auto killer = server.connect(0), other = server.connect(1), third = server.connect(1);
  CHECK(other->call({"PING"}) == "+PONG\r\n");
  CHECK(third->call({"PING"}) == "+PONG\r\n");
  CHECK(killer->call({"CLIENT", "KILL", "127.0.0.1:1"}) == "-ERR No such client\r\n");
  CHECK(killer->call({"CLIENT", "KILL", "TYPE", "pubsub"}) == ":0\r\n");
  CHECK(killer->call({"CLIENT", "KILL", "MAXAGE", "1000"}) == ":0\r\n");
  CHECK(killer->call({"CLIENT", "KILL", "ADDR", "127.0.0.1:40001", "TYPE", "normal"}) == ":1\r\n");
  CHECK(other->read_reply() == "closed");
  CHECK(killer->call({"CLIENT", "KILL", "127.0.0.1:40002"}) == "+OK\r\n");
  CHECK(third->read_reply() == "closed");
  CHECK(killer->call({"CLIENT", "KILL", "ID", "0"}) == "-ERR client-id should be greater than 0\r\n");
  CHECK(killer->call({"CLIENT", "KILL", "SKIPME", "no"}) == ":1\r\n");
  CHECK(killer->read_reply() == "closed");
}

TEST_CASE("CLIENT REPLY: what is not answered leaves no gap", "[client]") {
  LiveServer server;
  const auto client = server.connect();
  client->send({"CLIENT", "REPLY", "SKIP"});
  client->send({"ECHO", "skipped"});
  CHECK(client->call({"ECHO", "heard"}) == "$5\r\nheard\r\n");
  client->send({"CLIENT", "REPLY", "OFF"});
  client->send({"ECHO", "unheard"});
  client->send({"CLIENT", "REPLY", "SKIP"});
  CHECK(client->call({"CLIENT", "REPLY", "ON"}) == "+OK\r\n");
  CHECK(client->call({"CLIENT", "REPLY", "x"}) == "-ERR syntax error\r\n");
}

}  // namespace
}  // namespace sett::server
