#include "storage/simple_kv/manifest.h"

#include "storage/base/bytes.h"
#include "storage/base/crc32c.h"

namespace sett::storage {

namespace {
constexpr uint32_t manifest_version = 1;
}  // namespace

//  magic (8)  version (4)  fields (varints, sized texts)  checksum (4) of all before it
std::string encode_manifest(const Manifest& manifest) {
  std::string out(manifest_magic);
  append_fixed(out, manifest_version);
  append_varint(out, manifest.generation);
  append_varint(out, static_cast<uint64_t>(manifest.created_ms));
  append_varint(out, manifest.shards);
  append_sized(out, manifest.hash);
  append_varint(out, manifest.begin);
  append_varint(out, manifest.end);
  append_varint(out, manifest.log_reaches);
  append_varint(out, static_cast<uint64_t>(manifest.expiry_floor_ms));
  append_varint(out, manifest.bucket_generation);
  append_varint(out, manifest.buckets.size());
  for (const auto& [name, id] : manifest.buckets) {
    append_sized(out, name);
    append_varint(out, id);
  }
  append_fixed(out, crc32c(out));
  return out;
}

Result<Manifest> decode_manifest(std::string_view bytes, const std::string& file) {
  const auto corrupt = [&](const char* what) { return Status::corruption(file, 0, what); };
  constexpr size_t frame_bytes = manifest_magic.size() + 2 * sizeof(uint32_t);
  if (bytes.size() < frame_bytes || !bytes.starts_with(manifest_magic)) return corrupt("this is no manifest of sett");
  // Before the checksum, which a newer version may keep elsewhere.
  const auto covered = bytes.substr(0, bytes.size() - sizeof(uint32_t));
  ByteReader reader(covered.substr(manifest_magic.size()));
  if (const auto version = reader.fixed<uint32_t>(); version > manifest_version)
    return Status::error(ErrorKind::unsupported, file + ": written by a newer sett (format " + std::to_string(version) +
                                                     ", this one reads up to " + std::to_string(manifest_version) +
                                                     ")");
  if (get_fixed<uint32_t>(bytes.data() + covered.size()) != crc32c(covered))
    return corrupt("the checksum of the manifest is wrong");
  Manifest manifest;
  manifest.generation = reader.varint();
  manifest.created_ms = static_cast<int64_t>(reader.varint());
  manifest.shards = static_cast<uint32_t>(reader.varint());
  manifest.hash = reader.sized();
  manifest.begin = reader.varint();
  manifest.end = reader.varint();
  manifest.log_reaches = reader.varint();
  manifest.expiry_floor_ms = static_cast<int64_t>(reader.varint());
  manifest.bucket_generation = reader.varint();
  const uint64_t buckets = reader.varint();
  for (uint64_t i = 0; i < buckets && !reader.failed(); ++i) {
    std::string name(reader.sized());
    manifest.buckets[std::move(name)] = reader.varint();
  }
  if (!reader.at_end()) return corrupt("the manifest does not parse");
  return manifest;
}

Result<std::optional<Manifest>> read_manifest(FileSystem& files, const std::string& directory) {
  const std::string path = join_path(directory, manifest_name);
  const auto exists = files.exists(path);
  if (!exists.is_ok()) return exists.status();
  if (!exists.value()) return std::optional<Manifest>();
  const auto bytes = read_file(files, path, manifest_bytes_max);
  if (!bytes.is_ok()) return bytes.status();
  auto manifest = decode_manifest(bytes.value(), path);
  if (!manifest.is_ok()) return manifest.status();
  return std::optional<Manifest>(std::move(manifest).value());
}

Status write_manifest(FileSystem& files, const std::string& directory, const Manifest& manifest) {
  return replace_file(files, join_path(directory, manifest_name), encode_manifest(manifest));
}

}  // namespace sett::storage
