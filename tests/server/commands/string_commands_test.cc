#include <catch2/catch.hpp>

#include "tests/server/command_runner.h"

namespace sett::server::test {

TEST_CASE("strings: SET and its options") {
  CommandRunner runner;
  runner.value_bytes_max = 512 << 20;
  check_table(runner, R"(
      SET a 1 => +OK
      GET a => $1|1
      GET none => $-1
      SET a 2 NX => $-1
      SET a 2 XX => +OK
      SET b 1 XX => $-1
      SET b 1 NX GET => $-1
      SET b 2 NX GET => $1|1
      GET b => $1|1
      SET b 3 XX GET => $1|1
      SET c 3 XX GET => $-1
      SET a 2 NX XX => -ERR syntax error
      SET a 2 XX NX => -ERR syntax error
      SET a 2 NX NX => $-1
      SET a 3 GET => $1|2
      SET a 3 nx get xx => -ERR syntax error
      SET a 4 EX 100 => +OK
      TTL a => :100
      SET a 5 KEEPTTL => +OK
      TTL a => :100
      SET a 6 => +OK
      TTL a => :-1
      SET a 7 PX 100000 => +OK
      TTL a => :100
      SET a 7 PX 100000 GET => $1|7
      SET a 7 get px 100000 xx => $1|7
      SET a 7 EX 10 EX 20 => +OK
      TTL a => :20
      SET a 7 EX 10 PX 20 => -ERR syntax error
      SET a 7 PX 10 EXAT 20 => -ERR syntax error
      SET a 7 EX 10 KEEPTTL => -ERR syntax error
      SET a 7 KEEPTTL EX 10 => -ERR syntax error
      SET a 7 KEEPTTL PXAT 10 => -ERR syntax error
      SET a 7 PERSIST => -ERR syntax error
      SET a 7 EX => -ERR syntax error
      SET a 7 EX 0 => -ERR invalid expire time in 'set' command
      SET a 7 EX -1 => -ERR invalid expire time in 'set' command
      SET a 7 EX x => -ERR value is not an integer or out of range
      SET a 7 EX 1.5 => -ERR value is not an integer or out of range
      SET a 7 PX 0 => -ERR invalid expire time in 'set' command
      SET a 7 EXAT 0 => -ERR invalid expire time in 'set' command
      SET a 7 PXAT -5 => -ERR invalid expire time in 'set' command
      SET a 7 EX 9223372036854775807 => -ERR invalid expire time in 'set' command
      SET a 7 EX 9223372036854775 => -ERR invalid expire time in 'set' command
      SET a 7 EX 9223372036854776 => -ERR invalid expire time in 'set' command
      SET a 7 PX 9223372036854775807 => -ERR invalid expire time in 'set' command
      SET a 7 PXAT 9223372036854775807 => +OK
      PEXPIRETIME a => :9223372036854775807
      SET a 7 EXAT 4102444800 => +OK
      EXPIRETIME a => :4102444800
      SET a 7 PXAT 4102444800123 => +OK
      PEXPIRETIME a => :4102444800123
      SET a 8 EXAT 1 => +OK
      GET a => $-1
      EXISTS a => :0
      SET a 8 nonsense => -ERR syntax error
      SET a => -ERR wrong number of arguments for 'set' command
      SET a 7 EX 0 NX XX => -ERR syntax error
      SET "" empty => +OK
      GET "" => $5|empty
      SET bin "\x00\xff\r\n" => +OK
      GET bin => $4|\x00\xff|
  )");
}

TEST_CASE("strings: GETSET GETDEL GETEX") {
  CommandRunner runner;
  runner.value_bytes_max = 512 << 20;
  check_table(runner, R"(
      GETSET g 1 => $-1
      GETSET g 2 => $1|1
      GETDEL g => $1|2
      GETDEL g => $-1
      GETEX g => $-1
      GETEX g EX 0 => $-1
      SET g 1 => +OK
      GETEX g => $1|1
      GETEX g EX 100 => $1|1
      TTL g => :100
      GETEX g PERSIST => $1|1
      TTL g => :-1
      GETEX g PERSIST => $1|1
      GETEX g EX 10 PERSIST => -ERR syntax error
      GETEX g PERSIST EX 10 => -ERR syntax error
      GETEX g KEEPTTL => -ERR syntax error
      GETEX g NX => -ERR syntax error
      GETEX g EX 0 => -ERR invalid expire time in 'getex' command
      GETEX g EX x => -ERR value is not an integer or out of range
      GETEX g PX -1 => -ERR invalid expire time in 'getex' command
      GETEX g EX => -ERR syntax error
      GETEX g EX 10 PX 10 => -ERR syntax error
      GETEX g EXAT 4102444800 => $1|1
      EXPIRETIME g => :4102444800
      GETEX g PXAT 1 => $1|1
      EXISTS g => :0
  )");
}

TEST_CASE("strings: SETNX SETEX PSETEX") {
  CommandRunner runner;
  runner.value_bytes_max = 512 << 20;
  check_table(runner, R"(
      SETNX n 1 => :1
      SETNX n 2 => :0
      GET n => $1|1
      SETEX n 100 3 => +OK
      TTL n => :100
      SETEX n 0 3 => -ERR invalid expire time in 'setex' command
      SETEX n -1 3 => -ERR invalid expire time in 'setex' command
      SETEX n x 3 => -ERR value is not an integer or out of range
      SETEX n 9223372036854775807 3 => -ERR invalid expire time in 'setex' command
      PSETEX n 100000 4 => +OK
      TTL n => :100
      PSETEX n 0 4 => -ERR invalid expire time in 'psetex' command
  )");
}

TEST_CASE("strings: MGET MSET MSETNX") {
  CommandRunner runner;
  runner.value_bytes_max = 512 << 20;
  check_table(runner, R"(
      MSET m1 1 m2 2 m1 3 => +OK
      MGET m1 m2 m3 => *3|$1|3|$1|2|$-1
      MSET m1 => -ERR wrong number of arguments for 'mset' command
      MSET m1 1 m2 => -ERR wrong number of arguments for 'mset' command
      MSETNX m1 1 m2 => -ERR wrong number of arguments for 'msetnx' command
      MSETNX m4 1 m1 2 => :0
      EXISTS m4 => :0
      MSETNX m4 1 m5 2 m4 3 => :1
      MGET m4 m5 => *2|$1|3|$1|2
      MSETNX m6 1 m6 2 => :1
      GET m6 => $1|2
  )");
}

TEST_CASE("strings: APPEND STRLEN") {
  CommandRunner runner;
  runner.value_bytes_max = 512 << 20;
  check_table(runner, R"(
      APPEND ap hello => :5
      APPEND ap " world" => :11
      GET ap => $11|hello world
      APPEND ap "" => :11
      APPEND apnew "" => :0
      EXISTS apnew => :1
      STRLEN ap => :11
      STRLEN none => :0
      SETEX ape 100 x => +OK
      APPEND ape y => :2
      TTL ape => :100
  )");
}

TEST_CASE("strings: GETRANGE SUBSTR SETRANGE") {
  CommandRunner runner;
  runner.value_bytes_max = 512 << 20;
  check_table(runner, R"(
      MSET ap "hello world" apnew "" => +OK
      GETRANGE ap 0 4 => $5|hello
      GETRANGE ap 0 -1 => $11|hello world
      GETRANGE ap -5 -1 => $5|world
      GETRANGE ap -1 -5 => $0|
      GETRANGE ap 5 2 => $0|
      GETRANGE ap 100 200 => $0|
      GETRANGE ap 6 100 => $5|world
      GETRANGE ap -100 3 => $4|hell
      GETRANGE ap -100 -50 => $1|h
      GETRANGE ap x 1 => -ERR value is not an integer or out of range
      GETRANGE ap 1 y => -ERR value is not an integer or out of range
      GETRANGE none 0 -1 => $0|
      GETRANGE none x 1 => -ERR value is not an integer or out of range
      GETRANGE apnew 0 -1 => $0|
      GETRANGE ap 9223372036854775807 9223372036854775807 => $0|
      GETRANGE ap -9223372036854775808 9223372036854775807 => $11|hello world
      SUBSTR ap 0 4 => $5|hello
      SETRANGE ap 6 redis => :11
      GET ap => $11|hello redis
      SETRANGE ap 13 ! => :14
      GET ap => $14|hello redis\x00\x00!
      SETRANGE none 0 "" => :0
      SETRANGE none 5 "" => :0
      EXISTS none => :0
      SETRANGE sr 3 abc => :6
      GET sr => $6|\x00\x00\x00abc
      SETRANGE sr -1 x => -ERR offset is out of range
      SETRANGE sr x x => -ERR value is not an integer or out of range
      SETRANGE sr 536870911 xx => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
      SETRANGE none2 536870912 x => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
      SETRANGE none2 9223372036854775807 x => -ERR string exceeds maximum allowed size (proto-max-bulk-len)
      SETRANGE sr 536870912 "" => :6
      SETRANGE ap 3 "" => :14
  )");
}

TEST_CASE("strings: numbers") {
  CommandRunner runner;
  runner.value_bytes_max = 512 << 20;
  check_table(runner, R"(
      INCR i => :1
      INCR i => :2
      DECR i => :1
      INCRBY i 10 => :11
      DECRBY i 20 => :-9
      INCRBY i -5 => :-14
      INCRBY i x => -ERR value is not an integer or out of range
      INCRBY i 1.5 => -ERR value is not an integer or out of range
      DECRBY i -9223372036854775808 => -ERR decrement would overflow
      INCRBY i -9223372036854775808 => -ERR increment or decrement would overflow
      SET i 9223372036854775807 => +OK
      INCR i => -ERR increment or decrement would overflow
      DECR i => :9223372036854775806
      SET i -9223372036854775808 => +OK
      DECR i => -ERR increment or decrement would overflow
      DECRBY i 1 => -ERR increment or decrement would overflow
      DECRBY i 9223372036854775807 => -ERR increment or decrement would overflow
      INCRBY i 9223372036854775807 => :-1
      SET i " 1" => +OK
      INCR i => -ERR value is not an integer or out of range
      SET i 01 => +OK
      INCR i => -ERR value is not an integer or out of range
      SET i "" => +OK
      INCR i => -ERR value is not an integer or out of range
      SET i abc => +OK
      INCR i => -ERR value is not an integer or out of range
      SET i 99999999999999999999 => +OK
      INCR i => -ERR value is not an integer or out of range
      SETEX i 100 5 => +OK
      INCR i => :6
      TTL i => :100
      INCRBYFLOAT f 1.5 => $3|1.5
      INCRBYFLOAT f 1.5 => $1|3
      INCRBYFLOAT f 0.1 => $3|3.1
      INCRBYFLOAT f -3.1 => $1|0
      INCRBYFLOAT f 5e3 => $4|5000
      INCRBYFLOAT f x => -ERR value is not a valid float
      INCRBYFLOAT f "" => -ERR value is not a valid float
      INCRBYFLOAT f " 1" => -ERR value is not a valid float
      INCRBYFLOAT f inf => -ERR increment would produce NaN or Infinity
      INCRBYFLOAT f nan => -ERR value is not a valid float
      INCRBYFLOAT f 0x10 => $4|5016
      SET f abc => +OK
      INCRBYFLOAT f 1 => -ERR value is not a valid float
      SET f 3.0e3 => +OK
      INCRBYFLOAT f 200 => $4|3200
      SET f 1 => +OK
      INCRBYFLOAT f 1.00000000000000000001 => $1|2
      SETEX f 100 1 => +OK
      INCRBYFLOAT f 0.25 => $4|1.25
      TTL f => :100
  )");
}

TEST_CASE("strings: LCS") {
  CommandRunner runner;
  runner.value_bytes_max = 512 << 20;
  check_table(runner, R"(
      MSET k1 ohmytext k2 mynewtext => +OK
      LCS k1 k2 => $6|mytext
      LCS k1 k2 LEN => :6
      LCS k1 k2 IDX => *4|$7|matches|*2|*2|*2|:4|:7|*2|:5|:8|*2|*2|:2|:3|*2|:0|:1|$3|len|:6
      LCS k1 k2 IDX MINMATCHLEN 4 => *4|$7|matches|*1|*2|*2|:4|:7|*2|:5|:8|$3|len|:6
      LCS k1 k2 IDX MINMATCHLEN 4 WITHMATCHLEN => *4|$7|matches|*1|*3|*2|:4|:7|*2|:5|:8|:4|$3|len|:6
      LCS k1 k2 IDX WITHMATCHLEN MINMATCHLEN -3 => *4|$7|matches|*2|*3|*2|:4|:7|*2|:5|:8|:4|*3|*2|:2|:3|*2|:0|:1|:2|$3|len|:6
      LCS k1 k2 IDX LEN => -ERR If you want both the length and indexes, please just use IDX.
      LCS k1 k2 FOO => -ERR syntax error
      LCS k1 k2 MINMATCHLEN => -ERR syntax error
      LCS k1 k2 MINMATCHLEN x => -ERR value is not an integer or out of range
      LCS k1 none => $0|
      LCS k1 none LEN => :0
      LCS none none2 IDX => *4|$7|matches|*0|$3|len|:0
      LCS k1 k1 IDX => *4|$7|matches|*1|*2|*2|:0|:7|*2|:0|:7|$3|len|:8
      LCS k1 => -ERR wrong number of arguments for 'lcs' command
      MSET k1 abcbdab k2 bdcaba => +OK
      LCS k1 k2 => $4|bdab
      LCS k1 k2 IDX WITHMATCHLEN => *4|$7|matches|*2|*3|*2|:5|:6|*2|:3|:4|:2|*3|*2|:3|:4|*2|:0|:1|:2|$3|len|:4
      MSET k1 ababab k2 bababa => +OK
      LCS k1 k2 IDX => *4|$7|matches|*1|*2|*2|:1|:5|*2|:0|:4|$3|len|:5
      MSET k1 xaxbxc k2 aybycy => +OK
      LCS k1 k2 IDX => *4|$7|matches|*3|*2|*2|:5|:5|*2|:4|:4|*2|*2|:3|:3|*2|:2|:2|*2|*2|:1|:1|*2|:0|:0|$3|len|:3
      @resp 3
      LCS k1 k2 IDX WITHMATCHLEN => %2|$7|matches|*3|*3|*2|:5|:5|*2|:4|:4|:1|*3|*2|:3|:3|*2|:2|:2|:1|*3|*2|:1|:1|*2|:0|:0|:1|$3|len|:3
      GET nothing => _
      MGET nothing k1 => *2|_|$6|xaxbxc
      SET q 1 NX GET => _
      GETEX nothing => _
      @resp 2
  )");
}

}  // namespace sett::server::test
