#include <charconv>
#include <map>
#include <optional>

#include "storage/keys/tree_key.h"
#include "storage/simple_kv/manifest.h"
#include "storage/simple_kv/snapshot_reader.h"
#include "storage/tools/repair.h"
#include "storage/tools/store_files.h"

namespace sett::storage {

namespace {

// "<generation>-<shard>.snapshot"
std::optional<uint64_t> generation_of(std::string_view name) {
  uint64_t generation = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), generation);
  const bool fits = error == std::errc() && name.substr(static_cast<size_t>(end - name.data())).starts_with('-') &&
                    name.ends_with(".snapshot");
  return fits ? std::optional(generation) : std::nullopt;
}

class Salvager {
 public:
  Salvager(FileSystem& files, const std::string& path, Salvage& salvage, ToolObserver& observer)
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
    for (const std::string& name : snapshots_)
      if (Status status = take(join_path(state_, name)); !status) return status;
    return salvage_.finish();
  }

 private:
  // Which files are the state: what the manifest says, else the newest of which there are the most.
  Status choose() {
    const auto names = list_names(files_, state_);
    if (!names.is_ok()) return names.status();
    std::map<uint64_t, std::vector<std::string>> found;
    for (const std::string& name : names.value())
      if (const auto generation = generation_of(name)) found[*generation].push_back(name);
    auto read = read_manifest(files_, state_);
    if (!read.is_ok() && read.status().kind() != ErrorKind::corruption) return read.status();
    if (read.is_ok() && read.value()) {
      const Manifest& manifest = *read.value();
      snapshots_ = found[manifest.generation];
      salvage_.know({.buckets = manifest.buckets,
                     .through = manifest.begin,
                     .gone_through = manifest.end,
                     .judged_ms = manifest.expiry_floor_ms});
      return {};
    }
    observer_.on_note(state_ +
                      ": without its manifest the newest whole snapshot is taken, and buckets have the names "
                      "that the log still tells");
    for (auto& [generation, its_files] : found)
      if (its_files.size() >= snapshots_.size()) snapshots_ = its_files;
    return {};
  }

  Status take(const std::string& path) {
    Status status;
    uint64_t entries = 0;
    SnapshotVisitor visitor;
    visitor.entry = [&](const SnapshotEntry& entry) {
      if (!status) return;
      ++entries;
      status = salvage_.take(tree_key(entry.bucket, entry.key), {.is_present = true,
                                                                 .sequence = entry.sequence,
                                                                 .expires_at_ms = entry.expires_at_ms,
                                                                 .value = std::string(entry.value)});
    };
    visitor.block = [&](uint64_t, SnapshotBlock, uint64_t stored_bytes, uint32_t) { progress_.add(stored_bytes); };
    const Status walked = walk_snapshot(files_, path, visitor);
    if (!status) return status;
    if (walked || walked.kind() == ErrorKind::corruption || walked.kind() == ErrorKind::not_found) return {};
    return walked;
  }

  FileSystem& files_;
  const std::string state_, wal_;
  Salvage& salvage_;
  ToolObserver& observer_;
  ToolProgress progress_;
  std::vector<std::string> snapshots_;
};

}  // namespace

Status salvage_simple_kv(FileSystem& files, const std::string& path, Salvage& salvage, ToolObserver& observer) {
  return Salvager(files, path, salvage, observer).run();
}

}  // namespace sett::storage
