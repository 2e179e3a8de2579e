#include "storage/lsm/manifest.h"

#include <catch2/catch.hpp>

#include "storage/base/bytes.h"
#include "storage/base/crc32c.h"
#include "storage/base/random.h"
#include "storage/io/simulated_file_system.h"
#include "storage/keys/tree_key.h"

namespace sett::storage {
namespace {

// The worked example of storage/lsm/README.md.
constexpr std::string_view golden =
    "73 65 74 74 62 61 64 67 01 00 00 00 "
    "09 ad 02 b6 02 e8 07 fc 07 f4 03 00 02 "
    "01 01 30 80 80 08 "
    "01 80 80 08 01 0b 01 "
    "02 00 01 07 bd 02 02 01 ac 02 ad 02 d0 0f "
    "0d 00 00 00 00 00 01 00 00 6b 65 79 3a 31 0d 00 00 00 00 00 02 00 00 6b 65 79 3a 32 "
    "01 03 64 01 03 80 02 "
    "0e eb 66 21";

TreeManifest golden_manifest() {
  TreeManifest manifest;
  manifest.next_file_number = 9;
  manifest.flushed_through = 301;
  manifest.log_reaches = 310;
  manifest.passed_ms = 1000;
  manifest.judged_ms = 1020;
  manifest.created_ms = 500;
  manifest.bucket_generation = 2;
  manifest.buckets = {{"0", 131072}};
  manifest.totals = {{131072, {.keys = 1, .bytes = 11, .expiring = 1}}};
  manifest.levels = {{},
                     {{.number = 7,
                       .file_bytes = 317,
                       .entries = 2,
                       .tombstones = 1,
                       .first_sequence = 300,
                       .last_sequence = 301,
                       .first_expiry_ms = 2000,
                       .smallest = tree_key(65536, "key:1"),
                       .largest = tree_key(131072, "key:2"),
                       .value_bytes_in = {{3, 100}}}}};
  manifest.value_logs = {{3, 256}};
  return manifest;
}

std::string golden_bytes() {
  std::string bytes;
  for (size_t at = 0; at + 1 < golden.size(); at += 3)
    bytes.push_back(static_cast<char>(std::stoi(std::string(golden.substr(at, 2)), nullptr, 16)));
  return bytes;
}

std::string random_text(Random& random, size_t bytes_max) {
  std::string text(random.below(bytes_max + 1), '\0');
  for (char& byte : text) byte = static_cast<char>(random.next());
  return text;
}

TreeManifest random_manifest(Random& random) {
  const auto number = [&random] { return random.next() >> random.below(64); };
  TreeManifest manifest;
  uint64_t next_number = 1;
  const auto file_number = [&] { return next_number += 1 + random.below(1000); };
  manifest.flushed_through = number();
  manifest.log_reaches = number();
  manifest.passed_ms = static_cast<int64_t>(number());
  manifest.judged_ms = static_cast<int64_t>(number());
  manifest.created_ms = static_cast<int64_t>(number());
  manifest.last_snapshot_ms = static_cast<int64_t>(number());
  manifest.bucket_generation = number();
  for (uint64_t left = random.below(5); left > 0; --left) manifest.buckets[random_text(random, 255)] = number();
  for (uint64_t left = random.below(5); left > 0; --left) manifest.totals[number()] = {number(), number(), number()};
  manifest.levels.resize(random.below(8));
  for (auto& level : manifest.levels) {
    for (BucketId bucket = 1; bucket <= random.below(6); ++bucket) {
      TableMeta table{.number = file_number(),
                      .file_bytes = number(),
                      .entries = number(),
                      .tombstones = number(),
                      .first_sequence = number(),
                      .last_sequence = number(),
                      .first_expiry_ms = static_cast<int64_t>(number()),
                      .smallest = tree_key(bucket, random_text(random, 30))};
      table.largest = table.smallest + random_text(random, 10);
      for (uint64_t file = 0; file < random.below(4); ++file) table.value_bytes_in.emplace_back(file, number());
      level.push_back(std::move(table));
    }
  }
  for (uint64_t left = random.below(5); left > 0; --left) manifest.value_logs.push_back({file_number(), number()});
  manifest.next_file_number = next_number + 1;
  return manifest;
}

// The same, in a file with a right checksum.
ErrorKind kind_of(TreeManifest manifest, const std::function<void(TreeManifest&)>& change) {
  change(manifest);
  return decode_tree_manifest(encode_tree_manifest(manifest), "f").status().kind();
}

}  // namespace

TEST_CASE("the golden manifest is written and read") {
  CHECK(encode_tree_manifest(golden_manifest()) == golden_bytes());
  auto read = decode_tree_manifest(golden_bytes(), "f");
  REQUIRE(read.is_ok());
  CHECK((read.value() == golden_manifest()));
}

TEST_CASE("a manifest comes back as it was written") {
  const auto seed = GENERATE(range(1u, 41u));
  INFO("seed " << seed);
  Random random(seed);
  const TreeManifest manifest = random_manifest(random);
  SimulatedFileSystem files;
  REQUIRE(files.create_directories("/db").is_ok());
  CHECK_FALSE(read_tree_manifest(files, "/db").value().has_value());
  REQUIRE(write_tree_manifest(files, "/db", TreeManifest()).is_ok());
  REQUIRE(write_tree_manifest(files, "/db", manifest).is_ok());
  const auto crashed = files.crash(CrashPolicy::drop, seed);
  const auto read = read_tree_manifest(*crashed, "/db");
  REQUIRE(read.is_ok());
  REQUIRE(read.value().has_value());
  CHECK((*read.value() == manifest));
}

TEST_CASE("a manifest with any byte changed, or cut anywhere, is refused with its file") {
  Random random(7);
  for (const std::string& whole : {encode_tree_manifest(golden_manifest()), encode_tree_manifest({}),
                                   encode_tree_manifest(random_manifest(random))}) {
    for (size_t at = 0; at < whole.size(); ++at)
      for (int bit = 0; bit < 8; ++bit) {
        INFO("byte " << at << ", bit " << bit);
        std::string damaged = whole;
        damaged[at] ^= static_cast<char>(1 << bit);
        const Status status = decode_tree_manifest(damaged, "/db/MANIFEST").status();
        REQUIRE((status.kind() == ErrorKind::corruption || status.kind() == ErrorKind::unsupported));
        REQUIRE(status.to_string().find("/db/MANIFEST") != std::string::npos);
      }
    for (size_t size = 0; size < whole.size(); ++size) {
      INFO("cut to " << size);
      REQUIRE(decode_tree_manifest(whole.substr(0, size), "f").status().kind() == ErrorKind::corruption);
    }
    // Behind what belongs there, under a right checksum.
    std::string longer = whole.substr(0, whole.size() - 4) + '\0';
    append_fixed<uint32_t>(longer, crc32c(longer));
    CHECK(decode_tree_manifest(longer, "f").status().kind() == ErrorKind::corruption);
  }
}

TEST_CASE("a manifest of another version is refused") {
  const auto with_version = [](uint32_t version) {
    std::string bytes = encode_tree_manifest(golden_manifest());
    put_fixed<uint32_t>(bytes.data() + 8, version);
    put_fixed<uint32_t>(bytes.data() + bytes.size() - 4, crc32c(std::string_view(bytes).substr(0, bytes.size() - 4)));
    return decode_tree_manifest(bytes, "f").status();
  };
  CHECK(with_version(2).kind() == ErrorKind::unsupported);
  CHECK(with_version(2).to_string().find("newer") != std::string::npos);
  CHECK(with_version(0).kind() == ErrorKind::corruption);
  CHECK(with_version(1).is_ok());
}

TEST_CASE("a manifest whose files make no sense is refused, whatever its checksum says") {
  const TreeManifest good = golden_manifest();
  const auto table = [](TreeManifest& manifest) -> TableMeta& { return manifest.levels[1][0]; };
  CHECK(kind_of(good, [](TreeManifest&) {}) == ErrorKind::ok);
  CHECK(kind_of(good, [&](auto& m) { table(m).number = 9; }) == ErrorKind::corruption);
  CHECK(kind_of(good, [&](auto& m) { table(m).number = 3; }) == ErrorKind::corruption);
  CHECK(kind_of(good, [&](auto& m) { std::swap(table(m).smallest, table(m).largest); }) == ErrorKind::corruption);
  CHECK(kind_of(good, [&](auto& m) { table(m).smallest = "short"; }) == ErrorKind::corruption);
  CHECK(kind_of(good, [&](auto& m) { table(m).value_bytes_in = {{3, 1}, {3, 1}}; }) == ErrorKind::corruption);
  CHECK(kind_of(good, [&](auto& m) { m.levels.resize(8); }) == ErrorKind::corruption);
  CHECK(kind_of(good, [&](auto& m) { m.value_logs = {{9, 0}}; }) == ErrorKind::corruption);
  const auto add_same = [&](TreeManifest& m, size_t level) {
    m.levels[level].push_back(table(m));
    m.levels[level].back().number = 8;
  };
  CHECK(kind_of(good, [&](auto& m) { add_same(m, 1); }) == ErrorKind::corruption);
  CHECK(kind_of(good, [&](auto& m) { add_same(m, 0), add_same(m, 0); }) == ErrorKind::corruption);
  CHECK(kind_of(good, [&](auto& m) { add_same(m, 0); }) == ErrorKind::ok);
}

TEST_CASE("a manifest whose writing fails at any call leaves the old one or the new one") {
  TreeManifest old_one = golden_manifest();
  old_one.flushed_through = 1;
  uint64_t nth = 1;
  for (;; ++nth) {
    SimulatedFileSystem files;
    REQUIRE(files.create_directories("/db").is_ok());
    REQUIRE(write_tree_manifest(files, "/db", old_one).is_ok());
    files.inject({.call = {}, .nth = nth});
    const bool is_written = write_tree_manifest(files, "/db", golden_manifest()).is_ok();
    for (const CrashPolicy policy : crash_policies) {
      const auto found = read_tree_manifest(*files.crash(policy, nth), "/db");
      REQUIRE(found.is_ok());
      REQUIRE(found.value().has_value());
      const bool is_new = *found.value() == golden_manifest();
      REQUIRE((is_new || (!is_written && *found.value() == old_one)));
    }
    if (is_written) break;
  }
  CHECK(nth >= 4);  // create, append, sync, rename: each was seen
}

}  // namespace sett::storage
