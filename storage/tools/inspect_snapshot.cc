#include "storage/simple_kv/snapshot_reader.h"
#include "storage/tools/inspect.h"
#include "storage/tools/text.h"

namespace sett::storage {

namespace {

const char* kind_text(SnapshotBlock kind) {
  switch (kind) {
    case SnapshotBlock::plain:
      return "block";
    case SnapshotBlock::lz4:
      return "block, lz4";
    case SnapshotBlock::end:
      return "end";
  }
  return "block of an unknown kind";
}

}  // namespace

Result<uint64_t> inspect_snapshot(FileSystem& files, const std::string& path, std::ostream& out) {
  uint64_t damaged = 0;
  out << path << ": snapshot\n";
  SnapshotVisitor visitor;
  visitor.header = [&](uint64_t generation, uint32_t shard) {
    out << "0 header: snapshot " << generation << ", shard " << shard << "\n";
  };
  visitor.block = [&](uint64_t offset, SnapshotBlock kind, uint64_t stored_bytes, uint32_t entries) {
    out << offset << " " << kind_text(kind) << ", " << stored_bytes << " bytes stored, " << entries << " entries\n";
  };
  visitor.entry = [&](const SnapshotEntry& entry) {
    const Mutation put{.kind = Mutation::Kind::put,
                       .bucket = entry.bucket,
                       .key = entry.key,
                       .value = entry.value,
                       .expires_at_ms = entry.expires_at_ms};
    out << "    sequence " << entry.sequence << " " << mutation_text(put) << "\n";
  };
  visitor.damage = [&](const Status& status) {
    ++damaged;
    print_damage(out, status);
  };
  const Status status = walk_snapshot(files, path, visitor);
  if (status) return damaged;
  if (status.kind() != ErrorKind::corruption) return status;
  print_damage(out, status);
  return damaged + 1;
}

}  // namespace sett::storage
