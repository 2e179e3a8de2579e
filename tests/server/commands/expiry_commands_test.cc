#include <catch2/catch.hpp>

#include "tests/server/command_runner.h"

namespace sett::server::test {

TEST_CASE("expiry: EXPIRE and its options") {
  CommandRunner runner;
  runner.value_bytes_max = 512 << 20;
  check_table(runner, R"(
      EXPIRE none 10 => :0
      SET a 1 => +OK
      EXPIRE a 100 => :1
      TTL a => :100
      EXPIRE a 100 NX => :0
      EXPIRE a 200 XX => :1
      TTL a => :200
      EXPIRE a 100 GT => :0
      EXPIRE a 300 GT => :1
      TTL a => :300
      EXPIRE a 400 LT => :0
      EXPIRE a 200 LT => :1
      TTL a => :200
      PERSIST a => :1
      PERSIST a => :0
      TTL a => :-1
      EXPIRE a 100 XX => :0
      EXPIRE a 100 GT => :0
      EXPIRE a 100 LT => :1
      PERSIST a => :1
      EXPIRE a 100 NX => :1
      PERSIST none => :0
      EXPIRE a 100 NX XX => -ERR NX and XX, GT or LT options at the same time are not compatible
      EXPIRE a 100 NX GT => -ERR NX and XX, GT or LT options at the same time are not compatible
      EXPIRE a 100 NX LT => -ERR NX and XX, GT or LT options at the same time are not compatible
      EXPIRE a 100 GT LT => -ERR GT and LT options at the same time are not compatible
      EXPIRE a 150 XX GT => :1
      TTL a => :150
      EXPIRE a 100 XX LT => :1
      TTL a => :100
      EXPIRE a 100 FOO => -ERR Unsupported option FOO
      EXPIRE a x FOO => -ERR Unsupported option FOO
      EXPIRE a x => -ERR value is not an integer or out of range
      EXPIRE a 1.5 => -ERR value is not an integer or out of range
      EXPIRE a => -ERR wrong number of arguments for 'expire' command
      EXPIRE none 100 NX GT => -ERR NX and XX, GT or LT options at the same time are not compatible
      EXPIRE none x => -ERR value is not an integer or out of range
      EXPIRE a 9223372036854775807 => -ERR invalid expire time in 'expire' command
      EXPIRE a 9223372036854775 => -ERR invalid expire time in 'expire' command
      EXPIRE a -9223372036854775808 => -ERR invalid expire time in 'expire' command
      EXPIRE a 9223372036854776 => -ERR invalid expire time in 'expire' command
      PEXPIRE a 9223372036854775807 => -ERR invalid expire time in 'pexpire' command
      PEXPIREAT a 9223372036854775807 => :1
      PEXPIRETIME a => :9223372036854775807
      EXPIREAT a 9223372036854775807 => -ERR invalid expire time in 'expireat' command
      EXPIREAT a 9223372036854775 => :1
      EXPIREAT a 4102444800 => :1
      EXPIRETIME a => :4102444800
      PEXPIRETIME a => :4102444800000
      PEXPIREAT a 4102444800500 => :1
      EXPIRETIME a => :4102444801
      PEXPIREAT a 4102444800499 => :1
      EXPIRETIME a => :4102444800
      PEXPIRE a 100000 => :1
      TTL a => :100
      EXPIRE a 0 => :1
      EXISTS a => :0
      SET a 1 => +OK
      EXPIRE a -1 => :1
      EXISTS a => :0
      SET a 1 => +OK
      PEXPIREAT a 0 => :1
      EXISTS a => :0
      SET a 1 => +OK
      EXPIREAT a -5 => :1
      EXISTS a => :0
      SET a 1 => +OK
      EXPIRE a -1 GT => :0
      EXISTS a => :1
      EXPIRE a -1 LT => :1
      EXISTS a => :0
      TTL none => :-2
      PTTL none => :-2
      EXPIRETIME none => :-2
      PEXPIRETIME none => :-2
      SET a 1 => +OK
      PTTL a => :-1
      EXPIRETIME a => :-1
      PEXPIRETIME a => :-1
  )");
}

}  // namespace sett::server::test
