// What a start refuses before anything is changed.
#include <catch2/catch.hpp>

#include "tests/support/engine_harness.h"

using namespace sett::storage;
using Outcome = EngineHarness::Outcome;

TEST_CASE("badger: a start without a value log that the manifest names is refused, and the log keeps its records",
          "[badger][recovery]") {
  EngineOptions options;
  options.engine = "badger";
  EngineHarness with(options);
  REQUIRE(with.open());
  REQUIRE(with.put("0", "large", std::string(500, 'x')) == Outcome::committed);
  REQUIRE(with.snapshot());
  // Not flushed, and not known to be synced: these point into the same file, or follow what does.
  REQUIRE(with.put("0", "more", std::string(500, 'y')) == Outcome::committed);
  REQUIRE(with.put("0", "small", "z") == Outcome::committed);
  with.executor.run_ready();
  with.kill();
  const auto names = with.files->list("/db/values").value();
  REQUIRE(names.size() == 1);
  const std::string path = "/db/values/" + names.front();
  REQUIRE(with.files->rename(path, "/db/away"));
  const Status refused = with.open();
  REQUIRE(refused.kind() == ErrorKind::corruption);
  REQUIRE(refused.file() == path);
  with.kill();
  REQUIRE(with.files->rename("/db/away", path));
  REQUIRE(with.open());
  REQUIRE(with.get("0", "large") == std::string(500, 'x'));
  REQUIRE(with.get("0", "more") == std::string(500, 'y'));
  REQUIRE(with.get("0", "small") == "z");
}

TEST_CASE("badger: a start without a table that the manifest names is refused", "[badger][recovery]") {
  const bool by_bucket = GENERATE(false, true);
  EngineOptions options;
  options.engine = "badger";
  options.badger.tables_by_bucket = by_bucket;
  EngineHarness with(options);
  REQUIRE(with.open());
  REQUIRE(with.put("0", "key", "value") == Outcome::committed);
  REQUIRE(with.snapshot());
  REQUIRE(with.close());
  std::string folder = "/db/tables";
  if (by_bucket) folder += "/" + with.files->list(folder).value().front();
  const auto names = with.files->list(folder).value();
  REQUIRE(names.size() == 1);
  const std::string path = folder + "/" + names.front();
  REQUIRE(with.files->rename(path, "/db/away"));
  const Status refused = with.open();
  REQUIRE(refused.kind() == ErrorKind::corruption);
  REQUIRE(refused.file().ends_with(names.front()));
  with.gone();
  REQUIRE(with.files->rename("/db/away", path));
  REQUIRE(with.open());
  REQUIRE(with.get("0", "key") == "value");
}
