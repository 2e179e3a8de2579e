#include <map>
#include <set>
#include <vector>

#include "storage/keys/mutation.h"
#include "storage/keys/time_index.h"
#include "storage/lsm/manifest.h"
#include "storage/lsm/table_folders.h"
#include "storage/lsm/tree_reader.h"
#include "storage/tools/store_files.h"
#include "storage/tools/verify.h"
#include "storage/tools/verify_table.h"
#include "storage/vlog/vlog_writer.h"

namespace sett::storage {

namespace {

constexpr uint64_t cache_bytes = 32 << 20;

class Verifier {
 public:
  Verifier(FileSystem& files, const std::string& path, ToolObserver& observer)
      : files_(files),
        path_(path),
        tables_(join_path(path, "tables")),
        values_(join_path(path, "values")),
        wal_(join_path(path, "wal")),
        observer_(observer),
        found_tables_(find_tables(files, tables_)),
        progress_(observer, table_bytes() + bytes_in(files, values_, ".vlog") + bytes_in(files, wal_, ".wal")),
        value_logs_(files, values_) {}

  void run() {
    if (!found_tables_.is_ok()) return observer_.on_damage(found_tables_.status());
    auto read = read_tree_manifest(files_, path_);
    const std::string manifest_path = join_path(path_, tree_manifest_name);
    if (!read.is_ok()) {
      observer_.on_damage(read.status());
      return verify_found();
    }
    is_known_ = read->has_value();
    if (is_known_) {
      manifest_ = std::move(**read);
      observer_.on_good_file(manifest_path, {});
    } else if (has_files()) {
      observer_.on_damage(Status::corruption(manifest_path, 0, "the manifest is missing"));
      return verify_found();
    }
    for (const VlogMeta& file : manifest_.value_logs) known_values_[file.number] = file.file_bytes;
    for (const auto& level : manifest_.levels)
      for (const TableMeta& meta : level) verify_one_table(table_path(meta.number), &meta);
    check_stray_pointers();
    for (const VlogMeta& file : manifest_.value_logs) verify_value_log(file.number, file.file_bytes);
    verify_log(
        files_,
        {.directory = wal_,
         .after = manifest_.flushed_through,
         .must_exist = is_known_,
         .must_reach = manifest_.log_reaches},
        [this](Sequence sequence, std::string_view record) { return check_record(sequence, record); }, observer_,
        progress_);
    note_needless();
  }

 private:
  // A pointer into a file that the manifest does not name: allowed where a newer entry hides it.
  struct StrayPointer {
    std::string tree_key, path;
    Sequence sequence;
    uint64_t value_log;
  };

  // Where it is; where it would be, if it is not there.
  std::string table_path(uint64_t number) const {
    const auto at = found_tables_.value().paths.find(number);
    return at != found_tables_.value().paths.end() ? at->second : join_path(tables_, table_file_name(number));
  }
  uint64_t table_bytes() const {
    uint64_t bytes = 0;
    if (found_tables_.is_ok())
      for (const auto& [number, path] : found_tables_.value().paths) bytes += size_of_file(files_, path);
    return bytes;
  }
  std::string value_log_path(uint64_t number) const { return join_path(values_, vlog_file_name(number)); }

  bool has_files() { return table_bytes() + bytes_in(files_, values_, ".vlog") + bytes_in(files_, wal_, ".wal") > 0; }

  // Without a manifest: each file by itself.
  void verify_found() {
    observer_.on_note(path_ + ": without its manifest the files are checked one by one, and the log is not");
    for (const auto& [number, path] : found_tables_.value().paths) verify_one_table(path, nullptr);
    const auto values = list_names(files_, values_);
    if (!values.is_ok()) return;
    for (const std::string& name : values.value())
      if (const uint64_t number = number_of_file(name, ".vlog"); number > 0)
        verify_value_log(number, size_of_file(files_, join_path(values_, name)));
  }

  void verify_one_table(const std::string& path, const TableMeta* meta) {
    bool is_good = true;
    const auto check_pointer = [&](std::string_view key, const TableEntry& entry) {
      if (entry.kind != TableEntry::Kind::pointer || !meta) return;
      if (!known_values_.contains(entry.log_file)) {
        stray_.push_back({std::string(key), path, entry.sequence, entry.log_file});
        return;
      }
      auto reader = value_logs_.open(entry.log_file);
      if (!reader) return;  // told of when the value log is looked at
      const Status status = (*reader)->check_place(entry.log_offset, key, entry.value_bytes);
      if (!status) observer_.on_damage(status);
      is_good = is_good && status;
    };
    is_good = verify_table(files_, path, meta, check_pointer, observer_, progress_) && is_good;
    if (is_good) observer_.on_good_file(path, {});
  }

