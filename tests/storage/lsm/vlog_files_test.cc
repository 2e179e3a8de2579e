#include "storage/lsm/vlog_files.h"

#include <catch2/catch.hpp>

#include "storage/io/simulated_file_system.h"
#include "storage/vlog/vlog_writer.h"

namespace sett::storage {

TEST_CASE("a value log is opened once, and again only after it was forgotten") {
  SimulatedFileSystem files;
  REQUIRE(files.create_directories("/db").is_ok());
  auto writer = VlogWriter::begin(files.create("/db/00000000000000000005.vlog").value(), 5, 1).value();
  const uint64_t offset = writer->append("bucket:8k", "value", 1).value();
  VlogFiles value_logs(files, "/db");
  files.inject({.call = SimulatedFileSystem::Call::read});
  CHECK(value_logs.open(5).status().kind() == ErrorKind::io);
  const auto reader = value_logs.open(5).value();
  CHECK(reader->read(offset, "bucket:8k", 5).value() == "value");
  files.inject({.call = SimulatedFileSystem::Call::read, .persistent = true});
  CHECK(value_logs.open(5).value() == reader);
  value_logs.forget(5);
  value_logs.forget(6);
  CHECK(value_logs.open(5).status().kind() == ErrorKind::io);
  files.clear_faults();
  CHECK(reader->read(offset, "bucket:8k", 5).value() == "value");
  CHECK(value_logs.open(5).value() != reader);
  CHECK(value_logs.open(6).status().kind() == ErrorKind::not_found);
}

}  // namespace sett::storage
