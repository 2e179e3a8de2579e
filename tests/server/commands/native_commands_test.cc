#include <catch2/catch.hpp>

#include "storage/lz4_frame.h"
#include "tests/server/command_runner.h"

namespace sett::server::test {

TEST_CASE("native: KV.SET KV.GET KV.EXISTS KV.DEL KV.TTL") {
  CommandRunner runner;
  check_table(runner, R"(
      KV.GET b k => $-1
      KV.EXISTS b k => :0
      KV.DEL b k => :0
      KV.TTL b k => :-2
      KV.SET b k v => +OK
      KV.GET b k => $1|v
      KV.GET c k => $-1
      GET k => $-1
      KV.EXISTS b k => :1
      KV.TTL b k => :-1
      @select b
      GET k => $1|v
      @select 0
      kv.set b k w px 1500 => +OK
      KV.TTL b k => :1500
      @sleep 1499
      KV.TTL b k => :1
      @sleep 1
      KV.TTL b k => :-2
      KV.GET b k => $-1
      KV.SET b k v PX 100 => +OK
      KV.SET b k v PX 0 => +OK
      KV.TTL b k => :-1
      KV.SET b k x PX -1 => -ERR PX must not be negative: milliseconds from now on, or 0 for no expiry
      KV.SET b k x PX y => -ERR value is not an integer or out of range
      KV.SET b k x PX 9223372036854775807 => -ERR invalid expire time in 'kv.set' command
      KV.SET b k x PX => -ERR syntax error
      KV.SET b k x EX 1 => -ERR syntax error
      KV.SET b k x PX 1 PX 1 => -ERR syntax error
      KV.GET b k => $1|v
      KV.DEL b k => :1
      KV.EXISTS b k => :0
      KV.SET b k => -ERR wrong number of arguments for 'kv.set' command
      KV.GET b => -ERR wrong number of arguments for 'kv.get' command
      KV.SET "" k v => -ERR invalid bucket name: it must have 1 to 255 bytes
      KV.GET "" k => -ERR invalid bucket name: it must have 1 to 255 bytes
      KV.SET b "" v => -ERR invalid key: it must have 1 to 65535 bytes
      KV.SET "any \x00\xff name" k v => +OK
      KV.GET "any \x00\xff name" k => $1|v
      KV.SET b k "" => +OK
      KV.GET b k => $0|
      KV.SET "a" "b,c" 1 => +OK
      KV.GET "a,b" "c" => $-1
      @resp 3
      KV.GET b none => _
  )");
  CHECK(readable(runner.run({"KV.SET", std::string(255, 'n'), std::string(65535, 'k'), "v"})) == "+OK");
  CHECK(readable(runner.run({"KV.SET", std::string(256, 'n'), "k", "v"})) ==
        "-ERR invalid bucket name: it must have 1 to 255 bytes");
  CHECK(readable(runner.run({"KV.SET", "b", std::string(65536, 'k'), "v"})) ==
        "-ERR invalid key: it must have 1 to 65535 bytes");
}

TEST_CASE("native: batches give a result for each key and count the successes") {
  CommandRunner runner;
  check_table(runner, R"(
      KV.MSET b k1 v1 "" v2 k3 v3 => *2|:2|*3|+OK|-ERR invalid key: it must have 1 to 65535 bytes|+OK
      KV.MGET b k1 k2 "" k3 => *2|:2|*4|$2|v1|$-1|-ERR invalid key: it must have 1 to 65535 bytes|$2|v3
      KV.MDEL b k1 k1 "" k2 => *2|:1|*4|:1|:0|-ERR invalid key: it must have 1 to 65535 bytes|:0
      KV.MGET b k1 k3 => *2|:1|*2|$-1|$2|v3
      KV.MSET b k v k w => *2|:2|*2|+OK|+OK
      KV.GET b k => $1|w
      KV.MSET b k => -ERR wrong number of arguments for 'kv.mset' command
      KV.MSET b k v l => -ERR wrong number of arguments for 'kv.mset' command
      KV.MSET "" k v => -ERR invalid bucket name: it must have 1 to 255 bytes
      KV.MGET "" k => -ERR invalid bucket name: it must have 1 to 255 bytes
      KV.MDEL "" k => -ERR invalid bucket name: it must have 1 to 255 bytes
      KV.MGET none k => *2|:0|*1|$-1
      @resp 3
      KV.MGET b k none => *2|:1|*2|$1|w|_
  )");
  runner.value_bytes_max = 4;
  CHECK(readable(runner.run(split_line("KV.MSET b small 1234 big 12345"))) ==
        "*2|:1|*2|+OK|-ERR string exceeds maximum allowed size (proto-max-bulk-len)");
  CHECK(runner.contents().count({"b", "big"}) == 0);
}

TEST_CASE("native: KV.LIST and KV.COUNT") {
  CommandRunner runner;
  check_table(runner, R"(
      KV.LIST none "" => *2|$1|0|*0
      KV.COUNT none "" => :0
      KV.COUNT none x => :0
      KV.MSET b user:1 a => *2|:1|*1|+OK
      KV.LIST b "" => *2|$1|0|*1|$6|user:1
      KV.LIST b user: COUNT 100 => *2|$1|0|*1|$6|user:1
      KV.LIST b user: CURSOR 0 COUNT 100 => *2|$1|0|*1|$6|user:1
      KV.LIST b x => *2|$1|0|*0
      KV.LIST b * => *2|$1|0|*0
      KV.COUNT b "" => :1
      KV.COUNT b user => :1
      KV.COUNT b x => :0
      KV.LIST b "" CURSOR x => -ERR invalid cursor
      KV.LIST b "" COUNT x => -ERR value is not an integer or out of range
      KV.LIST b "" COUNT 0 => -ERR syntax error
      KV.LIST b "" FOO 1 => -ERR syntax error
      KV.LIST b "" COUNT => -ERR syntax error
      KV.LIST "" "" => -ERR invalid bucket name: it must have 1 to 255 bytes
      KV.COUNT "" "" => -ERR invalid bucket name: it must have 1 to 255 bytes
  )");
  for (int i = 0; i < 3000; ++i) runner.run({"KV.SET", "b", (i % 3 == 0 ? "user:" : "item:") + std::to_string(i), "v"});
  CHECK(readable(runner.run(split_line("KV.COUNT b \"\""))) == ":3001");
  CHECK(readable(runner.run(split_line("KV.COUNT b item:"))) == ":2000");
  CHECK(readable(runner.run(split_line("KV.LIST b item: COUNT 100000"))).starts_with("*2|$1|0|*2000|"));
}

TEST_CASE("native: compressed values") {
  CommandRunner runner;
  const std::string text(100'000, 'x');
  CHECK(readable(runner.run({"KV.SETCOMPRESSED", "b", "k", text, "PX", "1000"})) == "+OK");
  CHECK(runner.run({"KV.GETCOMPRESSED", "b", "k"}) == "$100000\r\n" + text + "\r\n");
  CHECK(readable(runner.run({"KV.TTL", "b", "k"})) == ":1000");
  const std::string frame = runner.contents().at({"b", "k"}).first;
  CHECK(frame.size() < 1000);
  CHECK(runner.run({"KV.GET", "b", "k"}) == "$" + std::to_string(frame.size()) + "\r\n" + frame + "\r\n");
  CHECK(runner.run({"KV.STRLEN", "b", "k"}).starts_with("-ERR unknown command"));
  runner.value_bytes_max = text.size() - 1;
  CHECK(readable(runner.run({"KV.GETCOMPRESSED", "b", "k"})) ==
        "-ERR the decompressed value exceeds the maximum allowed size (proto-max-bulk-len)");
  runner.value_bytes_max = 10;
  CHECK(readable(runner.run({"KV.SETCOMPRESSED", "b", "k2", "0123456789"})) ==
        "-ERR string exceeds maximum allowed size (proto-max-bulk-len)");
  runner.value_bytes_max = 1 << 20;
  check_table(runner, R"(
      KV.GETCOMPRESSED b none => $-1
      KV.SETCOMPRESSED b empty "" => +OK
      KV.GETCOMPRESSED b empty => $0|
      KV.SETCOMPRESSED b k v PX -1 => -ERR PX must not be negative: milliseconds from now on, or 0 for no expiry
      KV.SETCOMPRESSED "" k v => -ERR invalid bucket name: it must have 1 to 255 bytes
      KV.GETCOMPRESSED b "" => -ERR invalid key: it must have 1 to 65535 bytes
      KV.SET b plain abc => +OK
      KV.GETCOMPRESSED b plain => -ERR the value is not one complete LZ4 frame: too short
      KV.SET b plain "not an lz4 frame at all" => +OK
      KV.GETCOMPRESSED b plain => -ERR the value is not one complete LZ4 frame: ERROR_frameType_unknown
  )");
  runner.selected = "b";
  CHECK(readable(runner.run({"APPEND", "k", "x"})) == ":" + std::to_string(frame.size() + 1));
  CHECK(readable(runner.run({"KV.GETCOMPRESSED", "b", "k"})) ==
        "-ERR the value is not one complete LZ4 frame: something follows the frame");
}

TEST_CASE("native: FILTER") {
  CommandRunner runner;
  check_table(runner, R"(
      FILTER.EXISTS f a => :0
      FILTER.ADD f a => :1
      FILTER.ADD f a => :0
      FILTER.EXISTS f a => :1
      FILTER.CHECKADD f a => :1
      FILTER.CHECKADD f b => :0
      FILTER.CHECKADD f b => :1
      KV.GET f b => $1|0
      KV.TTL f b => :-1
      KV.SET f c value PX 1000 => +OK
      FILTER.ADD f c => :0
      FILTER.CHECKADD f c => :1
      KV.GET f c => $5|value
      KV.TTL f c => :1000
      FILTER.DEL f c => :1
      FILTER.DEL f c => :0
      FILTER.MADD f a d e d "" => *2|:2|*5|:0|:1|:1|:0|-ERR invalid key: it must have 1 to 65535 bytes
      FILTER.MEXISTS f a d x "" => *2|:2|*4|:1|:1|:0|-ERR invalid key: it must have 1 to 65535 bytes
      FILTER.ADD f "" => -ERR invalid key: it must have 1 to 65535 bytes
      FILTER.ADD "" a => -ERR invalid bucket name: it must have 1 to 255 bytes
      FILTER.MADD "" a => -ERR invalid bucket name: it must have 1 to 255 bytes
      FILTER.ADD f => -ERR wrong number of arguments for 'filter.add' command
      FILTER.MADD f => -ERR wrong number of arguments for 'filter.madd' command
  )");
}

TEST_CASE("native: BUCKET") {
  CommandRunner runner;
  check_table(runner, R"(
      BUCKET.LIST => *0
      BUCKET.INFO 0 => -ERR no such bucket
      BUCKET.DROP 0 => :0
      MSET a 1 b 22 => +OK
      KV.SET sessions s 1 PX 1000 => +OK
      KV.SET other k v => +OK
      BUCKET.LIST => *3|$1|0|$8|sessions|$5|other
      GET a => $1|1
      BUCKET.INFO 0 => *12|$4|keys|:2|$5|bytes|:5|$13|expiring_keys|:0|$10|operations|:1|$4|hits|:1|$7|backend|$6|memory
      BUCKET.INFO sessions => *12|$4|keys|:1|$5|bytes|:2|$13|expiring_keys|:1|$10|operations|:0|$4|hits|:0|$7|backend|$6|memory
      BUCKET.INFO other => *12|$4|keys|:1|$5|bytes|:2|$13|expiring_keys|:0|$10|operations|:0|$4|hits|:0|$7|backend|$6|second
      BUCKET.DROP sessions => :1
      BUCKET.DROP sessions => :0
      KV.GET sessions s => $-1
      BUCKET.LIST => *2|$1|0|$5|other
      KV.SET sessions t 1 => +OK
      KV.GET sessions s => $-1
      KV.COUNT sessions "" => :1
      FLUSHDB => +OK
      BUCKET.LIST => *3|$1|0|$8|sessions|$5|other
      FLUSHALL => +OK
      KV.GET other k => $-1
      KV.COUNT sessions "" => :0
      COPY a a DB 1 => :0
      BUCKET.DROP "" => -ERR invalid bucket name: it must have 1 to 255 bytes
      BUCKET.INFO "" => -ERR invalid bucket name: it must have 1 to 255 bytes
      BUCKET.DROP => -ERR wrong number of arguments for 'bucket.drop' command
      BUCKET.LIST x => -ERR wrong number of arguments for 'bucket.list' command
      @resp 3
      BUCKET.INFO other => %6|$4|keys|:0|$5|bytes|:0|$13|expiring_keys|:0|$10|operations|:1|$4|hits|:0|$7|backend|$6|second
  )");
}

}  // namespace sett::server::test
