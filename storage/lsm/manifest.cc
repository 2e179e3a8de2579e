#include "storage/lsm/manifest.h"

#include <set>

#include "storage/base/bytes.h"
#include "storage/base/crc32c.h"
#include "storage/keys/tree_key.h"
#include "storage/lsm/version.h"

namespace sett::storage {

namespace {

constexpr uint32_t manifest_version = 1;

void append_time(std::string& out, int64_t time_ms) {
  append_varint(out, static_cast<uint64_t>(time_ms));
}
int64_t read_time(ByteReader& reader) {
  return static_cast<int64_t>(reader.varint());
}

void append_table(std::string& out, const TableMeta& table) {
  append_varint(out, table.number);
  append_varint(out, table.file_bytes);
  append_varint(out, table.entries);
  append_varint(out, table.tombstones);
  append_varint(out, table.first_sequence);
  append_varint(out, table.last_sequence);
  append_time(out, table.first_expiry_ms);
  append_sized(out, table.smallest);
  append_sized(out, table.largest);
  append_varint(out, table.value_bytes_in.size());
  for (const auto& [file, bytes] : table.value_bytes_in) {
    append_varint(out, file);
    append_varint(out, bytes);
  }
}

TableMeta read_table(ByteReader& reader) {
  TableMeta table;
  table.number = reader.varint();
  table.file_bytes = reader.varint();
  table.entries = reader.varint();
  table.tombstones = reader.varint();
  table.first_sequence = reader.varint();
  table.last_sequence = reader.varint();
  table.first_expiry_ms = read_time(reader);
  table.smallest = reader.sized();
  table.largest = reader.sized();
  for (uint64_t left = reader.varint(); left > 0 && !reader.failed(); --left) {
    const uint64_t file = reader.varint();
    table.value_bytes_in.emplace_back(file, reader.varint());
  }
  return table;
}

void append_buckets(std::string& out, const TreeManifest& manifest) {
  append_varint(out, manifest.buckets.size());
  for (const auto& [name, id] : manifest.buckets) {
    append_sized(out, name);
    append_varint(out, id);
  }
  append_varint(out, manifest.totals.size());
  for (const auto& [id, totals] : manifest.totals) {
    append_varint(out, id);
    append_varint(out, totals.keys);
    append_varint(out, totals.bytes);
    append_varint(out, totals.expiring);
  }
}

void read_buckets(ByteReader& reader, TreeManifest& manifest) {
  for (uint64_t left = reader.varint(); left > 0 && !reader.failed(); --left) {
    std::string name(reader.sized());
    manifest.buckets[std::move(name)] = reader.varint();
  }
  for (uint64_t left = reader.varint(); left > 0 && !reader.failed(); --left) {
    BucketTotals& totals = manifest.totals[reader.varint()];
    totals.keys = reader.varint();
    totals.bytes = reader.varint();
    totals.expiring = reader.varint();
  }
}

void append_files(std::string& out, const TreeManifest& manifest) {
  append_varint(out, manifest.levels.size());
  for (const auto& tables : manifest.levels) {
    append_varint(out, tables.size());
    for (const TableMeta& table : tables) append_table(out, table);
  }
  append_varint(out, manifest.value_logs.size());
  for (const VlogMeta& log : manifest.value_logs) {
    append_varint(out, log.number);
    append_varint(out, log.file_bytes);
  }
}

void read_files(ByteReader& reader, TreeManifest& manifest) {
  for (uint64_t levels = reader.varint(); levels > 0 && !reader.failed(); --levels) {
    auto& tables = manifest.levels.emplace_back();
    for (uint64_t left = reader.varint(); left > 0 && !reader.failed(); --left) tables.push_back(read_table(reader));
  }
  for (uint64_t left = reader.varint(); left > 0 && !reader.failed(); --left) {
    const uint64_t number = reader.varint();
    manifest.value_logs.push_back({number, reader.varint()});
  }
}

bool table_makes_sense(const TableMeta& table) {
  if (table.smallest.size() < bucket_prefix_bytes || table.smallest > table.largest) return false;
  const auto& files = table.value_bytes_in;
  for (size_t i = 1; i < files.size(); ++i)
    if (files[i - 1].first >= files[i].first) return false;
  return true;
}

bool files_make_sense(const TreeManifest& manifest) {
  if (manifest.levels.size() > levels_max) return false;
  std::set<uint64_t> numbers;
  const auto is_new = [&](uint64_t number) {
    return number < manifest.next_file_number && numbers.insert(number).second;
  };
  for (size_t level = 0; level < manifest.levels.size(); ++level) {
    const auto& tables = manifest.levels[level];
    for (const TableMeta& table : tables)
      if (!is_new(table.number) || !table_makes_sense(table)) return false;
    if (level > 0 && !are_disjoint(tables, [](const TableMeta& table) -> const TableMeta& { return table; }))
      return false;
  }
  for (const VlogMeta& log : manifest.value_logs)
    if (!is_new(log.number)) return false;
  return true;
}

}  // namespace

//  magic (8)  version (4)  fields (varints, sized texts)  checksum (4) of all before it
std::string encode_tree_manifest(const TreeManifest& manifest) {
  std::string out(tree_manifest_magic);
  append_fixed(out, manifest_version);
  append_varint(out, manifest.next_file_number);
  append_varint(out, manifest.flushed_through);
  append_varint(out, manifest.log_reaches);
  append_time(out, manifest.passed_ms);
  append_time(out, manifest.judged_ms);
  append_time(out, manifest.created_ms);
  append_time(out, manifest.last_snapshot_ms);
  append_varint(out, manifest.bucket_generation);
  append_buckets(out, manifest);
  append_files(out, manifest);
  append_fixed(out, crc32c(out));
  return out;
}

Result<TreeManifest> decode_tree_manifest(std::string_view bytes, const std::string& file) {
  const auto corrupt = [&](const char* what) { return Status::corruption(file, 0, what); };
  constexpr size_t frame_bytes = tree_manifest_magic.size() + 2 * sizeof(uint32_t);
  if (bytes.size() < frame_bytes || !bytes.starts_with(tree_manifest_magic))
    return corrupt("this is no manifest of a badger store");
  // Before the checksum, which a newer version may keep elsewhere.
  const auto covered = bytes.substr(0, bytes.size() - sizeof(uint32_t));
  ByteReader reader(covered.substr(tree_manifest_magic.size()));
  const auto version = reader.fixed<uint32_t>();
  if (version > manifest_version)
    return Status::error(ErrorKind::unsupported, file + ": written by a newer sett (format " + std::to_string(version) +
                                                     ", this one reads up to " + std::to_string(manifest_version) +
                                                     ")");
  if (get_fixed<uint32_t>(bytes.data() + covered.size()) != crc32c(covered))
    return corrupt("the checksum of the manifest is wrong");
  if (version != manifest_version) return corrupt("the version of the manifest is impossible");
  TreeManifest manifest;
  manifest.next_file_number = reader.varint();
  manifest.flushed_through = reader.varint();
  manifest.log_reaches = reader.varint();
  manifest.passed_ms = read_time(reader);
  manifest.judged_ms = read_time(reader);
  manifest.created_ms = read_time(reader);
  manifest.last_snapshot_ms = read_time(reader);
  manifest.bucket_generation = reader.varint();
  read_buckets(reader, manifest);
  read_files(reader, manifest);
  if (!reader.at_end()) return corrupt("the manifest does not parse");
  if (!files_make_sense(manifest)) return corrupt("the tables and value logs that the manifest names make no sense");
  return manifest;
}

Result<std::optional<TreeManifest>> read_tree_manifest(FileSystem& files, const std::string& directory) {
  const std::string path = join_path(directory, tree_manifest_name);
  const auto exists = files.exists(path);
  if (!exists.is_ok()) return exists.status();
  if (!exists.value()) return std::optional<TreeManifest>();
  const auto bytes = read_file(files, path, tree_manifest_bytes_max);
  if (!bytes.is_ok()) return bytes.status();
  auto manifest = decode_tree_manifest(bytes.value(), path);
  if (!manifest.is_ok()) return manifest.status();
  return std::optional<TreeManifest>(std::move(manifest).value());
}

Status write_tree_manifest(FileSystem& files, const std::string& directory, const TreeManifest& manifest) {
  return replace_file(files, join_path(directory, tree_manifest_name), encode_tree_manifest(manifest));
}

}  // namespace sett::storage
