#include <catch2/catch.hpp>

#include "tests/server/commands/live_server.h"

namespace sett::server {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

TEST_CASE("nothing is saved where nothing is durable", "[server]") {
  LiveServer server;
  const auto client = server.connect();
  CHECK_THAT(client->call({"SAVE"}), StartsWith("-ERR nothing is saved"));
  CHECK_THAT(client->call({"BGSAVE", "SCHEDULE"}), StartsWith("-ERR nothing is saved"));
  CHECK(client->call({"BGSAVE", "x"}) == "-ERR syntax error\r\n");
  CHECK_THAT(client->call({"BACKUP", "name"}), StartsWith("-ERR nothing is backed up"));
  CHECK_THAT(client->call({"BACKUP", "../name"}), StartsWith("-ERR invalid backup name"));
}

TEST_CASE("SHUTDOWN asks the daemon, once, and leaves the client waiting", "[server]") {
  LiveServer server;
  const auto client = server.connect(), other = server.connect();
  for (const std::vector<std::string>& wrong : std::vector<std::vector<std::string>>{
           {"SHUTDOWN", "x"}, {"SHUTDOWN", "SAVE", "NOSAVE"}, {"SHUTDOWN", "ABORT", "NOW"}})
    CHECK(client->call(wrong) == "-ERR syntax error\r\n");
  CHECK(client->call({"SHUTDOWN", "ABORT"}) == "-ERR No shutdown in progress.\r\n");
  CHECK(server.shutdown().without == 0);
  client->send({"SHUTDOWN", "SAVE", "NOW"});
  client->send({"PING"});
  while (server.shutdown().with_snapshot == 0) other->call({"PING"});
  CHECK(server.shutdown().without == 0);
  CHECK_THAT(other->call({"SHUTDOWN", "ABORT"}), StartsWith("-ERR the shutdown has begun"));
}

TEST_CASE("DEBUG SLEEP holds up nobody else", "[server]") {
  LiveServer server;
  const auto sleeper = server.connect(), other = server.connect();
  CHECK(sleeper->call({"DEBUG", "SLEEP", "abc"}) == "+OK\r\n");
  sleeper->send({"DEBUG", "SLEEP", "3600"});
  CHECK(other->call({"PING"}) == "+PONG\r\n");
  CHECK_THAT(other->call({"DEBUG", "SEGFAULT"}),
             StartsWith("-ERR unknown subcommand or wrong number of arguments for 'SEGF"));
}

TEST_CASE("CONFIG SET is in force for what comes right behind it", "[server]") {
  LiveServer server({}, 2);
  const auto client = server.connect(0), other = server.connect(1);
  CHECK(other->call({"PING"}) == "+PONG\r\n");
  client->send({"CONFIG", "SET", "requirepass", "secret", "proto-max-bulk-len", "1mb"});
  client->send({"AUTH", "wrong"});
  client->send({"AUTH", "secret"});
  client->send({"SETRANGE", "k", "1048576", "x"});
  CHECK(client->read_reply() == "+OK\r\n");
  CHECK_THAT(client->read_reply(), StartsWith("-WRONGPASS"));
  CHECK(client->read_reply() == "+OK\r\n");
  CHECK_THAT(client->read_reply(), StartsWith("-ERR string exceeds maximum allowed size"));
  CHECK(other->call({"PING"}) == "+PONG\r\n");  // whoever was in stays in
  CHECK_THAT(client->call({"CONFIG", "SET", "timeout", "1", "maxclients"}), StartsWith("-ERR syntax error"));
  CHECK_THAT(client->call({"CONFIG", "REWRITE"}), StartsWith("-ERR sett does not write"));
}

TEST_CASE("CONFIG RESETSTAT sets the counters of all loops back", "[server]") {
  LiveServer server({}, 2);
  const auto client = server.connect(0), other = server.connect(1);
  for (int i = 0; i < 20; ++i) other->call({"GET", "absent"});
  CHECK_THAT(client->call({"INFO", "stats"}), Contains("keyspace_misses:20\r\n"));
  CHECK(client->call({"CONFIG", "RESETSTAT"}) == "+OK\r\n");
  CHECK_THAT(client->call({"INFO", "stats"}), Contains("keyspace_misses:0\r\n"));
}

TEST_CASE("replication, clusters and modules are refused as a lone Redis does", "[server]") {
  LiveServer server;
  const auto client = server.connect();
  CHECK(client->call({"REPLICAOF", "NO", "ONE"}) == "+OK\r\n");
  CHECK(client->call({"REPLICAOF", "h", "65536"}) == "-ERR Invalid master port\r\n");
  CHECK_THAT(client->call({"SLAVEOF", "h", "1"}), StartsWith("-ERR sett has no replication"));
  CHECK(client->call({"ROLE"}) == "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n");
  CHECK(client->call({"CLUSTER", "NODES"}) == "-ERR This instance has cluster support disabled\r\n");
  CHECK(client->call({"CLUSTER", "BOGUS"}) == "-ERR unknown subcommand 'BOGUS'. Try CLUSTER HELP.\r\n");
  CHECK(client->call({"MODULE", "LIST"}) == "*0\r\n");
  CHECK(client->call({"WAIT", "0", "-1"}) == "-ERR timeout is negative\r\n");
  CHECK(client->call({"WAIT", "1", "0"}) == ":0\r\n");
}

TEST_CASE("COMMAND answers from the table", "[server]") {
  LiveServer server;
  const auto client = server.connect();
  CHECK_THAT(
      client->call({"COMMAND", "INFO", "get", "nosuch"}),
      StartsWith("*2\r\n*10\r\n$3\r\nget\r\n:2\r\n*2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n*3\r\n+@read\r\n"));
  CHECK(client->call({"COMMAND", "INFO", "nosuch"}) == "*1\r\n$-1\r\n");
  CHECK(client->call({"COMMAND", "DOCS", "nosuch"}) == "*0\r\n");
  CHECK_THAT(client->call({"COMMAND", "DOCS", "client"}), Contains("client|kill"));
  CHECK(client->call({"COMMAND", "LIST", "FILTERBY", "PATTERN", "CLIENT|L*"}) == "*1\r\n$11\r\nclient|list\r\n");
  CHECK(client->call({"COMMAND", "LIST", "FILTERBY", "x", "y"}) == "-ERR syntax error\r\n");
  CHECK(client->call({"COMMAND", "GETKEYS", "MSET", "a", "1", "b", "2"}) == "*2\r\n$1\r\na\r\n$1\r\nb\r\n");
  CHECK(client->call({"COMMAND", "GETKEYS", "NOSUCH", "a"}) == "-ERR Invalid command specified\r\n");
  CHECK(client->call({"COMMAND", "GETKEYS", "CLIENT", "ID"}) == "-ERR The command has no key arguments\r\n");
  CHECK(client->call({"COMMAND", "GETKEYS", "GET", "k", "x"}) ==
        "-ERR Invalid number of arguments specified for command\r\n");
}

}  // namespace
}  // namespace sett::server
