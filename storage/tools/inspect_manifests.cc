#include "storage/lsm/manifest.h"
#include "storage/simple_kv/manifest.h"
#include "storage/tools/inspect.h"
#include "storage/tools/text.h"

namespace sett::storage {

namespace {

void print_table(std::ostream& out, size_t level, const TableMeta& table) {
  out << "level " << level << " table " << table.number << ": " << table.file_bytes << " bytes, " << table.entries
      << " entries, " << table.tombstones << " tombstones, sequences " << table.first_sequence << " to "
      << table.last_sequence << ", first expiry " << table.first_expiry_ms << "\n    smallest "
      << tree_key_text(table.smallest) << "\n    largest " << tree_key_text(table.largest) << "\n";
  for (const auto& [file, bytes] : table.value_bytes_in)
    out << "    points into value log " << file << ": " << bytes << " bytes\n";
}

template <typename Buckets>
void print_buckets(std::ostream& out, const Buckets& buckets) {
  for (const auto& [name, id] : buckets) out << "bucket " << quoted_key(name) << " is " << id << "\n";
}

// A manifest that does not check shows nothing: what is in it is one thing.
Result<uint64_t> damaged_or_failed(std::ostream& out, const Status& status) {
  if (status.kind() != ErrorKind::corruption) return status;
  print_damage(out, status);
  return uint64_t{1};
}

}  // namespace

Result<uint64_t> inspect_badger_manifest(FileSystem& files, const std::string& path, std::ostream& out) {
  const auto bytes = read_file(files, path, tree_manifest_bytes_max);
  if (!bytes.is_ok()) return bytes.status();
  out << path << ": manifest of a badger store, " << bytes.value().size() << " bytes\n";
  const auto read = decode_tree_manifest(bytes.value(), path);
  if (!read.is_ok()) return damaged_or_failed(out, read.status());
  const TreeManifest& manifest = read.value();
  out << "next file " << manifest.next_file_number << ", flushed through record " << manifest.flushed_through
      << ", the log reached record " << manifest.log_reaches << "\n"
      << "what was due by " << manifest.passed_ms << " is gone, nothing due by " << manifest.judged_ms
      << " is alive again\n"
      << "created at " << manifest.created_ms << ", last snapshot at " << manifest.last_snapshot_ms
      << ", bucket generation " << manifest.bucket_generation << "\n";
  print_buckets(out, manifest.buckets);
  for (const auto& [id, totals] : manifest.totals)
    out << "bucket " << id << " holds " << totals.keys << " keys, " << totals.bytes << " bytes, " << totals.expiring
        << " that expire\n";
  for (size_t level = 0; level < manifest.levels.size(); ++level)
    for (const TableMeta& table : manifest.levels[level]) print_table(out, level, table);
  for (const VlogMeta& file : manifest.value_logs)
    out << "value log " << file.number << ": " << file.file_bytes << " bytes count\n";
  return uint64_t{0};
}

Result<uint64_t> inspect_simple_kv_manifest(FileSystem& files, const std::string& path, std::ostream& out) {
  const auto bytes = read_file(files, path, manifest_bytes_max);
  if (!bytes.is_ok()) return bytes.status();
  out << path << ": manifest of a simple_kv store, " << bytes.value().size() << " bytes\n";
  const auto read = decode_manifest(bytes.value(), path);
  if (!read.is_ok()) return damaged_or_failed(out, read.status());
  const Manifest& manifest = read.value();
  if (manifest.generation == 0)
    out << "no snapshot yet\n";
  else
    out << "snapshot " << manifest.generation << " of " << manifest.shards << " shards under " << manifest.hash
        << ", made at " << manifest.created_ms << "\n";
  out << "all up to record " << manifest.begin << " is in it, and some up to " << manifest.end
      << "; the log reached record " << manifest.log_reaches << "\n"
      << "what was due by " << manifest.expiry_floor_ms << " is gone, bucket generation " << manifest.bucket_generation
      << "\n";
  print_buckets(out, manifest.buckets);
  return uint64_t{0};
}

}  // namespace sett::storage
