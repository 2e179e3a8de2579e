#include <catch2/catch.hpp>

#include "tests/server/command_runner.h"

namespace sett::server::test {

TEST_CASE("keys: DEL UNLINK EXISTS TYPE TOUCH") {
  CommandRunner runner;
  runner.value_bytes_max = 512 << 20;
  check_table(runner, R"(
      MSET a 1 b 2 c 3 d 4 => +OK
      DEL a => :1
      DEL a => :0
      DEL b b c none => :2
      UNLINK d d => :1
      DEL => -ERR wrong number of arguments for 'del' command
      MSET a 1 b 2 => +OK
      EXISTS a => :1
      EXISTS a b a none => :3
      TOUCH a b a none => :3
      TYPE a => +string
      TYPE none => +none
      EXISTS => -ERR wrong number of arguments for 'exists' command
  )");
}

TEST_CASE("keys: RENAME RENAMENX") {
  CommandRunner runner;
  runner.value_bytes_max = 512 << 20;
  check_table(runner, R"(
      RENAME none x => -ERR no such key
      RENAMENX none x => -ERR no such key
      SETEX a 100 1 => +OK
      RENAME a b => +OK
      EXISTS a => :0
      GET b => $1|1
      TTL b => :100
      SET c 3 => +OK
      RENAME c b => +OK
      TTL b => :-1
      GET b => $1|3
      RENAME b b => +OK
      RENAMENX b b => :0
      RENAME none none => -ERR no such key
      SET c 4 => +OK
      RENAMENX b c => :0
      RENAMENX b e => :1
      MGET b c e => *3|$-1|$1|4|$1|3
  )");
}

TEST_CASE("keys: COPY") {
  CommandRunner runner;
  runner.value_bytes_max = 512 << 20;
  check_table(runner, R"(
      SETEX a 100 1 => +OK
      COPY a a => -ERR source and destination objects are the same
      COPY none none => -ERR source and destination objects are the same
      COPY none x => :0
      COPY a b => :1
      GET b => $1|1
      TTL b => :100
      SET a 2 => +OK
      COPY a b => :0
      COPY a b REPLACE => :1
      GET b => $1|2
      TTL b => :-1
      COPY a a DB 0 => -ERR source and destination objects are the same
      COPY a a DB 1 => :1
      COPY a a DB 1 => :0
      COPY a a DB 1 REPLACE => :1
      COPY a x DB 1 DB 2 => :1
      COPY a b DB 16 => -ERR DB index is out of range
      COPY a b DB -1 => -ERR DB index is out of range
      COPY a b DB x => -ERR value is not an integer or out of range
      COPY a b DB 99999999999 => -ERR value is out of range, value must between -2147483648 and 2147483647
      COPY a b DB 99999999999999999999 => -ERR value is not an integer or out of range
      COPY a b DB => -ERR syntax error
      COPY a b FOO => -ERR syntax error
      COPY a b REPLACE DB 15 => :1
      COPY a b DB 15 REPLACE REPLACE => :1
      @select 1
      GET a => $1|2
      @select 2
      GET x => $1|2
      @select 15
      GET b => $1|2
  )");
}

TEST_CASE("keys: MOVE") {
  CommandRunner runner;
  runner.value_bytes_max = 512 << 20;
  check_table(runner, R"(
      @select 0
      @select 1
      @select 0
      SETEX a 100 1 => +OK
      MOVE a 0 => -ERR source and destination objects are the same
      MOVE a 1 => :1
      EXISTS a => :0
      @select 1
      GET a => $1|1
      TTL a => :100
      MOVE a 1 => -ERR source and destination objects are the same
      @select 0
      SET a 2 => +OK
      MOVE a 1 => :0
      GET a => $1|2
      MOVE none 1 => :0
      MOVE none 0 => -ERR source and destination objects are the same
      MOVE a 16 => -ERR DB index is out of range
      MOVE a -1 => -ERR DB index is out of range
      MOVE a x => -ERR value is not an integer or out of range
      MOVE a 99999999999 => -ERR value is out of range, value must between -2147483648 and 2147483647
      MOVE a 01 => -ERR value is not an integer or out of range
  )");
}

TEST_CASE("keys: OBJECT") {
  CommandRunner runner;
  runner.value_bytes_max = 512 << 20;
  check_table(runner, R"(
      MSET i 1 i2 9999 i3 10000 i4 -1 s abc big 12345678901234567890123456789012345678901234 huge 123456789012345678901234567890123456789012345 z 01 e "" max 9223372036854775807 over 9223372036854775808 => +OK
      OBJECT ENCODING i => $3|int
      OBJECT ENCODING i4 => $3|int
      OBJECT ENCODING s => $6|embstr
      OBJECT ENCODING big => $6|embstr
      OBJECT ENCODING huge => $3|raw
      OBJECT ENCODING z => $6|embstr
      OBJECT ENCODING e => $6|embstr
      OBJECT ENCODING max => $3|int
      OBJECT ENCODING over => $6|embstr
      OBJECT ENCODING none => $-1
      OBJECT REFCOUNT i => :2147483647
      OBJECT REFCOUNT i2 => :2147483647
      OBJECT REFCOUNT i3 => :1
      OBJECT REFCOUNT i4 => :1
      OBJECT REFCOUNT s => :1
      OBJECT REFCOUNT none => $-1
      OBJECT IDLETIME s => :0
      OBJECT IDLETIME none => $-1
      OBJECT FREQ s => -ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.
      OBJECT FREQ none => $-1
      OBJECT encoding s => $6|embstr
      OBJECT ENCODING => -ERR wrong number of arguments for 'object|encoding' command
      OBJECT ENCODING a b => -ERR wrong number of arguments for 'object|encoding' command
      @resp 3
      OBJECT ENCODING none => _
      OBJECT FREQ none => _
      @resp 2
  )");
}

TEST_CASE("keys: COPY and MOVE work across backends; OBJECT HELP") {
  CommandRunner runner;
  check_table(runner, R"(
      @select other
      SET a 1 PX 1000 => +OK
      COPY a b DB 3 => :1
      MOVE a 3 => :1
      EXISTS a => :0
      @select 3
      GET a => $1|1
      PTTL b => :1000
      OBJECT HELP => *11|+OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:|+ENCODING <key>|+    How Redis would keep the value: int, embstr or raw.|+FREQ <key>|+    An error: no eviction policy here counts accesses.|+IDLETIME <key>|+    Always 0: access times are not kept.|+REFCOUNT <key>|+    The references that Redis would count.|+HELP|+    Prints this help.
  )");
}

}  // namespace sett::server::test
