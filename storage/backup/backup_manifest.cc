#include "storage/backup/backup_manifest.h"

#include <algorithm>

#include "storage/backup/file_tree.h"
#include "storage/base/bytes.h"
#include "storage/base/crc32c.h"

namespace sett::storage {

namespace {

constexpr uint32_t backup_version = 1;
constexpr uint64_t manifest_bytes_max = 1ull << 30;  // some 60 bytes for each file
constexpr size_t name_bytes_max = 128;

// Each of its parts is an ordinary name.
bool stays_within(std::string_view name) {
  while (true) {
    const size_t slash = name.find('/');
    const std::string_view part = name.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

}  // namespace

uint64_t BackupManifest::bytes() const {
  uint64_t sum = 0;
  for (const File& file : files) sum += file.bytes;
  return sum;
}

//  magic (8)  version (4)  fields (varints, sized texts, checksums of 4)  checksum (4) of all before it
std::string encode_backup_manifest(const BackupManifest& manifest) {
  std::string out(backup_magic);
  append_fixed(out, backup_version);
  append_varint(out, static_cast<uint64_t>(manifest.created_ms));
  append_varint(out, manifest.stores.size());
  for (const auto& store : manifest.stores) {
    append_sized(out, store.backend);
    append_varint(out, store.sequence);
  }
  append_varint(out, manifest.files.size());
  for (const auto& file : manifest.files) {
    append_sized(out, file.name);
    append_varint(out, file.bytes);
    append_fixed(out, file.checksum);
  }
  append_fixed(out, crc32c(out));
  return out;
}

Result<BackupManifest> decode_backup_manifest(std::string_view bytes, const std::string& file) {
  const auto corrupt = [&](const char* what) { return Status::corruption(file, 0, what); };
  constexpr size_t frame_bytes = backup_magic.size() + 2 * sizeof(uint32_t);
  if (bytes.size() < frame_bytes || !bytes.starts_with(backup_magic)) return corrupt("this is no manifest of a backup");
  const auto covered = bytes.substr(0, bytes.size() - sizeof(uint32_t));
  ByteReader reader(covered.substr(backup_magic.size()));
  if (const auto version = reader.fixed<uint32_t>(); version > backup_version)
    return Status::error(ErrorKind::unsupported, file + ": written by a newer sett (format " + std::to_string(version) +
                                                     ", this one reads up to " + std::to_string(backup_version) + ")");
  if (get_fixed<uint32_t>(bytes.data() + covered.size()) != crc32c(covered))
    return corrupt("the checksum of the backup's manifest is wrong");
  BackupManifest manifest;
  manifest.created_ms = static_cast<int64_t>(reader.varint());
  for (uint64_t left = reader.varint(); left > 0 && !reader.failed(); --left) {
    std::string backend(reader.sized());
    manifest.stores.push_back({std::move(backend), reader.varint()});
    if (!stays_within(manifest.stores.back().backend)) return corrupt("a store of the backup has an impossible name");
  }
  for (uint64_t left = reader.varint(); left > 0 && !reader.failed(); --left) {
    BackupManifest::File one;
    one.name = reader.sized();
    one.bytes = reader.varint();
    one.checksum = reader.fixed<uint32_t>();
    if (!stays_within(one.name)) return corrupt("a file of the backup has an impossible name");
    manifest.files.push_back(std::move(one));
  }
  if (!reader.at_end()) return corrupt("the backup's manifest does not parse");
  return manifest;
}

Result<std::optional<BackupManifest>> read_backup_manifest(FileSystem& files, const std::string& folder) {
  const std::string path = join_path(folder, backup_manifest_name);
  const auto exists = files.exists(path);
  if (!exists.is_ok()) return exists.status();
  if (!exists.value()) return std::optional<BackupManifest>();
  const auto bytes = read_file(files, path, manifest_bytes_max);
  if (!bytes.is_ok()) return bytes.status();
  auto manifest = decode_backup_manifest(bytes.value(), path);
  if (!manifest.is_ok()) return manifest.status();
  return std::optional<BackupManifest>(std::move(manifest).value());
}

Status remove_backup(FileSystem& files, const std::string& folder) {
  const Status status = files.remove(join_path(folder, backup_manifest_name));
  if (!status && status.kind() != ErrorKind::not_found) return status;
  return remove_tree(files, folder, backup_marker_name);
}

bool is_backup_name(std::string_view name) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  };
  return !name.empty() && name.size() <= name_bytes_max && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), is_allowed);
}

}  // namespace sett::storage
