#include <catch2/catch.hpp>

#include "tests/server/command_runner.h"

namespace sett::server::test {

TEST_CASE("bitmaps: SETBIT GETBIT") {
  CommandRunner runner;
  runner.value_bytes_max = 512 << 20;
  check_table(runner, R"(
      SETBIT b 7 1 => :0
      GET b => $1|\x01
      SETBIT b 7 1 => :1
      SETBIT b 7 0 => :1
      SETBIT b 100 1 => :0
      STRLEN b => :13
      GETBIT b 100 => :1
      GETBIT b 101 => :0
      GETBIT b 10000 => :0
      GETBIT none 1 => :0
      SETBIT b -1 1 => -ERR bit offset is not an integer or out of range
      SETBIT b x 1 => -ERR bit offset is not an integer or out of range
      SETBIT b 1 2 => -ERR bit is not an integer or out of range
      SETBIT b 1 x => -ERR bit is not an integer or out of range
      SETBIT b 4294967296 1 => -ERR bit offset is not an integer or out of range
      SETBIT b x 2 => -ERR bit offset is not an integer or out of range
      GETBIT b -1 => -ERR bit offset is not an integer or out of range
      GETBIT b 4294967296 => -ERR bit offset is not an integer or out of range
      SETBIT z 20 0 => :0
      GET z => $3|\x00\x00\x00
      SETEX e 100 a => +OK
      SETBIT e 6 1 => :0
      GET e => $1|c
      TTL e => :100
  )");
}

TEST_CASE("bitmaps: BITCOUNT") {
  CommandRunner runner;
  runner.value_bytes_max = 512 << 20;
  check_table(runner, R"(
      SET k foobar => +OK
      BITCOUNT k => :26
      BITCOUNT k 0 0 => :4
      BITCOUNT k 1 1 => :6
      BITCOUNT k 0 -1 => :26
      BITCOUNT k -2 -1 => :7
      BITCOUNT k -1 -2 => :0
      BITCOUNT k 5 30 BIT => :17
      BITCOUNT k 5 6 BIT => :2
      BITCOUNT k 5 5 BIT => :1
      BITCOUNT k -8 -1 BIT => :4
      BITCOUNT k -9 -2 bit => :5
      BITCOUNT k 0 1000 BIT => :26
      BITCOUNT k 1 1 BYTE => :6
      BITCOUNT k 100 200 => :0
      BITCOUNT k -100 0 => :4
      BITCOUNT k 0 => -ERR syntax error
      BITCOUNT k 0 x => -ERR value is not an integer or out of range
      BITCOUNT k x 0 => -ERR value is not an integer or out of range
      BITCOUNT k 0 1 FOO => -ERR syntax error
      BITCOUNT k 0 1 BIT 1 => -ERR syntax error
      BITCOUNT none => :0
      BITCOUNT none 0 -1 => :0
      SET long "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff" => +OK
      BITCOUNT long => :200
      BITCOUNT long 3 190 BIT => :188
      BITCOUNT long 1 -2 => :184
      SET empty "" => +OK
      BITCOUNT empty => :0
      BITCOUNT empty 0 -1 => :0
  )");
}

TEST_CASE("bitmaps: BITPOS") {
  CommandRunner runner;
  runner.value_bytes_max = 512 << 20;
  check_table(runner, R"(
      SET p "\xff\xf0\x00" => +OK
      BITPOS p 0 => :12
      BITPOS p 1 => :0
      BITPOS p 1 2 => :-1
      BITPOS p 1 1 => :8
      BITPOS p 0 0 0 => :-1
      BITPOS p 0 0 -1 => :12
      BITPOS p 0 2 2 BYTE => :16
      BITPOS p 1 7 15 BIT => :7
      BITPOS p 0 7 11 BIT => :-1
      BITPOS p 0 7 12 BIT => :12
      BITPOS p 1 12 -1 BIT => :-1
      BITPOS p 0 -3 -1 BIT => :21
      BITPOS p 0 5 3 => :-1
      BITPOS p 1 -1 -2 => :-1
      BITPOS p 1 -50 -60 => :0
      BITCOUNT p -50 -60 => :0
      BITPOS p 1 100 => :-1
      BITPOS p 2 => -ERR The bit argument must be 1 or 0.
      BITPOS p x => -ERR value is not an integer or out of range
      BITPOS p 1 x => -ERR value is not an integer or out of range
      BITPOS p 1 1 x => -ERR value is not an integer or out of range
      BITPOS p 1 1 2 FOO => -ERR syntax error
      BITPOS p 1 1 2 BIT 3 => -ERR syntax error
      BITPOS p 1 x 2 FOO => -ERR value is not an integer or out of range
      BITPOS p 1 1 x FOO => -ERR syntax error
      BITPOS none 0 => :0
      BITPOS none 1 => :-1
      BITPOS none 0 5 10 => :0
      SET ones "\xff\xff\xff" => +OK
      BITPOS ones 0 => :24
      BITPOS ones 0 0 => :24
      BITPOS ones 0 0 -1 => :-1
      BITPOS ones 0 1 2 => :-1
      BITPOS ones 0 3 => :-1
      SET far "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10" => +OK
      BITPOS far 1 => :187
      BITPOS far 1 1 => :187
      BITPOS far 1 3 187 BIT => :187
      BITPOS far 1 3 186 BIT => :-1
      SET empty "" => +OK
      BITPOS empty 0 => :-1
      BITPOS empty 1 => :-1
      BITPOS empty 0 0 => :-1
  )");
}

TEST_CASE("bitmaps: BITOP") {
  CommandRunner runner;
  runner.value_bytes_max = 512 << 20;
  check_table(runner, R"(
      MSET a "\xff\x0f\x01" b "\x0f\xff" empty "" => +OK
      BITOP AND d a b => :3
      GET d => $3|\x0f\x0f\x00
      BITOP OR d a b => :3
      GET d => $3|\xff\xff\x01
      BITOP XOR d a b => :3
      GET d => $3|\xf0\xf0\x01
      BITOP NOT d a => :3
      GET d => $3|\x00\xf0\xfe
      BITOP and d a none => :3
      GET d => $3|\x00\x00\x00
      BITOP AND d none => :0
      EXISTS d => :0
      BITOP OR d a a b none => :3
      GET d => $3|\xff\xff\x01
      BITOP NOT d none => :0
      EXISTS d => :0
      BITOP OR d empty => :0
      EXISTS d => :0
      BITOP NOT d a b => -ERR BITOP NOT must be called with a single source key.
      BITOP FOO d a => -ERR syntax error
      BITOP AND d => -ERR wrong number of arguments for 'bitop' command
      BITOP NOT a a => :3
      GET a => $3|\x00\xf0\xfe
      SETEX d 100 x => +OK
      BITOP AND d a b => :3
      TTL d => :-1
  )");
}

TEST_CASE("bitmaps: BITFIELD") {
  CommandRunner runner;
  runner.value_bytes_max = 512 << 20;
  check_table(runner, R"(
      BITFIELD f SET u8 0 255 GET u8 0 INCRBY u8 0 10 => *3|:0|:255|:9
      BITFIELD f OVERFLOW SAT INCRBY u8 0 255 OVERFLOW FAIL INCRBY u8 0 1 OVERFLOW WRAP INCRBY u8 0 1 => *3|:255|$-1|:0
      BITFIELD f SET i8 0 -1 GET i8 0 GET u8 0 GET u4 4 => *4|:0|:-1|:255|:15
      BITFIELD f SET i5 100 -16 INCRBY i5 100 -1 GET i5 100 => *3|:0|:15|:15
      BITFIELD f OVERFLOW SAT SET i5 100 -100 INCRBY i5 100 -100 GET i5 100 SET i5 100 100 GET i5 100 => *5|:15|:-16|:-16|:-16|:15
      BITFIELD f OVERFLOW FAIL SET i5 100 100 SET u8 0 -1 SET u8 0 256 SET i8 0 127 => *4|$-1|$-1|$-1|:-1
      BITFIELD f OVERFLOW SAT SET u8 0 -1 GET u8 0 => *2|:127|:255
      BITFIELD f SET u8 0 -1 GET u8 0 SET u8 0 257 GET u8 0 => *4|:255|:255|:255|:1
      BITFIELD f SET i64 3 9223372036854775807 INCRBY i64 3 1 OVERFLOW SAT INCRBY i64 3 -1 INCRBY i64 3 -9223372036854775808 => *4|:576460752303423488|:-9223372036854775808|:-9223372036854775808|:-9223372036854775808
      BITFIELD f SET u63 #2 9223372036854775807 INCRBY u63 #2 1 GET u63 #2 => *3|:0|:0|:0
      BITFIELD low OVERFLOW SAT SET i32 1 -9223372036854775808 GET i32 1 SET i32 1 -9223372034707292161 GET i32 1 => *4|:0|:2147483647|:2147483647|:2147483647
      BITFIELD low OVERFLOW SAT SET i32 1 -9223372034707292160 GET i32 1 SET i64 0 -9223372036854775808 GET i64 0 => *4|:2147483647|:-2147483648|:4611686018427387904|:-9223372036854775808
      BITFIELD f OVERFLOW SAT INCRBY u63 #2 -1 INCRBY u63 #2 -100 => *2|:0|:0
      BITFIELD f SET u1 #20 1 GET u1 20 GET u1 #20 GET u2 #10 => *4|:0|:1|:1|:2
      GET f => $24|\x10\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x07\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00
      BITFIELD f => *0
      BITFIELD none => *0
      EXISTS none => :0
      BITFIELD none GET u8 0 => *1|:0
      EXISTS none => :0
      BITFIELD none GET i64 1000 => *1|:0
      BITFIELD f OVERFLOW FOO => -ERR Invalid OVERFLOW type specified
      BITFIELD f OVERFLOW => -ERR syntax error
      BITFIELD f OVERFLOW SAT => *0
      BITFIELD f FOO => -ERR syntax error
      BITFIELD f GET u8 => -ERR syntax error
      BITFIELD f SET u8 0 => -ERR syntax error
      BITFIELD f INCRBY u8 0 => -ERR syntax error
      BITFIELD f GET u64 0 => -ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
      BITFIELD f GET u0 0 => -ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
      BITFIELD f GET i65 0 => -ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
      BITFIELD f GET x8 0 => -ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
      BITFIELD f GET u 0 => -ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.
      BITFIELD f GET u8 -1 => -ERR bit offset is not an integer or out of range
      BITFIELD f GET u8 x => -ERR bit offset is not an integer or out of range
      BITFIELD f GET u8 # => -ERR bit offset is not an integer or out of range
      BITFIELD f GET u8 #-1 => -ERR bit offset is not an integer or out of range
      BITFIELD f GET u8 4294967296 => -ERR bit offset is not an integer or out of range
      BITFIELD f GET u8 4294967295 => *1|:0
      BITFIELD f GET i64 #9223372036854775807 => -ERR bit offset is not an integer or out of range
      BITFIELD f SET u8 0 x => -ERR value is not an integer or out of range
      BITFIELD f INCRBY u8 0 x => -ERR value is not an integer or out of range
      BITFIELD f GET u8 0 SET u8 0 x => -ERR value is not an integer or out of range
      BITFIELD fails OVERFLOW FAIL SET u8 80 256 => *1|$-1
      STRLEN fails => :11
      BITFIELD gaps SET u8 0 1 SET u8 160 2 SET u8 16 3 SET u8 800 4 => *4|:0|:0|:0|:0
      STRLEN gaps => :101
      BITFIELD gaps GET u8 0 GET u8 160 GET u8 16 GET u8 800 => *4|:1|:2|:3|:4
      BITFIELD_RO f GET u8 0 GET i4 #1 => *2|:16|:0
      BITFIELD_RO none GET u8 0 => *1|:0
      BITFIELD_RO f SET u8 0 1 => -ERR BITFIELD_RO only supports the GET subcommand
      BITFIELD_RO f GET u8 0 INCRBY u8 0 1 => -ERR BITFIELD_RO only supports the GET subcommand
      BITFIELD_RO f OVERFLOW SAT => *0
      BITFIELD_RO f OVERFLOW SAT GET u8 0 => *1|:16
      BITFIELD_RO f => *0
      BITFIELD_RO f FOO => -ERR syntax error
      SETEX t 100 a => +OK
      BITFIELD t SET u8 0 98 => *1|:97
      TTL t => :100
      GET t => $1|b
      @resp 3
      BITFIELD f OVERFLOW FAIL SET u8 0 256 => *1|_
      @resp 2
  )");
}

TEST_CASE("bitmaps: arguments are checked before the key, as in Redis 7.2") {
  CommandRunner runner;
  check_table(runner, R"(
      BITCOUNT none x 0 => -ERR value is not an integer or out of range
      BITCOUNT none 0 x => -ERR value is not an integer or out of range
      BITCOUNT none 0 1 FOO => -ERR syntax error
      BITCOUNT none 0 => -ERR syntax error
      BITPOS none 1 x => -ERR value is not an integer or out of range
      BITPOS none 1 0 x => -ERR value is not an integer or out of range
      BITPOS none 1 0 1 FOO => -ERR syntax error
      BITPOS none 1 0 1 BIT 2 => -ERR syntax error
  )");
}

}  // namespace sett::server::test
