#include "storage/backup/backup_manifest.h"

#include <catch2/catch.hpp>

#include "storage/base/bytes.h"
#include "storage/base/crc32c.h"
#include "storage/io/simulated_file_system.h"

namespace sett::storage {
namespace {

BackupManifest example() {
  BackupManifest manifest;
  manifest.created_ms = 1'700'000'000'000;
  manifest.stores = {{"badger", 300}};
  manifest.files = {{"badger/MANIFEST", 196, 0x12345678}};
  return manifest;
}

}  // namespace

TEST_CASE("the golden manifest of a backup is written and read", "[backup]") {
  // The worked example of storage/backup/README.md.
  std::string golden(
      "settback\x01\0\0\0\x80\xd0\x95\xff\xbc\x31\x01\x06"
      "badger\xac\x02\x01\x0f"
      "badger/MANIFEST\xc4\x01\x78\x56\x34\x12",
      51);
  append_fixed(golden, crc32c(golden));
  CHECK(encode_backup_manifest(example()) == golden);
  const auto back = decode_backup_manifest(golden, "f");
  REQUIRE(back.is_ok());
  CHECK(back.value() == example());
  CHECK(back.value().bytes() == 196);
}

TEST_CASE("the manifest of a backup with any byte changed, or cut anywhere, is refused", "[backup]") {
  const std::string bytes = encode_backup_manifest(example());
  for (size_t at = 0; at < bytes.size(); ++at) {
    CHECK(decode_backup_manifest(std::string_view(bytes).substr(0, at), "f").status().kind() == ErrorKind::corruption);
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 4);
    const auto kind = decode_backup_manifest(damaged, "f").status().kind();
    CHECK((kind == ErrorKind::corruption || kind == ErrorKind::unsupported));
  }
}

TEST_CASE("no name in a manifest leads out of the backup's folder", "[backup]") {
  for (const char* name : {"", "/", "/etc/passwd", "a/../../b", "..", "a//b", "a/", "."}) {
    BackupManifest manifest = example();
    manifest.files[0].name = name;
    CHECK(decode_backup_manifest(encode_backup_manifest(manifest), "f").status().kind() == ErrorKind::corruption);
    manifest = example();
    manifest.stores[0].backend = name;
    CHECK(decode_backup_manifest(encode_backup_manifest(manifest), "f").status().kind() == ErrorKind::corruption);
  }
}

}  // namespace sett::storage
