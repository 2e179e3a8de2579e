#include <set>

#include "storage/keys/mutation.h"
#include "storage/simple_kv/manifest.h"
#include "storage/simple_kv/snapshot_reader.h"
#include "storage/tools/store_files.h"
#include "storage/tools/verify.h"

namespace sett::storage {

namespace {

constexpr uint32_t shards_max = 1024;

class Verifier {
 public:
  Verifier(FileSystem& files, const std::string& path, ToolObserver& observer)
      : files_(files),
        state_(join_path(path, "last_state")),
        wal_(join_path(path, "wal")),
        observer_(observer),
        progress_(observer, bytes_in(files, state_, ".snapshot") + bytes_in(files, wal_, ".wal")) {}

  void run() {
    const auto read = read_manifest(files_, state_);
    const std::string manifest_path = join_path(state_, manifest_name);
    if (!read.is_ok()) {
      observer_.on_damage(read.status());
      return observer_.on_note(state_ + ": which snapshot counts, and from where on the log, only the manifest says");
    }
    const bool is_known = read.value().has_value();
    const Manifest manifest = read.value().value_or(Manifest{});
    const bool has_snapshots = bytes_in(files_, state_, ".snapshot") > 0;
    if (is_known && manifest.shards > shards_max)
      return observer_.on_damage(Status::corruption(manifest_path, 0, "the number of shards is impossible"));
    if (is_known) observer_.on_good_file(manifest_path, {});
    if (manifest.generation > 0)
      for (uint32_t shard = 0; shard < manifest.shards; ++shard) verify_snapshot(manifest, shard);
    verify_log(
        files_,
        {.directory = wal_,
         .after = manifest.begin,
         .must_exist = is_known || has_snapshots,
         .must_reach = manifest.log_reaches},
        [this](Sequence sequence, std::string_view record) { return check_record(sequence, record); }, observer_,
        progress_);
  }

 private:
  void verify_snapshot(const Manifest& manifest, uint32_t shard) {
    const std::string path = join_path(state_, snapshot_file_name(manifest.generation, shard));
    std::set<BucketId> buckets;
    for (const auto& [name, id] : manifest.buckets) buckets.insert(id);
    uint64_t damaged = 0, uncovered = 0, block_at = 0;
    const auto tell = [&](const Status& status) {
      ++damaged;
      observer_.on_damage(status);
    };
    SnapshotVisitor visitor;
    visitor.damage = tell;
    visitor.header = [&](uint64_t generation, uint32_t its_shard) {
      if (generation != manifest.generation || its_shard != shard)
        tell(Status::corruption(path, 0, "the snapshot belongs to another shard or time"));
    };
    visitor.block = [&](uint64_t offset, SnapshotBlock, uint64_t stored_bytes, uint32_t) {
      if (uncovered > 0)
        tell(Status::corruption(path, block_at, "a block has entries that the manifest does not cover"));
      uncovered = 0;
      block_at = offset;
      progress_.add(stored_bytes);
    };
    visitor.entry = [&](const SnapshotEntry& entry) {
      uncovered += !buckets.contains(entry.bucket) || entry.sequence > manifest.end || entry.sequence == 0;
    };
    Status status = walk_snapshot(files_, path, visitor);
    if (status.kind() == ErrorKind::not_found)
      status = Status::corruption(path, 0, "the snapshot that the manifest names is missing");
    if (!status) tell(status);
    if (damaged == 0) observer_.on_good_file(path, {});
  }

  Status check_record(Sequence sequence, std::string_view record) const {
    MutationDecoder decoder(record);
    for (Mutation mutation; decoder.next(mutation);)
      if (mutation.kind == Mutation::Kind::put_pointer)
        return Status::corruption(wal_, 0,
                                  "the record " + std::to_string(sequence) + " of the log points into a value log");
    if (!decoder.failed()) return {};
    return Status::corruption(wal_, 0,
                              "the record " + std::to_string(sequence) + " of the log is no batch of mutations");
  }

  FileSystem& files_;
  const std::string state_, wal_;
  ToolObserver& observer_;
  ToolProgress progress_;
};

}  // namespace

void verify_simple_kv(FileSystem& files, const std::string& path, ToolObserver& observer) {
  Verifier(files, path, observer).run();
}

}  // namespace sett::storage
