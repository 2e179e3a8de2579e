#include "storage/log/log_format.h"

#include <catch2/catch.hpp>

#include "storage/log/log_writer.h"
#include "tests/support/log_harness.h"

using namespace sett::storage;
using namespace sett::storage::log_format;

namespace {

// The worked example of storage/log/README.md.
constexpr unsigned char golden[] = {
    0x73, 0x65, 0x74, 0x74, 0x6c, 0x6f, 0x67, 0x0a, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  //
    0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  //
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  //
    0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x81, 0x9c, 0x21, 0x1a,  //
    0xdd, 0x91, 0xc5, 0x1e, 0x0d, 0x00, 0x01, 0x40, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,        //
    0x07, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x68, 0x65, 0x6c, 0x6c, 0x6f,
};
constexpr unsigned char golden_closed[] = {
    0x62, 0x80, 0x92, 0x30, 0x00, 0x00, 0x06, 0x5c, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
};
const std::string golden_bytes(golden, golden + sizeof golden);

std::string segment_with(std::string_view chunks, uint32_t with_version = version) {
  std::string bytes(segment_header_bytes, '\0');
  put_segment_header(bytes.data(), {1, 1, 0, 0, 1, 1});
  put_fixed<uint32_t>(bytes.data() + 8, with_version);
  put_fixed<uint32_t>(bytes.data() + 60, crc32c(std::string_view(bytes).substr(0, 60)));
  return bytes.append(chunks);
}

void put_file(LogHarness& with, const std::string& name, const std::string& bytes) {
  REQUIRE(with.files->create_directories(with.options.directory));
  REQUIRE(with.files->create(with.path(name)));
  REQUIRE(with.files->sync_directory(with.options.directory));
  with.files->set_content(with.path(name), bytes);
}

}  // namespace

TEST_CASE("the writer makes the golden segment", "[log]") {
  LogWriter writer(0, 6, 7);
  writer.add_segment({1, 1, block_bytes});
  std::string out;
  writer.begin(out);
  const std::string_view parts[] = {"hel", "lo"};
  writer.append(parts, 5, 7, 64, out);
  REQUIRE(out == golden_bytes);
  REQUIRE(writer.position() == out.size());
}

TEST_CASE("the reader reads the golden segment", "[log]") {
  LogHarness with;
  auto file = golden_bytes;
  file.resize(block_bytes, '\0');
  put_file(with, segment_name(1), file);
  REQUIRE(with.open(6));
  REQUIRE(with.found == Records{{7, "hello"}});
}

TEST_CASE("the reader reads the golden segment that was closed, and says when its end is missing", "[log]") {
  LogWriter writer(0, 6, 7);
  writer.add_segment({1, 1, block_bytes});
  std::string out;
  writer.begin(out);
  const std::string_view parts[] = {"hello"};
  writer.append(parts, 5, 7, 64, out);
  writer.append_closed(92, out);
  REQUIRE(out == golden_bytes + std::string(golden_closed, golden_closed + sizeof golden_closed));
  LogHarness with;
  put_file(with, segment_name(1), out);
  REQUIRE(with.open(6));
  REQUIRE(with.found == Records{{7, "hello"}});
  LogHarness cut;
  put_file(cut, segment_name(1), golden_bytes);
  const auto status = cut.open(6);
  REQUIRE(status.kind() == ErrorKind::corruption);
  REQUIRE(status.offset() == golden_bytes.size());
}

TEST_CASE("a newer version of the format is refused by name", "[log]") {
  LogHarness with;
  put_file(with, segment_name(1), segment_with("", 2));
  const auto status = with.open();
  REQUIRE(status.kind() == ErrorKind::unsupported);
  REQUIRE(status.to_string().find(segment_name(1)) != std::string::npos);
  REQUIRE(status.to_string().find("written by a newer sett (format 2,") != std::string::npos);
}

TEST_CASE("names of segments", "[log]") {
  REQUIRE(segment_name(7) == "00000000000000000007.wal");
  REQUIRE(segment_number("00000000000000000007.wal") == 7);
  REQUIRE(segment_number(segment_name(~uint64_t{0})) == ~uint64_t{0});
  for (const auto* name :
       {"7.wal", "0000000000000000000x.wal", "00000000000000000007.tmp", "99999999999999999999.wal"}) {
    REQUIRE_FALSE(segment_number(name));
  }
}

TEST_CASE("a chunk is valid only as it was written and where it was written", "[log]") {
  LogWriter writer(0, 0, 1);
  writer.add_segment({1, 99, block_bytes});
  std::string out;
  writer.begin(out);
  const std::string_view parts[] = {"some record"};
  writer.append(parts, 11, 1, 10, out);
  const std::string chunk = out.substr(segment_header_bytes);
  const uint32_t seed = epoch_checksum(99);
  REQUIRE(get_chunk(chunk, seed, segment_header_bytes));
  REQUIRE_FALSE(get_chunk(chunk, seed, segment_header_bytes + 1));
  REQUIRE_FALSE(get_chunk(chunk, epoch_checksum(98), segment_header_bytes));
  for (size_t length = 0; length < chunk.size(); ++length) {
    REQUIRE_FALSE(get_chunk(chunk.substr(0, length), seed, segment_header_bytes));
  }
  for (size_t at = 0; at < chunk.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = chunk;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      REQUIRE_FALSE(get_chunk(flipped, seed, segment_header_bytes));
    }
  }
}

TEST_CASE("no record takes more room than is reserved for it", "[log]") {
  Random random(5);
  for (int i = 0; i < 2000; ++i) {
    const uint64_t first = random.below(2 * block_bytes);
    const uint64_t second = random.below(4) == 0 ? random.below(10 * block_bytes) : random.below(200);
    LogWriter writer(0, 0, 1);
    for (uint64_t number = 1; number < 40; ++number) writer.add_segment({number, number, block_bytes});
    std::string out;
    writer.begin(out);
    const std::string record(std::max(first, second), 'x');
    const std::string_view one[] = {std::string_view(record).substr(0, first)};
    const std::string_view two[] = {std::string_view(record).substr(0, second)};
    writer.append(one, first, 1, 0, out);
    const uint64_t before = writer.position();
    writer.append(two, second, 2, 0, out);
    INFO("first " << first << " second " << second);
    REQUIRE(writer.position() - before <= LogWriter::framed_bytes_max(second));
    REQUIRE(writer.position() == out.size());
  }
}
