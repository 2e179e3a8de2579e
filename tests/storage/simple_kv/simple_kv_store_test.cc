#include "storage/simple_kv/simple_kv_store.h"

#include <catch2/catch.hpp>

#include "tests/support/engine_harness.h"

using namespace sett::storage;

TEST_CASE("what open refuses", "[simple_kv]") {
  EngineOptions options;
  options.engine = "simple_kv";
  SECTION("a hash that nobody knows") {
    options.kv.hash = "md5";
    EngineHarness with(options);
    const auto status = with.open();
    REQUIRE(status.kind() == ErrorKind::invalid_argument);
    REQUIRE(status.message().find("xxh3, fnv1a, crc16") != std::string::npos);
  }
  SECTION("an absurd number of shards") {
    options.kv.shards = 5000;
    EngineHarness with(options);
    REQUIRE(with.open().message().find("1 to 1024") != std::string::npos);
  }
  SECTION("a folder that is in use") {
    EngineHarness with(options);
    REQUIRE(with.open());
    REQUIRE(open_simple_kv(*with.files, with.executor, with.clock, options.kv, nullptr).status().kind() ==
            ErrorKind::busy);
  }
  SECTION("a log that is missing behind a snapshot") {
    EngineHarness with(options);
    REQUIRE(with.open());
    with.put("0", "k", "v");
    REQUIRE(with.snapshot());
    REQUIRE(with.close());
    const auto names = with.files->list("/db/wal");
    for (const auto& name : names.value()) REQUIRE(with.files->remove("/db/wal/" + name));
    REQUIRE(with.open().kind() == ErrorKind::corruption);
  }
}
