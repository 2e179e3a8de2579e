#include "storage/vlog/vlog_reader.h"

#include <catch2/catch.hpp>
#include <vector>

#include "storage/base/random.h"
#include "storage/io/simulated_file_system.h"
#include "storage/keys/tree_key.h"
#include "storage/vlog/vlog_writer.h"

namespace sett::storage {
namespace {

constexpr uint64_t number = 5, epoch = 99;

struct Written {
  std::string key, value;
  uint64_t offset;
  Sequence sequence;
};

std::vector<Written> write_some(SimulatedFileSystem& files, Random& random, int count, bool seal) {
  auto opened = VlogWriter::begin(files.create("/v").value(), number, epoch);
  REQUIRE(opened.is_ok());
  VlogWriter& writer = *opened.value();
  std::vector<Written> all;
  for (int i = 0; i < count; ++i) {
    std::string key = "bucket:8" + std::to_string(random.below(50));
    std::string value(random.one_in(10) ? 0 : random.below(300), '\0');
    for (char& byte : value) byte = static_cast<char>(random.next());
    const Sequence sequence = 1 + random.below(1000);
    const auto offset = writer.append(key, value, sequence);
    REQUIRE(offset.is_ok());
    all.push_back({std::move(key), std::move(value), offset.value(), sequence});
  }
  CHECK(writer.records() == all.size());
  REQUIRE((seal ? writer.seal() : writer.sync()).is_ok());
  return all;
}

// How many records a scan gives, and how it ends.
std::pair<size_t, Status> scan(const std::string& bytes, const std::vector<Written>& all) {
  SimulatedFileSystem files;
  REQUIRE(files.create("/v").value()->append(bytes).is_ok());
  auto reader = VlogReader::open(files, "/v", number);
  if (!reader.is_ok()) return {0, reader.status()};
  VlogScanner scanner(reader.value(), bytes.size());
  size_t found = 0;
  Status status = scanner.next();
  for (; status.is_ok() && scanner.valid(); status = scanner.next(), ++found) {
    REQUIRE(found < all.size());
    REQUIRE(scanner.tree_key() == all[found].key);
    REQUIRE(scanner.value() == all[found].value);
    REQUIRE(scanner.offset() == all[found].offset);
    REQUIRE(scanner.sequence() == all[found].sequence);
  }
  return {found, status};
}

}  // namespace

TEST_CASE("a value log gives back each value by its pointer, and all in order") {
  Random random(1);
  SimulatedFileSystem files;
  const auto all = write_some(files, random, 200, true);
  const auto reader = VlogReader::open(files, "/v", number).value();
  for (const Written& one : all) {
    CHECK(reader->read(one.offset, one.key, one.value.size()).value() == one.value);
    // Under another key, with another size, at another place it is not the record that is meant.
    CHECK(reader->read(one.offset, one.key + "x", one.value.size()).status().kind() == ErrorKind::corruption);
    CHECK(reader->read(one.offset, one.key, one.value.size() + 1).status().kind() == ErrorKind::corruption);
    CHECK(reader->read(one.offset + 1, one.key, one.value.size()).status().kind() == ErrorKind::corruption);
  }
  const auto [found, status] = scan(read_file(files, "/v", 1 << 20).value(), all);
  CHECK(status.is_ok());
  CHECK(found == all.size());
}

TEST_CASE("what is appended can be read before the file is sealed") {
  SimulatedFileSystem files;
  auto writer = VlogWriter::begin(files.create("/v").value(), number, epoch).value();
  const auto reader = VlogReader::open(files, "/v", number);
  REQUIRE(reader.is_ok());
  const uint64_t offset = writer->append("bucket:8k", "value", 1).value();
  CHECK(reader.value()->read(offset, "bucket:8k", 5).value() == "value");
  REQUIRE(writer->seal().is_ok());
  VlogScanner scanner(reader.value(), writer->file_bytes());
  REQUIRE(scanner.next().is_ok());
  REQUIRE(scanner.valid());
  CHECK(scanner.value() == "value");
}

TEST_CASE("a damaged or missing byte of a value log ends the scan before the record that it is in") {
  Random random(2);
  SimulatedFileSystem files;
  const auto all = write_some(files, random, 12, true);
  const std::string whole = read_file(files, "/v", 1 << 20).value();
  const auto records_before = [&](size_t at) {
    size_t count = 0;
    while (count < all.size() &&
           all[count].offset + vlog_format::record_bytes(all[count].key.size(), all[count].value.size()) <= at)
      ++count;
    return count;
  };
  for (size_t at = 0; at < whole.size(); ++at) {
    INFO("byte " << at);
    std::string damaged = whole;
    damaged[at] ^= static_cast<char>(1 << (at % 8));
    const auto [found, status] = scan(damaged, all);
    REQUIRE_FALSE(status.is_ok());
    REQUIRE(found == records_before(at));
  }
  for (size_t size = 0; size < whole.size(); ++size) {
    INFO("cut to " << size);
    const auto [found, status] = scan(whole.substr(0, size), all);
    REQUIRE(found == records_before(size));
    const bool at_border =
        size == vlog_format::file_header_bytes ||
        (found > 0 && size == all[found - 1].offset +
                                  vlog_format::record_bytes(all[found - 1].key.size(), all[found - 1].value.size()));
    REQUIRE(status.is_ok() == at_border);
  }
}

TEST_CASE("records of one file do not pass in another, nor at another place") {
  Random random(3);
  SimulatedFileSystem files;
  write_some(files, random, 3, true);
  std::string bytes = read_file(files, "/v", 1 << 20).value();
  const std::string other_header = vlog_format::encode_file_header({number, epoch + 1});
  CHECK(scan(other_header + bytes.substr(other_header.size()), {}).first == 0);
  // The second record where the first was: whole, but not at its place.
  const auto reader = VlogReader::open(files, "/v", number).value();
  VlogScanner scanner(reader, bytes.size());
  REQUIRE(scanner.next().is_ok());
  REQUIRE(scanner.next().is_ok());
  const uint64_t second = scanner.offset();
  REQUIRE(reader->read(second, scanner.tree_key(), scanner.value().size()).is_ok());
  bytes.erase(vlog_format::file_header_bytes, second - vlog_format::file_header_bytes);
  CHECK(scan(bytes, {}).first == 0);
}

TEST_CASE("behind a damaged byte the next whole record is found, and all that follow", "[tools]") {
  SimulatedFileSystem files;
  auto writer = VlogWriter::begin(files.create("/v").value(), 3, 99);
  REQUIRE(writer.is_ok());
  Random random(4);
  constexpr uint64_t records = 40;
  for (uint64_t i = 0; i < records; ++i) {
    std::string value(random.below(3000), '\0');
    for (char& c : value)
      if (random.one_in(2)) c = static_cast<char>(random.next());
    REQUIRE((*writer)->append(tree_key(65536, "key:" + std::to_string(i)), value, i + 1));
  }
  REQUIRE((*writer)->seal());
  const std::string bytes = files.content("/v");
  for (int i = 0; i < 200; ++i) {
    const uint64_t at = vlog_format::file_header_bytes + random.below(bytes.size() - vlog_format::file_header_bytes);
    INFO("byte " << at);
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 + random.below(255)));
    files.set_content("/v", damaged);
    VlogScanner scanner(VlogReader::open(files, "/v", 3).value(), bytes.size());
    uint64_t found = 0, times_damaged = 0;
    while (true) {
      if (!scanner.next()) {
        ++times_damaged;
        REQUIRE(scanner.skip_damage());
      }
      if (!scanner.valid()) break;
      ++found;
    }
    CHECK(found == records - 1);
    CHECK(times_damaged == 1);
  }
}

TEST_CASE("where a pointer leads is checked without its value", "[tools]") {
  SimulatedFileSystem files;
  auto writer = VlogWriter::begin(files.create("/v").value(), 3, 99);
  const std::string key = tree_key(65536, "key");
  const uint64_t offset = (*writer)->append(key, "value", 1).value();
  REQUIRE((*writer)->seal());
  const auto reader = VlogReader::open(files, "/v", 3).value();
  CHECK(reader->check_place(offset, key, 5));
  CHECK(reader->check_place(offset, key, 4).kind() == ErrorKind::corruption);
  CHECK(reader->check_place(offset, key, 6).kind() == ErrorKind::corruption);
  CHECK(reader->check_place(offset + 1, key, 4).kind() == ErrorKind::corruption);
  CHECK(reader->check_place(offset, tree_key(65536, "kez"), 5).kind() == ErrorKind::corruption);
  CHECK(reader->check_place(UINT64_MAX - 4, key, 5).kind() == ErrorKind::corruption);
}

}  // namespace sett::storage
