#include "storage/table/table_format.h"

#include <catch2/catch.hpp>

#include "storage/base/random.h"
#include "storage/io/simulated_file_system.h"
#include "storage/keys/tree_key.h"
#include "storage/table/table_scanner.h"
#include "storage/table/table_writer.h"

namespace sett::storage {
namespace {

using namespace table_format;

// The worked example of storage/table/README.md.
constexpr std::string_view golden =
    "00 0d 09 ac 02 80 d0 95 ff bc 31 05 68 65 6c 6c 6f 00 00 00 00 00 01 00 00 6b 65 79 3a 31 "
    "0c 01 03 ad 02 32 "
    "00 00 00 00 01 00 00 00 "
    "00 2c 00 00 00 df 9f a4 6f "
    "01 00 00 00 07 00 00 00 "
    "00 00 00 00 00 00 80 00 00 00 00 00 00 00 00 00 00 00 02 00 80 00 00 00 80 00 01 00 00 00 00 00 "
    "00 00 00 00 10 00 00 40 00 80 00 00 00 00 00 04 00 00 60 00 00 00 00 00 00 00 01 00 00 00 10 00 "
    "01 00 00 00 0d 00 00 00 00 00 00 00 2c 00 00 00 "
    "00 00 00 00 00 01 00 00 6b 65 79 3a 32 "
    "00 65 00 00 00 44 73 02 cd "
    "0d 00 00 00 00 00 01 00 00 6b 65 79 3a 32 00 35 65 "
    "00 11 00 00 00 00 7d ac 8d "
    "01 02 02 01 03 00 04 01 05 0a 06 05 07 ac 02 08 ad 02 09 80 d0 95 ff bc 31 40 0d 00 "
    "00 00 00 00 01 00 00 6b 65 79 3a 31 41 0d 00 00 00 00 00 01 00 00 6b 65 79 3a 32 "
    "00 37 00 00 00 c7 0c f3 a4 "
    "73 65 74 74 74 61 62 6c 01 00 00 00 07 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 "
    "a3 00 00 00 00 00 00 00 11 00 00 00 bd 00 00 00 00 00 00 00 37 00 00 00 "
    "00 00 00 00 00 00 00 00 f0 85 5c bd";

std::string golden_bytes() {
  std::string bytes;
  for (size_t at = 0; at + 1 < golden.size(); at += 3)
    bytes.push_back(static_cast<char>(std::stoi(std::string(golden.substr(at, 2)), nullptr, 16)));
  return bytes;
}

constexpr uint64_t golden_number = 7, golden_epoch = 1;
constexpr int64_t golden_expiry_ms = 1'700'000'000'000;

}  // namespace

TEST_CASE("the writer makes the golden table") {
  SimulatedFileSystem files;
  TableWriter writer(files.create("/t").value(), golden_number, golden_epoch, {});
  REQUIRE(
      writer
          .add(tree_key(65536, "key:1"),
               {.kind = TableEntry::Kind::value, .sequence = 300, .expires_at_ms = golden_expiry_ms, .value = "hello"})
          .is_ok());
  REQUIRE(writer.add(tree_key(65536, "key:2"), {.kind = TableEntry::Kind::tombstone, .sequence = 301, .value = {}})
              .is_ok());
  REQUIRE(writer.finish().is_ok());
  CHECK(read_file(files, "/t", 1 << 20).value() == golden_bytes());
}

TEST_CASE("the golden table is read") {
  SimulatedFileSystem files;
  REQUIRE(files.create("/t").value()->append(golden_bytes()).is_ok());
  const auto table = Table::open(files, "/t", golden_number);
  REQUIRE(table.is_ok());
  TableScanner scanner(table.value());
  REQUIRE(scanner.seek_first().is_ok());
  REQUIRE(scanner.valid());
  CHECK(bucket_of(scanner.key()) == 65536);
  CHECK(user_key(scanner.key()) == "key:1");
  CHECK(scanner.entry().sequence == 300);
  CHECK(scanner.entry().expires_at_ms == golden_expiry_ms);
  CHECK(scanner.entry().value == "hello");
  REQUIRE(scanner.next().is_ok());
  REQUIRE(scanner.valid());
  CHECK(user_key(scanner.key()) == "key:2");
  CHECK(scanner.entry().kind == TableEntry::Kind::tombstone);
  REQUIRE(scanner.next().is_ok());
  CHECK_FALSE(scanner.valid());
}

TEST_CASE("blocks are compressed where that pays, and opened only at their own place") {
  Random random(1);
  std::string noise;
  for (int i = 0; i < 1000; ++i) noise.push_back(static_cast<char>(random.next()));
  for (const std::string& payload : {std::string(5000, 'x'), noise, std::string("k"), std::string()}) {
    for (const auto wanted : {Compression::none, Compression::lz4}) {
      std::string out = "before";
      const BlockHandle handle = append_block(out, payload, wanted, 3, 1000);
      CHECK(handle.offset == 1000);
      CHECK(out.size() == 6 + handle.stored_bytes + trailer_bytes);
      CHECK((handle.stored_bytes < payload.size()) == (wanted == Compression::lz4 && payload.size() == 5000));
      const std::string_view stored = std::string_view(out).substr(6);
      CHECK(open_block(stored, handle, 3, "f").value() == payload);
      CHECK_FALSE(open_block(stored, handle, 4, "f").is_ok());
      CHECK_FALSE(open_block(stored, {1001, handle.stored_bytes}, 3, "f").is_ok());
      for (size_t at = 0; at < stored.size(); ++at) {
        std::string damaged(stored);
        damaged[at] ^= 1;
        REQUIRE_FALSE(open_block(damaged, handle, 3, "f").is_ok());
      }
    }
  }
}

TEST_CASE("properties are read from all of their bytes, and past what a later version adds") {
  const Properties properties{.entries = 1,
                              .tombstones = 200,
                              .pointers = 3,
                              .expiring = 4,
                              .key_bytes = 5,
                              .value_bytes = 600,
                              .first_sequence = 7,
                              .last_sequence = 8,
                              .first_expiry_ms = 9,
                              .smallest = "bucket:8a",
                              .largest = "bucket:8b",
                              .value_bytes_in = {{3, 100}, {17, 40000}, {18, 1}}};
  const std::string bytes = encode_properties(properties);
  Properties read;
  REQUIRE(decode_properties(bytes, read));
  CHECK(read == properties);
  for (size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(decode_properties(std::string_view(bytes).substr(0, size), read));
  std::string later = bytes;
  append_varint(later, 40);
  append_varint(later, 12345);
  append_varint(later, 99);
  append_sized(later, "something");
  REQUIRE(decode_properties(later, read));
  CHECK(read == properties);
}

TEST_CASE("what a table points to is written in the order of files, and read in no other") {
  Properties properties{.pointers = 2, .smallest = "bucket:8a", .largest = "bucket:8b", .value_bytes_in = {{3, 300}}};
  const std::string bytes = encode_properties(properties);
  CHECK(bytes.ends_with(std::string_view("\x42\x03\x03\xac\x02", 5)));  // 66, three bytes: file 3, 300 bytes
  Properties read;
  for (const table_format::ValueBytesIn& wrong : {ValueBytesIn{{3, 1}, {3, 1}}, ValueBytesIn{{4, 1}, {3, 1}}, {}}) {
    properties.value_bytes_in = wrong;
    CHECK_FALSE(decode_properties(encode_properties(properties), read));
  }
  properties.pointers = 0;
  CHECK(decode_properties(encode_properties(properties), read));
  CHECK(encode_properties(properties).size() == bytes.size() - 5);
}

}  // namespace sett::storage
