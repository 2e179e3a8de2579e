#include "storage/vlog/vlog_writer.h"

#include <catch2/catch.hpp>

#include "storage/io/simulated_file_system.h"
#include "storage/vlog/vlog_reader.h"

namespace sett::storage {

TEST_CASE("after a power cut the values that were synced are there") {
  for (const CrashPolicy policy : crash_policies) {
    SimulatedFileSystem files;
    auto writer = VlogWriter::begin(files.create("/v").value(), 1, 2).value();
    REQUIRE(files.sync_directory("/").is_ok());
    const std::string value(10000, 'v');
    const uint64_t first = writer->append("bucket:8a", value, 1).value();
    REQUIRE(writer->sync().is_ok());
    REQUIRE(writer->append("bucket:8b", value, 2).is_ok());
    const auto after = files.crash(policy, 1);
    const auto reader = VlogReader::open(*after, "/v", 1);
    REQUIRE(reader.is_ok());
    CHECK(reader.value()->read(first, "bucket:8a", value.size()).value() == value);
  }
}

TEST_CASE("a failing call of the value log says so") {
  uint64_t nth = 1;
  for (;; ++nth) {
    SimulatedFileSystem files;
    auto file = files.create("/v").value();
    files.inject({.call = {}, .nth = nth});
    auto writer = VlogWriter::begin(std::move(file), 1, 2);
    if (!writer.is_ok()) continue;
    if (!writer.value()->append("bucket:8k", "value", 1).is_ok()) continue;
    if (!writer.value()->seal().is_ok()) continue;
    break;
  }
  CHECK(nth == 6);  // header, two parts of the record, trim, sync: each was seen
}

TEST_CASE("names of value logs sort as their numbers do") {
  CHECK(vlog_file_name(12) == "00000000000000000012.vlog");
  CHECK(vlog_file_name(9) < vlog_file_name(10));
}

}  // namespace sett::storage
