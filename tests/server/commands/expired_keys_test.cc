#include <catch2/catch.hpp>

#include "tests/server/command_runner.h"

namespace sett::server::test {

TEST_CASE("expiry: a key is gone at its due millisecond, for every command") {
  CommandRunner runner;
  check_table(runner, R"(
      SET a 1 PX 1000 => +OK
      TTL a => :1
      PTTL a => :1000
      @sleep 499
      TTL a => :1
      @sleep 2
      TTL a => :0
      PTTL a => :499
      @sleep 498
      GET a => $1|1
      PTTL a => :1
      DBSIZE => :1
      @sleep 1
      GET a => $-1
      PTTL a => :-2
      EXISTS a => :0
      STRLEN a => :0
      TYPE a => +none
      DBSIZE => :0
      KEYS * => *0
      SCAN 0 => *2|$1|0|*0
      RANDOMKEY => $-1
      PERSIST a => :0
      EXPIRE a 10 => :0
      RENAME a b => -ERR no such key
      COPY a b => :0
      DEL a => :0
      APPEND a x => :1
      TTL a => :-1
      SET b 1 PX 5 => +OK
      @sleep 5
      SETNX b 2 => :1
      INCR b => :3
      TTL b => :-1
      SET c 1 PX 5 => +OK
      @sleep 5
      SET c 1 KEEPTTL => +OK
      TTL c => :-1
      KV.TTL 0 c => :-1
      SET d 1 PX 7 => +OK
      KV.TTL 0 d => :7
  )");
}

}  // namespace sett::server::test