  void check_stray_pointers() {
    if (stray_.empty()) return;
    std::vector<Version::Tables> levels;
    for (const auto& level : manifest_.levels) {
      Version::Tables tables;
      for (const TableMeta& meta : level) tables.push_back(std::make_shared<TableFile>(table_path(meta.number), meta));
      levels.push_back(std::move(tables));
    }
    const VersionPtr version = Version::make(std::move(levels));
    std::set<BucketId> buckets;
    for (const auto& [name, id] : manifest_.buckets) buckets.insert(id);
    BlockCache cache(cache_bytes);
    const TreeReader reader(files_, cache, value_logs_);
    for (const StrayPointer& stray : stray_) {
      if (!buckets.contains(bucket_of(stray.tree_key))) continue;  // dropped with its bucket
      Pins pins;
      const auto newest = reader.get(*version, stray.tree_key, Access::load, pins);
      if (!newest.is_ok()) continue;  // damage that was told of
      if (newest.value().kind != TreeEntry::Kind::entry || newest.value().entry.sequence != stray.sequence) continue;
      observer_.on_damage(Status::corruption(
          stray.path, 0, "a key points into value log " + std::to_string(stray.value_log) + ", which is not there"));
    }
  }

  void verify_value_log(uint64_t number, uint64_t end) {
    const std::string path = value_log_path(number);
    bool is_good = true;
    const auto tell = [&](const Status& status) {
      is_good = false;
      observer_.on_damage(status);
    };
    const auto reader = value_logs_.open(number);
    if (!reader.is_ok())
      return tell(reader.status().kind() == ErrorKind::not_found
                      ? Status::corruption(path, 0, "the value log that the manifest names is missing")
                      : reader.status());
    const uint64_t bytes = size_of_file(files_, path);
    if (bytes < end) tell(Status::corruption(path, bytes, "the value log is shorter than what was written to it"));
    VlogScanner scanner(reader.value(), std::min(end, bytes));
    while (true) {
      Status status = scanner.next();
      if (!status && status.kind() == ErrorKind::corruption) {
        tell(status);
        status = scanner.skip_damage();
      }
      if (!status) return tell(status);
      if (!scanner.valid()) break;
      progress_.add(vlog_format::record_bytes(scanner.tree_key().size(), scanner.value().size()));
    }
    if (!is_good) return;
    observer_.on_good_file(path, bytes > end ? std::to_string(bytes - end) +
                                                   " bytes behind what the manifest knows are the log's to tell of"
                                             : std::string());
  }

  // As recovery does: a record whose value is not there never reached the disk, or the value was lost.
  Status check_record(Sequence sequence, std::string_view record) {
    MutationDecoder decoder(record);
    for (Mutation mutation; decoder.next(mutation);) {
      if (mutation.kind != Mutation::Kind::put_pointer) continue;
      const std::string key = tree_key(mutation.bucket, mutation.key);
      const auto reader = value_logs_.open(mutation.pointer.file);
      const Status status =
          reader.is_ok() ? reader.value()->read(mutation.pointer.offset, key, mutation.pointer.value_bytes).status()
                         : reader.status();
      if (status.kind() == ErrorKind::corruption || status.kind() == ErrorKind::not_found)
        return Status::error(ErrorKind::incomplete, status.to_string());
      if (!status) return status;
    }
    if (!decoder.failed()) return {};
    return Status::corruption(wal_, 0,
                              "the record " + std::to_string(sequence) + " of the log is no batch of mutations");
  }

  void note_needless() {
    const auto note = [this](const std::string& path) {
      observer_.on_note(path + ": not named by the manifest, not checked");
    };
    std::set<uint64_t> known;
    for (const auto& level : manifest_.levels)
      for (const TableMeta& meta : level) known.insert(meta.number);
    for (const auto& [number, path] : found_tables_.value().paths)
      if (!known.contains(number)) note(path);
    const auto names = list_names(files_, values_);
    if (!names.is_ok()) return observer_.on_damage(names.status());
    for (const std::string& name : names.value()) {
      const uint64_t number = number_of_file(name, ".vlog");
      // One that the manifest does not know may be the log's.
      if (number > 0 && !known_values_.contains(number) && number < manifest_.next_file_number)
        note(join_path(values_, name));
    }
  }

  FileSystem& files_;
  const std::string path_, tables_, values_, wal_;
  ToolObserver& observer_;
  const Result<FoundTables> found_tables_;
  ToolProgress progress_;
  VlogFiles value_logs_;
  bool is_known_ = false;
  TreeManifest manifest_;
  std::map<uint64_t, uint64_t> known_values_;  // where what counts ends in each
  std::vector<StrayPointer> stray_;
};

}  // namespace

void verify_badger(FileSystem& files, const std::string& path, ToolObserver& observer) {
  Verifier(files, path, observer).run();
}

}  // namespace sett::storage
