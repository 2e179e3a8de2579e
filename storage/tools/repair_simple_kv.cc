#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

#include "storage/keys/tree_key.h"
#include "storage/simple_kv/manifest.h"
#include "storage/simple_kv/snapshot_reader.h"
#include "storage/tools/repair.h"
#include "storage/tools/store_files.h"

namespace sett::storage {

namespace {

constexpr uint32_t shards_max = 1024;

// "<generation>-<shard>.snapshot"
std::optional<uint64_t> generation_of(std::string_view name) {
  uint64_t generation = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), generation);
  const bool fits = error == std::errc() && name.substr(static_cast<size_t>(end - name.data())).starts_with('-') &&
                    name.ends_with(".snapshot");
  return fits ? std::optional(generation) : std::nullopt;
}

class SimpleKvSalvager {
 public:
  SimpleKvSalvager(FileSystem& files, const std::string& path, Salvage& salvage, ToolObserver& observer)
      : files_(files),
        state_(join_path(path, "last_state")),
        wal_(join_path(path, "wal")),
        salvage_(salvage),
        observer_(observer),
        progress_(observer, bytes_in(files, state_, ".snapshot") + bytes_in(files, wal_, ".wal")) {}

  Status run() {
    if (Status status = choose(); !status) return status;
    const auto no_value = [](std::string_view, const ValuePointer&) -> Result<std::string> {
      return Status::error(ErrorKind::not_found, "there is no value log");
    };
    if (Status status = salvage_.read_log(files_, wal_, no_value, progress_); !status) return status;
    for (uint32_t shard = 0; shard < shards_ && generation_ > 0; ++shard)
      if (Status status = take(shard); !status) return status;
    return salvage_.finish();
  }

 private:
  // Which files are the state: what the manifest says, else the newest that are whole.
  Status choose() {
    const auto names = list_names(files_, state_);
    if (!names.is_ok()) return names.status();
    std::set<uint64_t> generations;
    for (const std::string& name : names.value())
      if (const auto generation = generation_of(name)) generations.insert(*generation);
    auto read = read_manifest(files_, state_);
    if (!read.is_ok() && read.status().kind() != ErrorKind::corruption) return read.status();
    if (read.is_ok() && read.value()) {
      const Manifest& manifest = *read.value();
      generation_ = manifest.generation;
      shards_ = std::min(manifest.shards, shards_max);
      salvage_.know({.buckets = manifest.buckets,
                     .bucket_generation = manifest.bucket_generation,
                     .through = manifest.begin,
                     .log_reaches = manifest.log_reaches,
                     .gone_through = manifest.end,
                     .judged_ms = manifest.expiry_floor_ms});
      return {};
    }
    for (const uint64_t generation : generations)
      if (Status status = try_generation(generation); !status) return status;
    observer_.on_note(state_ + ": without its manifest " +
                      (shards_ == 0 ? "there is no snapshot"
                                    : "the snapshot " + std::to_string(generation_) + " is taken, " +
                                          (is_whole_ ? "the newest one that is whole" : "the one that has most keys")) +
                      ", and buckets have the names that the log still tells");
    return {};
  }

  // In ascending order: better than those before, if it is whole, or has more than the others of which none is.
  Status try_generation(uint64_t generation) {
    bool is_whole = true;
    uint64_t entries = 0;
    uint32_t shards = 0;
    for (; shards < shards_max; ++shards) {
      const std::string path = join_path(state_, snapshot_file_name(generation, shards));
      const auto exists = files_.exists(path);
      if (!exists.is_ok()) return exists.status();
      if (!exists.value()) break;
      SnapshotVisitor visitor;
      visitor.header = [&](uint64_t its_generation, uint32_t its_shard) {
        is_whole = is_whole && its_generation == generation && its_shard == shards;
      };
      visitor.entry = [&](const SnapshotEntry&) { ++entries; };
      visitor.damage = [&](const Status&) { is_whole = false; };
      const Status walked = walk_snapshot(files_, path, visitor);
      if (!walked && walked.kind() != ErrorKind::corruption) return walked;
      is_whole = is_whole && walked.is_ok();
    }
    if (is_whole ? shards == 0 : is_whole_ || entries < entries_) return {};
    generation_ = generation;
    shards_ = shards;
    is_whole_ = is_whole;
    entries_ = entries;
    return {};
  }

  Status take(uint32_t shard) {
    const std::string path = join_path(state_, snapshot_file_name(generation_, shard));
    Status status;
    uint64_t entries = 0, damaged = 0;
    bool is_its_own = true;
    SnapshotVisitor visitor;
    visitor.header = [&](uint64_t its_generation, uint32_t its_shard) {
      is_its_own = its_generation == generation_ && its_shard == shard;
    };
    visitor.entry = [&](const SnapshotEntry& entry) {
      if (!status || !is_its_own) return;
      ++entries;
      status = salvage_.take(tree_key(entry.bucket, entry.key), {.is_present = true,
                                                                 .sequence = entry.sequence,
                                                                 .expires_at_ms = entry.expires_at_ms,
                                                                 .value = std::string(entry.value)});
    };
    visitor.block = [&](uint64_t, SnapshotBlock, uint64_t stored_bytes, uint32_t) { progress_.add(stored_bytes); };
    visitor.damage = [&](const Status&) { ++damaged; };
    const Status walked = walk_snapshot(files_, path, visitor);
    if (!status) return status;
    if (!walked && walked.kind() != ErrorKind::corruption && walked.kind() != ErrorKind::not_found) return walked;
    if (walked && damaged == 0 && is_its_own) return {};
    observer_.on_note(path + ": " + std::to_string(entries) + " keys are whole; what else was in it is lost");
    return {};
  }

  FileSystem& files_;
  const std::string state_, wal_;
  Salvage& salvage_;
  ToolObserver& observer_;
  ToolProgress progress_;
  uint64_t generation_ = 0;
  uint32_t shards_ = 0;
  bool is_whole_ = false;  // of try_generation()
  uint64_t entries_ = 0;
};

}  // namespace

Status salvage_simple_kv(FileSystem& files, const std::string& path, Salvage& salvage, ToolObserver& observer) {
  return SimpleKvSalvager(files, path, salvage, observer).run();
}

}  // namespace sett::storage
