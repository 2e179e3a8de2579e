#include <catch2/catch.hpp>

#include "tests/server/command_runner.h"

namespace sett::server::test {

TEST_CASE("keyspace: KEYS SCAN DBSIZE RANDOMKEY") {
  CommandRunner runner;
  runner.value_bytes_max = 512 << 20;
  check_table(runner, R"(
      DBSIZE => :0
      RANDOMKEY => $-1
      KEYS * => *0
      SCAN 0 => *2|$1|0|*0
      SET hello 1 => +OK
      RANDOMKEY => $5|hello
      KEYS * => *1|$5|hello
      KEYS h?llo => *1|$5|hello
      KEYS h[ae]llo => *1|$5|hello
      KEYS h[^e]llo => *0
      KEYS hello => *1|$5|hello
      KEYS x* => *0
      KEYS => -ERR wrong number of arguments for 'keys' command
      SCAN 0 => *2|$1|0|*1|$5|hello
      SCAN 0 MATCH h* => *2|$1|0|*1|$5|hello
      SCAN 0 MATCH x* => *2|$1|0|*0
      SCAN 0 TYPE string => *2|$1|0|*1|$5|hello
      SCAN 0 TYPE STRING => *2|$1|0|*1|$5|hello
      SCAN 0 TYPE list => *2|$1|0|*0
      SCAN 0 COUNT 1000 MATCH hello TYPE string => *2|$1|0|*1|$5|hello
      SCAN 0 match h* count 5 => *2|$1|0|*1|$5|hello
      SCAN x => -ERR invalid cursor
      SCAN 1x => -ERR invalid cursor
      SCAN 99999999999999999999 => -ERR invalid cursor
      SCAN "" => *2|$1|0|*1|$5|hello
      SCAN "\x00" => *2|$1|0|*1|$5|hello
      SCAN "0\x00x" => *2|$1|0|*1|$5|hello
      SCAN "x\x00" => -ERR invalid cursor
      SCAN " 0" => -ERR invalid cursor
      SCAN 0 COUNT => -ERR syntax error
      SCAN 0 COUNT x => -ERR value is not an integer or out of range
      SCAN 0 COUNT 0 => -ERR syntax error
      SCAN 0 COUNT -1 => -ERR syntax error
      SCAN 0 MATCH => -ERR syntax error
      SCAN 0 FOO => -ERR syntax error
      SCAN 0 FOO 1 => -ERR syntax error
      SCAN x FOO => -ERR invalid cursor
      SCAN => -ERR wrong number of arguments for 'scan' command
      MSET a 1 b 2 c 3 => +OK
      DBSIZE => :4
      DEL a => :1
      DBSIZE => :3
      DBSIZE x => -ERR wrong number of arguments for 'dbsize' command
      RANDOMKEY x => -ERR wrong number of arguments for 'randomkey' command
  )");
}

TEST_CASE("keyspace: FLUSHDB FLUSHALL SWAPDB") {
  CommandRunner runner;
  runner.value_bytes_max = 512 << 20;
  check_table(runner, R"(
      MSET a 1 b 2 => +OK
      FLUSHDB => +OK
      DBSIZE => :0
      GET a => $-1
      SET a 1 => +OK
      FLUSHDB ASYNC => +OK
      SET a 1 => +OK
      FLUSHDB sync => +OK
      SET a 1 => +OK
      FLUSHDB FOO => -ERR syntax error
      FLUSHDB SYNC ASYNC => -ERR syntax error
      EXISTS a => :1
      FLUSHALL => +OK
      EXISTS a => :0
      SET a 0 => +OK
      @select 1
      SET a 1 => +OK
      FLUSHDB => +OK
      @select 0
      GET a => $1|0
      @select 1
      SET a 1 => +OK
      SWAPDB 0 1 => +OK
      GET a => $1|0
      @select 0
      GET a => $1|1
      SWAPDB 1 0 => +OK
      GET a => $1|0
      SWAPDB 0 0 => +OK
      GET a => $1|0
      SWAPDB 0 7 => +OK
      EXISTS a => :0
      @select 7
      GET a => $1|0
      SWAPDB x 0 => -ERR invalid first DB index
      SWAPDB 0 x => -ERR invalid second DB index
      SWAPDB 0 16 => -ERR DB index is out of range
      SWAPDB -1 0 => -ERR DB index is out of range
      SWAPDB 99999999999 0 => -ERR invalid first DB index
      SWAPDB 0 99999999999 => -ERR invalid second DB index
      FLUSHALL FOO => -ERR syntax error
      EXISTS a => :1
      FLUSHALL ASYNC => +OK
      DBSIZE => :0
      @select 0
      DBSIZE => :0
      @select 1
      DBSIZE => :0
  )");
}

}  // namespace sett::server::test
