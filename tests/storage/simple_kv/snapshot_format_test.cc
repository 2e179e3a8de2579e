// The bytes of manifest and snapshot files, and damage to each of them.
#include "storage/simple_kv/snapshot_format.h"

#include <catch2/catch.hpp>

#include "storage/base/bytes.h"
#include "storage/base/crc32c.h"
#include "storage/simple_kv/manifest.h"
#include "storage/simple_kv/snapshot_reader.h"
#include "tests/support/engine_harness.h"

using namespace sett::storage;

namespace {

EngineOptions kv_options(ShardIndex shards = 2) {
  EngineOptions options;
  options.engine = "simple_kv";
  options.kv.shards = shards;
  return options;
}

std::string hex(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    static constexpr char digits[] = "0123456789abcdef";
    text += digits[static_cast<unsigned char>(c) >> 4];
    text += digits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

uint32_t version_of(const std::string& bytes) {
  return get_fixed<uint32_t>(bytes.data() + 8);
}

}  // namespace

TEST_CASE("manifest: format and every flipped byte", "[simple_kv][format]") {
  Manifest manifest;
  manifest.generation = 3;
  manifest.created_ms = 1'700'000'000'000;
  manifest.shards = 16;
  manifest.hash = "xxh3";
  manifest.begin = 100;
  manifest.end = 300;
  manifest.log_reaches = 400;
  manifest.expiry_floor_ms = 1'700'000'000'001;
  manifest.bucket_generation = 2;
  manifest.buckets = {{"0", make_bucket_id(1, 0)}, {"a", make_bucket_id(2, 1)}};
  const std::string bytes = encode_manifest(manifest);
  // storage/README.md explains these bytes.
  REQUIRE(hex(bytes) ==
          "736574746d616e69"
          "01000000"
          "03"
          "80d095ffbc31"
          "10"
          "0478786833"
          "64"
          "ac02"
          "9003"
          "81d095ffbc31"
          "02"
          "02"
          "0130"
          "808004"
          "0161"
          "818008" +
              hex(bytes.substr(bytes.size() - 4)));
  REQUIRE(get_fixed<uint32_t>(bytes.data() + bytes.size() - 4) ==
          crc32c(std::string_view(bytes).substr(0, bytes.size() - 4)));
  const auto back = decode_manifest(bytes, "M");
  REQUIRE(back.is_ok());
  REQUIRE(encode_manifest(back.value()) == bytes);
  for (size_t i = 0; i < bytes.size(); ++i) {
    REQUIRE_FALSE(decode_manifest(std::string_view(bytes).substr(0, i), "M").is_ok());
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      const auto status = decode_manifest(damaged, "M").status();
      if (version_of(damaged) > version_of(bytes)) {
        REQUIRE(status.kind() == ErrorKind::unsupported);
        continue;
      }
      REQUIRE(status.kind() == ErrorKind::corruption);
      REQUIRE(status.file() == "M");
    }
  }
  std::string newer = bytes.substr(0, bytes.size() - 4);
  newer[8] = 2;
  newer += "a checksum of another kind";
  REQUIRE(decode_manifest(newer, "M").status().kind() == ErrorKind::unsupported);
}

TEST_CASE("snapshot file: format", "[simple_kv][format]") {
  SimulatedFileSystem files;
  REQUIRE(files.create_directories("/s"));
  auto writer = SnapshotWriter::create(files, "/s", 3, 1, false);
  REQUIRE(writer.is_ok());
  std::string entries;
  encode_snapshot_entry({make_bucket_id(1, 0), 7, 0, "key", "value"}, entries);
  REQUIRE(writer.value()->append_block(entries, 1));
  REQUIRE(writer.value()->finish());
  const std::string bytes = files.content("/s/3-1.snapshot");
  const auto checksum = [&](size_t at) { return hex(std::string_view(bytes).substr(at, 4)); };
  REQUIRE(hex(bytes) ==
          "73657474736e6170"
          "01000000"
          "01000000"
          "0300000000000000" +
              checksum(24) +
              "01"
              "0f000000"
              "0f000000"
              "01000000" +
              checksum(41) +
              "808004"
              "07"
              "00"
              "036b6579"
              "0576616c7565" +
              "03"
              "08000000"
              "08000000"
              "00000000" +
              checksum(73) + "0100000000000000");
  REQUIRE(get_fixed<uint32_t>(bytes.data() + 24) == crc32c(std::string_view(bytes).substr(0, 24)));
  int found = 0;
  REQUIRE(read_snapshot(files, "/s", 3, 1, [&](const SnapshotEntry& entry) {
    ++found;
    CHECK((entry.key == "key" && entry.value == "value" && entry.sequence == 7));
    return Status();
  }));
  REQUIRE(found == 1);
}

TEST_CASE("every byte of manifest and snapshots: damage is found, with file and offset", "[simple_kv][format]") {
  auto options = kv_options();
  options.kv.compress_values = GENERATE(false, true);
  options.kv.reserve_bytes = 0;  // nobody reads that file
  EngineHarness with(options);
  REQUIRE(with.open());
  for (int i = 0; i < 4; ++i) with.put("0", "key" + std::to_string(i), std::string(60, 'v'));
  REQUIRE(with.snapshot());
  REQUIRE(with.close());
  const auto names = with.files->list("/db/last_state");
  for (const std::string& name : names.value()) {
    const std::string path = "/db/last_state/" + name;
    const std::string good = with.files->content(path);
    const auto expect_refusal = [&](const std::string& damaged) {
      EngineHarness then(options);
      then.files = with.files->kill();
      then.files->set_content(path, damaged);
      const auto calls = then.files->mutating_calls();
      const auto status = then.open();
      REQUIRE(then.files->mutating_calls() == calls);
      if (damaged.size() == good.size() && version_of(damaged) > version_of(good)) {
        REQUIRE(status.kind() == ErrorKind::unsupported);
        REQUIRE(status.message().find(path + ": written by a newer sett") == 0);
        return;
      }
      REQUIRE(status.kind() == ErrorKind::corruption);
      REQUIRE(status.file() == path);
      REQUIRE(status.offset());
    };
    for (size_t i = 0; i < good.size(); ++i) {
      INFO(path << " byte " << i);
      std::string damaged = good;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << (i % 8)));
      expect_refusal(damaged);
      expect_refusal(good.substr(0, i));
    }
    expect_refusal(good + "x");
    // A missing file is no empty one.
    if (name != "MANIFEST") {
      EngineHarness then(options);
      then.files = with.files->kill();
      REQUIRE(then.files->remove(path));
      REQUIRE(then.open().kind() == ErrorKind::corruption);
    }
  }
}
