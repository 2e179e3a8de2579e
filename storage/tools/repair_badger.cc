#include <algorithm>
#include <map>
#include <optional>

#include "storage/keys/time_index.h"
#include "storage/lsm/manifest.h"
#include "storage/lsm/table_folders.h"
#include "storage/lsm/vlog_files.h"
#include "storage/table/table_scanner.h"
#include "storage/tools/repair.h"
#include "storage/tools/salvage_table.h"
#include "storage/tools/store_files.h"
#include "storage/tools/text.h"

namespace sett::storage {

namespace {

// Tables one behind the other.
class Run {
 public:
  void add(TableFilePtr table) { tables_.push_back(std::move(table)); }
  bool ends_before(const TableMeta& meta) const { return tables_.back()->meta().largest < meta.smallest; }

  Status begin(FileSystem& files) { return open_next(files); }
  Status next(FileSystem& files) {
    if (Status status = scanner_->next(); !status || scanner_->valid()) return status;
    return open_next(files);
  }
  bool valid() const { return scanner_ && scanner_->valid(); }
  std::string_view key() const { return scanner_->key(); }
  const TableEntry& entry() const { return scanner_->entry(); }

 private:
  Status open_next(FileSystem& files) {
    scanner_.reset();
    while (at_ < tables_.size()) {
      // Not by the TableFile, which stays open.
      const TableFile& file = *tables_[at_++];
      const auto table = Table::open(files, file.path(), file.number());
      if (!table.is_ok()) return table.status();
      scanner_.emplace(table.value());
      if (Status status = scanner_->seek_first(); !status || scanner_->valid()) return status;
    }
    scanner_.reset();
    return {};
  }

  std::vector<TableFilePtr> tables_;
  size_t at_ = 0;
  std::optional<TableScanner> scanner_;
};

class BadgerSalvager {
 public:
  BadgerSalvager(FileSystem& files, const std::string& path, const std::string& scratch, Salvage& salvage,
                 ToolObserver& observer)
      : files_(files),
        path_(path),
        tables_(join_path(path, "tables")),
        scratch_(scratch),
        salvage_(salvage),
        observer_(observer),
        values_(files, join_path(path, "values")) {}

  Status run() {
    if (Status status = read_manifest(); !status) return status;
    auto found = find_tables(files_, tables_);
    if (!found.is_ok()) return found.status();
    if (Status status = name_by_footer(found.value()); !status) return status;
    uint64_t bytes = bytes_in(files_, join_path(path_, "wal"), ".wal");
    for (const auto& [number, path] : found.value().paths) bytes += size_of_file(files_, path);
    ToolProgress progress(observer_, bytes);
    if (Status status = salvage_tables(found.value(), progress); !status) return status;
    const Status read = salvage_.read_log(
        files_, join_path(path_, "wal"),
        [&](std::string_view key, const ValuePointer& at) {
          return read_value(key, at.file, at.offset, at.value_bytes);
        },
        progress);
    if (!read) return read;
    if (Status status = merge(); !status) return status;
    tell_older();
    return salvage_.finish();
  }

 private:
  Status read_manifest() {
    auto read = read_tree_manifest(files_, path_);
    if (!read.is_ok() && read.status().kind() != ErrorKind::corruption) return read.status();
    if (!read.is_ok() || !read.value()) {
      observer_.on_note(path_ +
                        ": without its manifest all tables that are there are taken, and buckets have the names "
                        "that the log still tells; what was deleted may be back where a table was no longer in use");
      return {};
    }
    manifest_ = std::move(*read.value());
    salvage_.know({.buckets = {manifest_->buckets.begin(), manifest_->buckets.end()},
                   .bucket_generation = manifest_->bucket_generation,
                   .through = manifest_->flushed_through,
                   .log_reaches = manifest_->log_reaches,
                   .passed_ms = manifest_->passed_ms,
                   .judged_ms = manifest_->judged_ms});
    return {};
  }

  // A table whose name is another's is known by its footer, unless that is damaged.
  Status name_by_footer(FoundTables& found) const {
    std::map<uint64_t, std::string> paths, unknown;
    for (const auto& [number, path] : found.paths) {
      const auto told = table_number(files_, path);
      if (!told.is_ok() && told.status().kind() != ErrorKind::corruption) return told.status();
      if (told.is_ok())
        paths.emplace(told.value(), path);
      else
        unknown.emplace(number, path);
    }
    paths.merge(unknown);
    found.paths = std::move(paths);
    return {};
  }

  Status salvage_tables(const FoundTables& found, ToolProgress& progress) {
    const auto take = [&](const std::string& path, uint64_t number, const TableMeta* expected) {
      auto salvaged = salvage_table(files_, path, number, expected, scratch_, observer_, progress);
      if (!salvaged.is_ok()) return salvaged.status();
      if (salvaged.value().table) found_.push_back(salvaged.value().table);
      for (LostRange& range : salvaged.value().lost) lost_.push_back({std::move(range)});
      return Status();
    };
    if (!manifest_) {
      for (const auto& [number, path] : found.paths)
        if (Status status = take(path, number, nullptr); !status) return status;
      return {};
    }
    for (const auto& level : manifest_->levels)
      for (const TableMeta& meta : level) {
        const auto at = found.paths.find(meta.number);
        const std::string path =
            at != found.paths.end() ? at->second : join_path(tables_, table_file_name(meta.number));
        if (Status status = take(path, meta.number, &meta); !status) return status;
      }
    return {};
  }

