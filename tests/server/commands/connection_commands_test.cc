#include <catch2/catch.hpp>

#include "server/commands/authentication.h"
#include "tests/server/commands/live_server.h"

namespace sett::server {
namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;

const std::string wrong_password = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";

config::Options with_password(const std::string& password) {
  config::Options options;
  options.server.requirepass = password;
  return options;
}

TEST_CASE("passwords are compared whole", "[auth]") {
  CHECK(equals_in_constant_time("", ""));
  CHECK(equals_in_constant_time("secret", "secret"));
  CHECK_FALSE(equals_in_constant_time("secret", "secreT"));
  CHECK_FALSE(equals_in_constant_time("abab", "ab"));
  CHECK_FALSE(equals_in_constant_time("ab", "abab"));
  CHECK_FALSE(equals_in_constant_time("", "a"));
  CHECK_FALSE(equals_in_constant_time("a", ""));
  CHECK_FALSE(equals_in_constant_time(std::string("a\0", 2), "a"));
}

TEST_CASE("SELECT: numbers are databases, what looks like one is an error, all else a bucket", "[connection]") {
  LiveServer server;
  const auto client = server.connect();
  CHECK(client->call({"SELECT", "15"}) == "+OK\r\n");
  CHECK(client->call({"SELECT", "16"}) == "-ERR DB index is out of range\r\n");
  CHECK(client->call({"SELECT", "-1"}) == "-ERR DB index is out of range\r\n");
  CHECK_THAT(client->call({"SELECT", "4294967296"}), StartsWith("-ERR value is out of range"));
  for (const std::string slip : {"", "01", "+1", " 1", "1.5", "-0", "99999999999999999999"})
    CHECK(client->call({"SELECT", slip}) == "-ERR value is not an integer or out of range\r\n");
  CHECK(client->call({"SELECT", "sessions"}) == "+OK\r\n");
  CHECK(client->call({"SET", "k", "here"}) == "+OK\r\n");
  CHECK(client->call({"SELECT", std::string("\0,\n", 3)}) == "+OK\r\n");
  CHECK(client->call({"GET", "k"}) == "$-1\r\n");
  CHECK(client->call({"SELECT", std::string(255, 'b')}) == "+OK\r\n");
  CHECK_THAT(client->call({"SELECT", std::string(256, 'b')}), StartsWith("-ERR a bucket's name"));
  CHECK(client->call({"SELECT", "sessions"}) == "+OK\r\n");
  CHECK(client->call({"GET", "k"}) == "$4\r\nhere\r\n");
}

TEST_CASE("an unknown command is shown with 128 bytes of its arguments", "[connection]") {
  LiveServer server;
  const auto client = server.connect();
  const std::string begin = "-ERR unknown command 'BOGUS', with args beginning with: ";
  CHECK(client->call({"BOGUS"}) == begin + "\r\n");
  CHECK(client->call({"BOGUS", "a", ""}) == begin + "'a' '' \r\n");
  CHECK(client->call({"BOGUS", std::string(200, 'x'), "y"}) == begin + "'" + std::string(128, 'x') + "' \r\n");
  const std::string sixty(60, 'a');
  CHECK(client->call({"BOGUS", sixty, sixty, "bcd", "e"}) == begin + "'" + sixty + "' '" + sixty + "' 'bc' \r\n");
  CHECK(client->call({std::string("BO\0GUS", 6), std::string("a\0b", 3)}) ==
        "-ERR unknown command 'BO', with args beginning with: 'a' \r\n");
}

TEST_CASE("a word within an error text ends at its NUL", "[connection]") {
  LiveServer server;
  const auto client = server.connect();
  const std::string word("a\0b", 3);
  CHECK(client->call({"OBJECT", word}) == "-ERR unknown subcommand 'a'. Try OBJECT HELP.\r\n");
  CHECK(client->call({"EXPIRE", "k", "1", word}) == "-ERR Unsupported option a\r\n");
  CHECK(client->call({"HELLO", "3", word}) == "-ERR Syntax error in HELLO option 'a'\r\n");
  CHECK(client->call({"CLIENT", "SETINFO", word, "v"}) == "-ERR Unrecognized option 'a'\r\n");
  CHECK(client->call({"CLIENT", "KILL", "USER", word}) == "-ERR No such user 'a'\r\n");
  CHECK(client->call({"CLIENT", "LIST", "TYPE", word}) == "-ERR Unknown client type 'a'\r\n");
  CHECK_THAT(client->call({"CONFIG", "SET", word, "v"}), StartsWith("-ERR Unknown option or number of arguments for "
                                                                    "CONFIG SET - 'a'\r\n"));
}

TEST_CASE("AUTH and HELLO with a password", "[connection]") {
  LiveServer server(with_password("secret"));
  const auto client = server.connect();
  CHECK(client->call({"PING"}) == "-NOAUTH Authentication required.\r\n");
  CHECK_THAT(client->call({"HELLO", "3"}), StartsWith("-NOAUTH HELLO must be called"));
  CHECK(client->call({"AUTH", "wrong"}) == wrong_password);
  CHECK(client->call({"AUTH", "nobody", "secret"}) == wrong_password);
  CHECK(client->call({"AUTH", "a", "b", "c"}) == "-ERR syntax error\r\n");
  CHECK(client->call({"HELLO", "3", "AUTH", "default", "wrong"}) == wrong_password);
  CHECK(client->call({"PING"}) == "-NOAUTH Authentication required.\r\n");
  const std::string hello = client->call({"HELLO", "3", "AUTH", "default", "secret", "SETNAME", "me"});
  CHECK_THAT(hello, StartsWith("%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n"));
  CHECK_THAT(hello, Contains("$5\r\nproto\r\n:3\r\n"));
  CHECK(client->call({"CLIENT", "GETNAME"}) == "$2\r\nme\r\n");
  CHECK(client->call({"GET", "absent"}) == "_\r\n");
  // A wrong one leaves the client what it was.
  CHECK(client->call({"AUTH", "wrong"}) == wrong_password);
  CHECK(client->call({"PING"}) == "+PONG\r\n");
  CHECK(client->call({"RESET"}) == "+RESET\r\n");
  CHECK(client->call({"PING"}) == "-NOAUTH Authentication required.\r\n");
}

TEST_CASE("HELLO refuses what it does not know and changes nothing", "[connection]") {
  LiveServer server;
  const auto client = server.connect();
  CHECK(client->call({"HELLO", "4"}) == "-NOPROTO unsupported protocol version\r\n");
  CHECK(client->call({"HELLO", "two"}) == "-ERR Protocol version is not an integer or out of range\r\n");
  CHECK(client->call({"HELLO", "3", "AUTH", "default"}) == "-ERR Syntax error in HELLO option 'AUTH'\r\n");
  CHECK_THAT(client->call({"HELLO", "3", "SETNAME", "a b"}), StartsWith("-ERR Client names cannot contain spaces"));
  CHECK(client->call({"GET", "absent"}) == "$-1\r\n");
  CHECK_THAT(client->call({"HELLO"}), StartsWith("*14\r\n"));
  CHECK_THAT(client->call({"AUTH", "x"}), StartsWith("-ERR AUTH <password> called without any password configured"));
  CHECK(client->call({"AUTH", "default", "x"}) == "+OK\r\n");
}

TEST_CASE("QUIT answers, then closes", "[connection]") {
  LiveServer server;
  const auto client = server.connect();
  CHECK(client->call({"QUIT"}) == "+OK\r\n");
  CHECK(client->read_reply() == "closed");
}

}  // namespace
}  // namespace sett::server
