#include "storage/badger/badger_backup.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "storage/badger/flusher.h"
#include "storage/log/log_copy.h"
#include "storage/lsm/table_folders.h"
#include "storage/vlog/vlog_writer.h"

namespace sett::storage {

namespace {
constexpr int64_t seal_poll_ms = 2;
constexpr int seal_tries_max = 5000;  // ten seconds: the log's thread may be in a sync

Status write_backup_log_and_manifest(FileSystem& files, const std::string& wal, TreeManifest manifest, Sequence last,
                                     uint64_t epoch_seed, const std::string& folder, std::vector<std::string>& names) {
  auto copy = copy_live_log(files, wal, manifest.flushed_through, last, join_path(folder, "wal"), epoch_seed);
  if (!copy) return copy.status();
  for (const std::string& name : copy->names) names.push_back("wal/" + name);
  manifest.log_reaches = std::max(manifest.flushed_through, copy->last_record);
  names.emplace_back(tree_manifest_name);
  return write_tree_manifest(files, folder, manifest);
}
}  // namespace

void BadgerBackup::begin(BadgerEngine& engine, BackupPartDone done) {
  const std::shared_ptr<BadgerBackup> source(new BadgerBackup(engine, std::move(done)));
  engine.flusher_->flush_all([source](const Status& status) {
    if (!status) return source->failed(status);
    source->engine_.post(Executor::Lane::background, [source] { source->pin(); });
  });
}

// First the manifest, then the last sequence: whatever the manifest stands on, a drop of a bucket whose data is gone
// from the tables among it, lies before that.
void BadgerBackup::pin() {
  hold_ = engine_.versions_->hold_files();
  manifest_ = engine_.versions_->manifest();
  last_ = std::max(engine_.log_->last(), manifest_.flushed_through);
  engine_.when_synced(last_, [source = shared_from_this()](const Status& status) {
    if (!status) return source->failed(status);
    source->engine_.post(Executor::Lane::background, [source] { source->find_value_logs(); });
  });
}

void BadgerBackup::find_value_logs() {
  for (const auto& level : manifest_.levels)
    for (const TableMeta& table : level)
      for (const auto& [file, bytes] : table.value_bytes_in) value_logs_.insert(file);
  // Older entries may name files that are gone.
  std::erase_if(value_logs_, [this](uint64_t number) {
    return std::none_of(manifest_.value_logs.begin(), manifest_.value_logs.end(),
                        [number](const VlogMeta& known) { return known.number == number; });
  });
  const auto find_pointers = [this](Sequence, std::string_view record) {
    MutationDecoder decoder(record);
    for (Mutation mutation; decoder.next(mutation);)
      if (mutation.kind == Mutation::Kind::put_pointer) value_logs_.insert(mutation.pointer.file);
    return Status();
  };
  const Status status = read_live_log(engine_.files_, join_path(engine_.options_.path, "wal"),
                                      manifest_.flushed_through, last_, find_pointers);
  if (!status) return failed(status);
  seal(seal_tries_max);
}

void BadgerBackup::seal(int tries_left) {
  if (engine_.closing_) return failed(Status::error(ErrorKind::closed, "the store is being closed"));
  const auto files = engine_.value_writer_->files();
  const bool is_sealed = std::none_of(files.begin(), files.end(), [this](const ValueWriter::File& file) {
    return !file.sealed && value_logs_.contains(file.number);
  });
  // What lies in a sealed file behind the pin may belong to records that are not on disk yet: after a power cut the
  // start would cut it off, here and in the backup, which has the same file.
  if (is_sealed)
    return engine_.when_synced(engine_.log_->last(), [source = shared_from_this()](const Status& status) {
      status ? source->finish() : source->failed(status);
    });
  if (tries_left == 0)
    return failed(
        Status::error(ErrorKind::no_space, "there is no room for another value log beside the one to back up"));
  engine_.value_writer_->rotate();
  engine_.post(
      Executor::Lane::background, [source = shared_from_this(), tries_left] { source->seal(tries_left - 1); },
      seal_poll_ms);
}

void BadgerBackup::finish() {
  auto part = std::make_shared<BackupPart>();
  part->backend = "badger";
  part->sequence = last_;
  part->hold = hold_;
  const std::string base = join_path(engine_.options_.path, "");
  const auto add = [&](const std::string& path) { part->files.push_back({path, path.substr(base.size())}); };
  const auto tables = find_tables(engine_.files_, join_path(engine_.options_.path, "tables"));
  if (!tables.is_ok()) return failed(tables.status());
  for (const auto& level : manifest_.levels)
    for (const TableMeta& table : level) {
      const auto at = tables.value().paths.find(table.number);
      if (at == tables.value().paths.end())
        return failed(Status::corruption(base, 0, "table " + std::to_string(table.number) + " is missing"));
      add(at->second);
    }
  // They are whole files: what lies in them behind what the manifest knew is dead there.
  manifest_.value_logs.clear();
  for (const uint64_t number : value_logs_) {
    const std::string path = engine_.versions_->value_log_path(number);
    const auto file = engine_.files_.open(path);
    if (!file.is_ok()) return failed(file.status());
    manifest_.value_logs.push_back({number, file.value()->size()});
    manifest_.next_file_number = std::max(manifest_.next_file_number, number + 1);
    add(path);
  }
  part->write_rest = [&files = engine_.files_, wal = join_path(engine_.options_.path, "wal"), manifest = manifest_,
                      last = last_,
                      seed = entropy_seed()](const std::string& folder) -> Result<std::vector<std::string>> {
    std::vector<std::string> names;
    if (Status status = write_backup_log_and_manifest(files, wal, manifest, last, seed, folder, names); !status)
      return status;
    return names;
  };
  done_(BackupPartPtr(std::move(part)));
}

}  // namespace sett::storage
