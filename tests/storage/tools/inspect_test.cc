#include "storage/tools/inspect.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <sstream>

#include "tests/support/golden_stores.h"

namespace sett::storage {
namespace {

struct Printed {
  std::string text;
  uint64_t damaged = 0;
  bool has(std::string_view part) const { return text.find(part) != std::string::npos; }
  size_t lines() const { return static_cast<size_t>(std::count(text.begin(), text.end(), '\n')); }
};

Printed print(SimulatedFileSystem& files, const std::string& path) {
  std::ostringstream out;
  const auto damaged = inspect_file(files, path, out);
  INFO(path << ": " << damaged.status().to_string());
  REQUIRE(damaged.is_ok());
  return {out.str(), damaged.value()};
}

void flip(SimulatedFileSystem& files, const std::string& path, size_t offset) {
  std::string bytes = files.content(path);
  bytes[offset] = static_cast<char>(bytes[offset] ^ 0x55);
  files.set_content(path, bytes);
}

const std::string segment = "/golden/badger/wal/00000000000000000001.wal";
const std::string table = "/golden/badger/tables/00000000000000000005.table";
const std::string value_log = "/golden/badger/values/00000000000000000001.vlog";
const std::string snapshot = "/golden/simple_kv/last_state/3-1.snapshot";

}  // namespace

TEST_CASE("inspect prints every file of the golden stores", "[tools]") {
  SimulatedFileSystem files;
  std::string all;
  for (const std::string& name : load_golden_stores(files)) {
    const Printed printed = print(files, "/golden/" + name);
    CHECK(printed.damaged == 0);
    all += printed.text;
  }
  for (size_t at; (at = all.find("/golden/")) != std::string::npos;) all.erase(at, 8);
  CHECK(all == golden_text("inspect.txt"));
}

TEST_CASE("inspect goes on behind a damaged record of the log", "[tools]") {
  SimulatedFileSystem files;
  load_golden_stores(files);
  const size_t lines = print(files, segment).lines();
  flip(files, segment, 176 + 20);  // record 4, with one mutation
  const Printed printed = print(files, segment);
  CHECK(printed.damaged == 1);
  CHECK(printed.has("\n176 DAMAGED: no chunk that is whole; it had been synced, as a later one says\n"));
  CHECK(printed.has("\n218 the next chunk that is whole\n218 record 5, 26 bytes\n"));
  CHECK_FALSE(printed.has("record 4"));
  CHECK(printed.lines() == lines);
}

TEST_CASE("inspect tells unused space from damage", "[tools]") {
  SimulatedFileSystem files;
  load_golden_stores(files);
  files.set_content(segment, files.content(segment).substr(0, 690) + std::string(40000, '\0'));
  Printed printed = print(files, segment);
  CHECK(printed.damaged == 0);
  CHECK(printed.has("\n690 zeroes to the end of the file: 40000 bytes not used yet\n"));
  files.set_content(value_log, files.content(value_log) + std::string(5000, '\0'));
  printed = print(files, value_log);
  CHECK(printed.damaged == 0);
  CHECK(printed.has("\n295 zeroes to the end of the file: 5000 bytes not used yet\n"));
}

TEST_CASE("inspect goes on behind a damaged value", "[tools]") {
  SimulatedFileSystem files;
  load_golden_stores(files);
  for (const size_t at : {64 + 4, 64 + 8, 64 + 30}) {  // the sizes, the key
    const std::string whole = files.content(value_log);
    flip(files, value_log, at);
    const Printed printed = print(files, value_log);
    CHECK(printed.damaged == 1);
    CHECK(printed.has("\n64 DAMAGED: "));
    CHECK(printed.has("\n139 bucket 65536 \"k2\" sequence 8"));
    CHECK(printed.has("\n220 bucket 65536 \"after\""));
    files.set_content(value_log, whole);
  }
}

TEST_CASE("inspect names the damaged part of a table, and prints the others", "[tools]") {
  SimulatedFileSystem files;
  load_golden_stores(files);
  const std::string whole = files.content(table);
  const auto damaged_at = [&](size_t at) {
    files.set_content(table, whole);
    flip(files, table, at);
    return print(files, table);
  };
  Printed printed = damaged_at(20);
  CHECK(printed.damaged == 1);
  CHECK(printed.has("\n0 DAMAGED: the checksum of a block is wrong\n"));
  CHECK(printed.has("properties: 8 entries"));
  printed = damaged_at(130);  // the partition: its blocks are found all the same
  CHECK(printed.damaged == 1);
  CHECK(printed.has("\n126 DAMAGED: "));
  CHECK(printed.has("bucket 65536 \"m2\""));
  printed = damaged_at(255);  // the list of sections
  CHECK(printed.damaged == 1);
  CHECK(printed.has("\n250 DAMAGED: "));
  CHECK(printed.has("bucket 65536 \"m2\""));
  printed = damaged_at(290);  // the properties
  CHECK(printed.damaged == 1);
  CHECK(printed.has("\n285 DAMAGED: "));
  CHECK(printed.has("bucket 65536 \"m2\""));
  printed = damaged_at(whole.size() - 64);  // the magic: what it is its name says
  CHECK(printed.damaged == 1);
  CHECK(printed.has("\n361 DAMAGED: "));
}

TEST_CASE("inspect names damage in snapshots and manifests", "[tools]") {
  SimulatedFileSystem files;
  load_golden_stores(files);
  flip(files, snapshot, 60);
  Printed printed = print(files, snapshot);
  CHECK(printed.damaged == 1);
  CHECK(printed.has("\n28 DAMAGED: the checksum of a block is wrong\n78 end"));
  for (const char* manifest : {"/golden/badger/MANIFEST", "/golden/simple_kv/last_state/MANIFEST"}) {
    flip(files, manifest, 30);
    printed = print(files, manifest);
    CHECK(printed.damaged == 1);
    CHECK(printed.has("\n0 DAMAGED: "));
  }
}

TEST_CASE("inspect refuses what is no file of sett", "[tools]") {
  SimulatedFileSystem files;
  REQUIRE(files.create("/x").value()->append("some text"));
  REQUIRE(files.create("/empty"));
  std::ostringstream out;
  CHECK(inspect_file(files, "/x", out).status().kind() == ErrorKind::invalid_argument);
  CHECK(inspect_file(files, "/empty", out).status().kind() == ErrorKind::invalid_argument);
  CHECK(inspect_file(files, "/missing", out).status().kind() == ErrorKind::not_found);
  CHECK(out.str().empty());
}

}  // namespace sett::storage
