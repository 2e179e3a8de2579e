#include "storage/lz4_frame.h"

#include <catch2/catch.hpp>

#include "storage/base/random.h"

namespace sett::storage {

namespace {

std::string noise(Random& random, size_t bytes, uint64_t alphabet) {
  std::string text(bytes, '\0');
  for (char& c : text) c = static_cast<char>(random.below(alphabet));
  return text;
}

std::string frame_of(std::string_view content) {
  auto frame = compress_lz4_frame(content);
  REQUIRE(frame.is_ok());
  return *frame;
}

}  // namespace

TEST_CASE("lz4 frame: what was compressed comes back") {
  for (const uint64_t seed : {1, 2, 3}) {
    INFO("seed " << seed);
    Random random(seed);
    for (const size_t bytes : {0, 1, 2, 100, 65535, 65536, 65537, 300'000}) {
      for (const uint64_t alphabet : {1, 3, 256}) {
        const std::string content = noise(random, bytes, alphabet);
        const auto back = decompress_lz4_frame(frame_of(content), bytes);
        REQUIRE(back.is_ok());
        CHECK(back.value() == content);
      }
    }
  }
}

TEST_CASE("lz4 frame: the header is the format's, with content size and content checksum") {
  const std::string frame = frame_of("hello");
  CHECK(frame.substr(0, 4) == "\x04\x22\x4D\x18");
  const auto flags = static_cast<unsigned char>(frame[4]);
  CHECK((flags >> 6) == 1);    // version
  CHECK((flags & 0x08) != 0);  // content size
  CHECK((flags & 0x04) != 0);  // content checksum
  CHECK(frame.substr(6, 8) == std::string("\x05\0\0\0\0\0\0\0", 8));
}

TEST_CASE("lz4 frame: the limit holds, declared or not") {
  const std::string content(100'000, 'x');
  std::string frame = frame_of(content);
  CHECK(decompress_lz4_frame(frame, content.size()).is_ok());
  const auto refused = decompress_lz4_frame(frame, content.size() - 1);
  REQUIRE_FALSE(refused.is_ok());
  CHECK(refused.status().kind() == ErrorKind::unsupported);
  // As `lz4 -c` writes it into a pipe: no size in the header.
  const std::string undeclared("\x04\x22\x4d\x18\x64\x40\xa7\x06\x00\x00\x80hello\x0a\x00\x00\x00\x00\xf9\x5b\x6b\x94",
                               25);
  INFO(decompress_lz4_frame(undeclared, 100).status().to_string());
  REQUIRE(decompress_lz4_frame(undeclared, 6).is_ok());
  CHECK(decompress_lz4_frame(undeclared, 6).value() == "hello\n");
  CHECK(decompress_lz4_frame(undeclared, 5).status().kind() == ErrorKind::unsupported);
}

TEST_CASE("lz4 frame: anything but one complete frame is an error") {
  Random random(7);
  const std::string frame = frame_of(noise(random, 1000, 4));
  for (size_t bytes = 0; bytes < frame.size(); ++bytes) {
    INFO("cut to " << bytes);
    CHECK(decompress_lz4_frame(std::string_view(frame).substr(0, bytes), 1 << 20).status().kind() ==
          ErrorKind::invalid_argument);
  }
  CHECK_FALSE(decompress_lz4_frame(frame + "x", 1 << 20).is_ok());
  CHECK_FALSE(decompress_lz4_frame(frame + frame, 1 << 20).is_ok());
  CHECK_FALSE(decompress_lz4_frame("x" + frame, 1 << 20).is_ok());
  const std::string skippable(
      "\x50\x2a\x4d\x18\x04\x00\x00\x00"
      "abcd",
      12);
  CHECK_FALSE(decompress_lz4_frame(skippable, 1 << 20).is_ok());
  CHECK_FALSE(decompress_lz4_frame(skippable + frame, 1 << 20).is_ok());
}

TEST_CASE("lz4 frame: a damaged byte is an error or never more than allowed") {
  for (const uint64_t seed : {11, 12, 13}) {
    INFO("seed " << seed);
    Random random(seed);
    const std::string content = noise(random, 2000, 3);
    const std::string frame = frame_of(content);
    for (size_t at = 0; at < frame.size(); ++at) {
      std::string damaged = frame;
      damaged[at] = static_cast<char>(damaged[at] ^ static_cast<char>(1 + random.below(255)));
      const auto result = decompress_lz4_frame(damaged, 10'000);
      INFO("byte " << at);
      if (result.is_ok()) CHECK(result.value() == content);
    }
  }
}

}  // namespace sett::storage