  // As few as there can be, so that few tables are open at a time.
  std::vector<Run> make_runs() {
    std::sort(found_.begin(), found_.end(),
              [](const TableFilePtr& a, const TableFilePtr& b) { return a->meta().smallest < b->meta().smallest; });
    std::vector<Run> runs;
    for (const TableFilePtr& table : found_) {
      const auto fits =
          std::find_if(runs.begin(), runs.end(), [&](const Run& run) { return run.ends_before(table->meta()); });
      if (fits == runs.end())
        runs.emplace_back().add(table);
      else
        fits->add(table);
    }
    return runs;
  }

  // Of each key what has the highest sequence.
  Status merge() {
    std::sort(lost_.begin(), lost_.end(),
              [](const Lost& a, const Lost& b) { return a.range.begin() < b.range.begin(); });
    std::vector<Run> runs = make_runs();
    for (Run& run : runs)
      if (Status status = run.begin(files_); !status) return status;
    std::string key;
    while (true) {
      const Run* newest = nullptr;
      for (const Run& run : runs) {
        if (!run.valid()) continue;
        const bool is_better = !newest || run.key() < newest->key() ||
                               (run.key() == newest->key() && run.entry().sequence > newest->entry().sequence);
        if (is_better) newest = &run;
      }
      if (!newest) return {};
      key = newest->key();
      if (Status status = take(key, newest->entry()); !status) return status;
      for (Run& run : runs)
        while (run.valid() && run.key() == key)
          if (Status status = run.next(files_); !status) return status;
    }
  }

  Status take(const std::string& key, const TableEntry& entry) {
    if (is_time_index_key(key)) return {};  // the new store makes its own
    note_older(key, entry.sequence);
    KeyState state{.is_present = entry.kind != TableEntry::Kind::tombstone,
                   .sequence = entry.sequence,
                   .expires_at_ms = entry.expires_at_ms,
                   .value = std::string(entry.value)};
    if (entry.kind == TableEntry::Kind::pointer) {
      auto value = read_value(key, entry.log_file, entry.log_offset, entry.value_bytes);
      const ErrorKind kind = value.is_ok() ? ErrorKind::closed : value.status().kind();
      if (kind == ErrorKind::corruption || kind == ErrorKind::not_found)
        return salvage_.take_lost(key, entry.sequence, entry.expires_at_ms, value.status());
      if (!value.is_ok()) return value.status();
      state.value = std::move(value).value();
    }
    return salvage_.take(key, std::move(state));
  }

  Result<std::string> read_value(std::string_view key, uint64_t file, uint64_t offset, uint64_t bytes) {
    const auto reader = values_.open(file);
    if (!reader.is_ok()) return reader.status();
    return reader.value()->read(offset, key, bytes);
  }

  // --- What was newer may have been in a place that is lost.
  struct Lost {
    LostRange range;
    uint64_t older_keys = 0;
  };
  // Keys come in order: of the ranges, which are sorted by where they begin, only those are looked at that have begun
  // and not ended.
  void note_older(const std::string& key, Sequence sequence) {
    for (; next_lost_ < lost_.size() && lost_[next_lost_].range.begins_before(key); ++next_lost_)
      current_.push_back(&lost_[next_lost_]);
    std::erase_if(current_, [&](const Lost* lost) { return lost->range.ends_before(key); });
    for (Lost* lost : current_) lost->older_keys += lost->range.may_hide(key, sequence);
  }
  void tell_older() const {
    constexpr size_t ranges_told_max = 100;
    size_t told = 0;
    for (const Lost& lost : lost_) {
      if (lost.older_keys == 0) continue;
      if (++told > ranges_told_max) return observer_.on_note("more such ranges are not told");
      const auto& [after, before, smallest, largest, last] = lost.range;
      const std::string from = after.empty() ? "the first" : "behind " + tree_key_text(after);
      const std::string to = before ? "before " + tree_key_text(*before) : "the last";
      observer_.on_note("keys from " + from + " to " + to + ": of " + std::to_string(lost.older_keys) +
                        " that were kept a newer value, or that they were deleted, may have been in what is lost");
    }
  }

  FileSystem& files_;
  const std::string path_, tables_, scratch_;
  Salvage& salvage_;
  ToolObserver& observer_;
  VlogFiles values_;
  std::optional<TreeManifest> manifest_;
  std::vector<TableFilePtr> found_;
  std::vector<Lost> lost_;
  size_t next_lost_ = 0;
  std::vector<Lost*> current_;
};

}  // namespace

Status salvage_badger(FileSystem& files, const std::string& path, const std::string& scratch, Salvage& salvage,
                      ToolObserver& observer) {
  return BadgerSalvager(files, path, scratch, salvage, observer).run();
}

}  // namespace sett::storage
