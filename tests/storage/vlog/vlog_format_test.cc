#include "storage/vlog/vlog_format.h"

#include <catch2/catch.hpp>

#include "storage/io/simulated_file_system.h"
#include "storage/vlog/vlog_reader.h"
#include "storage/vlog/vlog_writer.h"

namespace sett::storage {
namespace {

// The worked example of storage/vlog/README.md.
constexpr unsigned char golden[] = {
    0x73, 0x65, 0x74, 0x74, 0x76, 0x6c, 0x6f, 0x67, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  //
    0x03, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  //
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  //
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xa4, 0x8e, 0x21, 0x44,  //
    0x5f, 0x73, 0x1d, 0xf1, 0x09, 0x00, 0x00, 0x00, 0x05, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  //
    0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00,  //
    0x6b, 0x68, 0x65, 0x6c, 0x6c, 0x6f,
};
const std::string golden_bytes(golden, golden + sizeof golden);
const std::string golden_key("\0\0\0\0\0\1\0\0k", 9);

}  // namespace

TEST_CASE("the writer makes the golden value log") {
  SimulatedFileSystem files;
  auto writer = VlogWriter::begin(files.create("/v").value(), 3, 1);
  REQUIRE(writer.is_ok());
  const auto offset = writer.value()->append(golden_key, "hello", 7);
  REQUIRE(offset.is_ok());
  CHECK(offset.value() == vlog_format::file_header_bytes);
  REQUIRE(writer.value()->seal().is_ok());
  CHECK(read_file(files, "/v", 1 << 20).value() == golden_bytes);
}

TEST_CASE("the golden value log is read") {
  SimulatedFileSystem files;
  REQUIRE(files.create("/v").value()->append(golden_bytes).is_ok());
  const auto reader = VlogReader::open(files, "/v", 3);
  REQUIRE(reader.is_ok());
  CHECK(reader.value()->read(vlog_format::file_header_bytes, golden_key, 5).value() == "hello");
}

TEST_CASE("a newer value log, another file's number, and what is no value log are refused") {
  const auto open = [](const std::string& bytes, uint64_t number) {
    SimulatedFileSystem files;
    REQUIRE(files.create("/v").value()->append(bytes).is_ok());
    return VlogReader::open(files, "/v", number).status().kind();
  };
  CHECK(open(golden_bytes, 4) == ErrorKind::corruption);
  CHECK(open("", 3) == ErrorKind::corruption);
  CHECK(open(golden_bytes.substr(0, 63), 3) == ErrorKind::corruption);
  CHECK(open(std::string(100, '\0'), 3) == ErrorKind::corruption);
  std::string newer = golden_bytes;
  newer[8] = 2;
  CHECK(open(newer, 3) == ErrorKind::unsupported);
}

}  // namespace sett::storage
