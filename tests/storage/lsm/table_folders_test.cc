#include "storage/lsm/table_folders.h"

#include <catch2/catch.hpp>

#include "storage/io/simulated_file_system.h"
#include "storage/keys/time_index.h"

using namespace sett::storage;
using Paths = std::map<uint64_t, std::string>;

TEST_CASE("new tables go to one folder, or to one for each bucket") {
  const BucketId bucket = make_bucket_id(2, 7);
  CHECK(table_folder("/db/tables", false, tree_key(bucket, "k")) == "/db/tables");
  CHECK(table_folder("/db/tables", true, tree_key(bucket, "k")) == "/db/tables/" + std::to_string(bucket));
  CHECK(table_folder("/db/tables", true, time_index_key(1000, tree_key(bucket, "k"))) == "/db/tables/time_index");
}

TEST_CASE("tables are found wherever an earlier setting has put them") {
  SimulatedFileSystem files;
  CHECK(find_tables(files, "/db/tables").value().paths.empty());
  for (const char* folder : {"/db/tables/131079", "/db/tables/time_index", "/db/tables/else"})
    REQUIRE(files.create_directories(folder));
  for (const char* path :
       {"1.table", "131079/2.table", "time_index/12.table", "else/3.table", "x.table", "4.table.tmp", "131079/5.vlog"})
    REQUIRE(files.create(join_path("/db/tables", path)));
  const FoundTables found = find_tables(files, "/db/tables").value();
  CHECK(found.paths ==
        Paths{{1, "/db/tables/1.table"}, {2, "/db/tables/131079/2.table"}, {12, "/db/tables/time_index/12.table"}});
  CHECK(found.folders == std::vector<std::string>{"/db/tables/131079", "/db/tables/time_index"});
}
