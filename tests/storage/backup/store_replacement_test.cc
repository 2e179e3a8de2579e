#include "storage/backup/store_replacement.h"

#include <catch2/catch.hpp>

#include "storage/io/simulated_file_system.h"

namespace sett::storage {

TEST_CASE("a store whose restore or repair has not ended is not to be opened", "[backup]") {
  for (const std::string name : {"RESTORING", "REPAIRING", "REPAIR_MOVES_IN"}) {
    INFO(name);
    SimulatedFileSystem files;
    REQUIRE(files.create_directories("/db"));
    CHECK(check_replaced(files, "/db"));
    REQUIRE(files.create("/db/" + name));
    const Status refused = check_replaced(files, "/db");
    CHECK(refused.kind() == ErrorKind::corruption);
    const std::string command = name == "RESTORING" ? "settd restore" : "settd repair";
    CHECK(refused.to_string().find(command) != std::string::npos);
  }
}

}  // namespace sett::storage
