#include "storage/lsm/table_file.h"

#include <catch2/catch.hpp>

#include "storage/io/simulated_file_system.h"
#include "storage/keys/tree_key.h"
#include "storage/table/table_scanner.h"
#include "storage/table/table_writer.h"

namespace sett::storage {
namespace {

constexpr uint64_t number = 7;

TableMeta write_table(SimulatedFileSystem& files) {
  TableWriter writer(files.create("/t").value(), number, 1, {});
  REQUIRE(writer
              .add(tree_key(65536, "a"),
                   {.kind = TableEntry::Kind::value, .sequence = 4, .expires_at_ms = 5000, .value = "x"})
              .is_ok());
  REQUIRE(writer
              .add(tree_key(65536, "b"), {.kind = TableEntry::Kind::pointer,
                                          .sequence = 9,
                                          .value = {},
                                          .log_file = 3,
                                          .log_offset = 64,
                                          .value_bytes = 100})
              .is_ok());
  REQUIRE(writer.add(tree_key(65536, "c"), {.kind = TableEntry::Kind::tombstone, .sequence = 2, .value = {}}).is_ok());
  REQUIRE(writer.finish().is_ok());
  return table_meta(writer.properties(), number, writer.file_bytes());
}

}  // namespace

TEST_CASE("what the manifest says of a table is what its writer counted") {
  SimulatedFileSystem files;
  const TableMeta meta = write_table(files);
  const bool is_same = meta == TableMeta{.number = number,
                                         .file_bytes = files.content("/t").size(),
                                         .entries = 3,
                                         .tombstones = 1,
                                         .first_sequence = 2,
                                         .last_sequence = 9,
                                         .first_expiry_ms = 5000,
                                         .smallest = tree_key(65536, "a"),
                                         .largest = tree_key(65536, "c"),
                                         .value_bytes_in = {{3, 24 + 9 + 100}}};
  CHECK(is_same);
}

TEST_CASE("a table is opened once, when it is first read, and a failed try may be repeated") {
  SimulatedFileSystem files;
  const auto file = std::make_shared<const TableFile>("/t", write_table(files));
  CHECK(file->find_open() == nullptr);
  const uint64_t closed_bytes = file->memory_bytes();
  files.inject({.call = SimulatedFileSystem::Call::read});
  CHECK(file->open(files).status().kind() == ErrorKind::io);
  CHECK(file->find_open() == nullptr);
  const Table* table = file->open(files).value();
  CHECK(file->find_open() == table);
  CHECK(file->memory_bytes() == closed_bytes + table->memory_bytes());
  files.inject({.call = SimulatedFileSystem::Call::read, .persistent = true});
  CHECK(file->open(files).value() == table);
}

TEST_CASE("an open table that is shared keeps its file object alive") {
  SimulatedFileSystem files;
  auto file = std::make_shared<const TableFile>("/t", write_table(files));
  auto table = open_shared(files, file).value();
  file.reset();
  TableScanner scanner(table);
  REQUIRE(scanner.seek(tree_key(65536, "aa")).is_ok());
  REQUIRE(scanner.valid());
  CHECK(user_key(scanner.key()) == "b");
}

TEST_CASE("a table that is not the one that the manifest tells of is corruption") {
  SimulatedFileSystem files;
  const TableMeta meta = write_table(files);
  TableMeta other = meta;
  ++other.last_sequence;
  const Status status = TableFile("/t", other).open(files).status();
  CHECK(status.kind() == ErrorKind::corruption);
  CHECK(status.file() == "/t");
  TableMeta renumbered = meta;
  ++renumbered.number;
  CHECK(TableFile("/t", renumbered).open(files).status().kind() == ErrorKind::corruption);
  CHECK(TableFile("/missing", meta).open(files).status().kind() == ErrorKind::not_found);
}

TEST_CASE("a table may hold what lies between its ends, both included") {
  const TableFile file("/t", {.smallest = "d", .largest = "f"});
  CHECK(file.may_hold("d"));
  CHECK(file.may_hold("e"));
  CHECK(file.may_hold("f"));
  CHECK_FALSE(file.may_hold("c"));
  CHECK_FALSE(file.may_hold("fa"));
  CHECK(file.overlaps("a", "d"));
  CHECK(file.overlaps("f", "z"));
  CHECK(file.overlaps("a", "z"));
  CHECK(file.overlaps("e", "e"));
  CHECK_FALSE(file.overlaps("a", "c"));
  CHECK_FALSE(file.overlaps("fa", "z"));
}

}  // namespace sett::storage
