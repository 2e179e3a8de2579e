#include "storage/badger/recovery.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "storage/backup/store_replacement.h"
#include "storage/badger/compactor.h"
#include "storage/badger/due_loader.h"
#include "storage/badger/flusher.h"
#include "storage/badger/value_log_gc.h"
#include "storage/base/bytes.h"
#include "storage/io/memory_file_system.h"
#include "storage/keys/time_index.h"
#include "storage/lsm/tree_iterator.h"
#include "storage/vlog/vlog_format.h"

namespace sett::storage {

namespace {

// The numbers of the files of this kind in a folder, which need not be there.
Status list_numbers(FileSystem& files, const std::string& directory, std::string_view suffix,
                    std::vector<uint64_t>& numbers) {
  auto names = files.list(directory);
  if (!names) return names.status().kind() == ErrorKind::not_found ? Status() : names.status();
  for (const std::string& name : *names) {
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc() && std::string_view(end, static_cast<size_t>(name.data() + name.size() - end)) == suffix)
      numbers.push_back(number);
  }
  return {};
}

}  // namespace

Status Recovery::run(std::atomic<double>* progress) {
  for (const char* name : {"tables", "values"})
    if (Status status = engine_.files_.create_directories(folder(name)); !status) return status;
  auto lock = engine_.files_.lock(folder("LOCK"));
  if (!lock) return lock.status();
  engine_.lock_ = std::move(*lock);
  if (Status status = check_replaced(engine_.files_, engine_.options_.path); !status) return status;
  bool is_known = false;
  auto found = find_tables(engine_.files_, folder("tables"));
  if (!found) return found.status();
  found_tables_ = std::move(*found);
  if (Status status = read_manifest(is_known); !status) return status;
  if (Status status = find_files(); !status) return status;
  // The first start writes one before there is any other file.
  if (!is_known && !(found_tables_.paths.empty() && found_values_.empty()))
    return Status::corruption(folder("MANIFEST"), 0, "the manifest is missing; nothing was changed");
  lock_all();
  const Status status = open_log(is_known, progress);
  if (!status) return status;
  engine_.unlock_all();
  if (Status tidied = tidy_values(is_known); !tidied) return tidied;
  return remove_orphans();
}

// The locks are taken because what recovery shares with the engine asserts them.
void Recovery::lock_all() {
  while (!engine_.try_lock_all()) {
  }
}

Status Recovery::read_manifest(bool& is_known) NO_THREAD_SAFETY_ANALYSIS {  // nobody else has the store yet
  auto read = read_tree_manifest(engine_.files_, engine_.options_.path);
  if (!read) return read.status();
  is_known = read->has_value();
  if (is_known) manifest_ = std::move(**read);
  std::vector<Version::Tables> levels;
  for (const auto& level : manifest_.levels) {
    Version::Tables tables;
    for (const TableMeta& meta : level) {
      const auto at = found_tables_.paths.find(meta.number);
      if (at == found_tables_.paths.end())
        return Status::corruption(join_path(folder("tables"), table_file_name(meta.number)), 0,
                                  "the table is missing; nothing was changed");
      tables.push_back(std::make_shared<TableFile>(at->second, meta));
    }
    levels.push_back(std::move(tables));
  }
  const VersionPtr version = Version::make(std::move(levels));
  for (const auto& [name, id] : manifest_.buckets) engine_.catalogue_.bind(name, id);
  engine_.catalogue_.raise_generation(manifest_.bucket_generation);
  engine_.totals_ = manifest_.totals;
  engine_.publish_live_buckets();
  for (auto& at : engine_.shards_) {
    at->version = version;
    at->floor_ms = std::max(manifest_.judged_ms, manifest_.passed_ms);
    at->judged_ms = at->floor_ms;
    at->passed_ms = manifest_.passed_ms;
    at->due.cover(manifest_.passed_ms + 1, {});
  }
  // Not what tables point to: a file that was collected is gone, and older entries may still name it.
  for (const VlogMeta& file : manifest_.value_logs) value_ends_[file.number] = file.file_bytes;
  MutexLock lock(engine_.live_mutex_);
  engine_.visible_ = version;
  return {};
}

// No number is given out that a file has, be it nobody's.
Status Recovery::find_files() {
  if (Status status = list_numbers(engine_.files_, folder("values"), ".vlog", found_values_); !status) return status;
  for (const uint64_t number : found_values_)
    manifest_.next_file_number = std::max(manifest_.next_file_number, number + 1);
  if (!found_tables_.paths.empty())
    manifest_.next_file_number = std::max(manifest_.next_file_number, found_tables_.paths.rbegin()->first + 1);
  // Before the log is read: to it, values that are not there look like ones that never reached the disk.
  for (const VlogMeta& known : manifest_.value_logs) {
    const std::string path = join_path(folder("values"), vlog_file_name(known.number));
    auto file = engine_.files_.open(path);
    if (!file && file.status().kind() != ErrorKind::not_found) return file.status();
    if (!file) return Status::corruption(path, 0, "the value log is missing; nothing was changed");
    if ((*file)->size() < known.file_bytes)
      return Status::corruption(path, (*file)->size(),
                                "the value log is shorter than what was written to it; nothing was changed");
  }
  const VersionSet::Folders folders{engine_.options_.path, folder("tables"), folder("values"),
                                    engine_.options_.tables_by_bucket};
  engine_.versions_ = std::make_unique<VersionSet>(engine_.files_, folders, manifest_, engine_.visible_version());
  ValueWriterOptions values{.directory = folders.values,
                            .value_threshold = engine_.options_.value_threshold,
                            .file_bytes = engine_.options_.value_log_file_bytes,
                            .records_max = engine_.options_.value_log_records_max};
  values.next_number = [versions = engine_.versions_.get()] { return versions->next_number(); };
  values.wake = [engine = &engine_] { engine->prepare_values(); };
  engine_.value_writer_ = std::make_unique<ValueWriter>(engine_.files_, std::move(values), engine_.seed_ + 3);
  return {};
}

Status Recovery::open_log(bool is_known, std::atomic<double>* progress) {
  LogOptions options{.directory = folder("wal"),
                     .sync_writes = engine_.options_.sync_writes,
                     .sync_interval_ms = engine_.options_.sync_interval_ms,
                     .segment_bytes = engine_.options_.wal_segment_bytes};
  options.must_exist = is_known;
  options.must_reach = manifest_.log_reaches;
  options.emergency_bytes = std::min(options.emergency_bytes, options.segment_bytes);
  options.companion = engine_.value_writer_.get();
  options.epoch_seed = engine_.options_.seed;
  options.sync_pointed_to = [this] { return sync_values(); };
  engine_.last_replayed_ = manifest_.flushed_through;
  auto opened = Log::open(engine_.files_, engine_.executor_, engine_.clock_, options, manifest_.flushed_through,
                          [this](Sequence sequence, std::string_view record) { return replay(sequence, record); });
  if (!opened) return opened.status();
  engine_.log_ = std::move(opened->log);
  engine_.recovery_ = opened->recovery;
  engine_.last_when_opened_ = engine_.log_->last();
  engine_.changes_.store(opened->recovery.records, std::memory_order_relaxed);
  if (progress) progress->store(1.0);
  return {};
}

// --- Replay

Status Recovery::replay(Sequence sequence, std::string_view record) {
  if (engine_.options_.give_up && engine_.options_.give_up->load(std::memory_order_relaxed))
    return Status::error(ErrorKind::closed, "told to stop while loading");
  std::vector<Mutation> batch, binds;
  MutationDecoder decoder(record);
  for (Mutation mutation; decoder.next(mutation);) batch.push_back(mutation);
  if (decoder.failed())
    return Status::corruption(folder("wal"), 0,
                              "the record " + std::to_string(sequence) + " of the log is no batch of mutations");
  if (Status status = check_values(sequence, batch); !status) return status;
  engine_.last_replayed_ = sequence;
  engine_.note_user_bytes(batch);
  for (const Mutation& mutation : batch) {
    if (mutation.kind == Mutation::Kind::bind) {
      // Names take effect where they stand: what follows in the batch may be of the new bucket.
      binds.push_back(mutation);
    } else if (mutation.kind == Mutation::Kind::expiry_pass) {
      if (Status status = replay_pass(mutation.expires_at_ms, sequence); !status) return status;
    } else {
      const bool is_bound =
          engine_.catalogue_.is_bound(mutation.bucket) ||
          std::any_of(binds.begin(), binds.end(), [&](const Mutation& bind) { return bind.bucket == mutation.bucket; });
      if (!is_bound) continue;
      BadgerShard& at = engine_.shard(engine_.shard_of(mutation.key));
      at.lock.assert_held();
      engine_.apply(at, mutation, sequence);
    }
  }
  if (!binds.empty()) engine_.apply_binds(binds, sequence);
  if (engine_.memtable_is_full()) engine_.flusher_->seal_replayed(sequence);
  return {};
}

// A value that is not there never reached the disk, and neither did the record, whatever there is of it.
Status Recovery::check_values(Sequence sequence, std::vector<Mutation>& batch) {
  values_.clear();
  values_.reserve(batch.size());
  for (Mutation& mutation : batch) {
    if (mutation.kind != Mutation::Kind::put_pointer) continue;
    const std::string key = tree_key(mutation.bucket, mutation.key);
    auto reader = engine_.value_logs_.open(mutation.pointer.file);
    auto value = reader ? (*reader)->read(mutation.pointer.offset, key, mutation.pointer.value_bytes)
                        : Result<std::string>(reader.status());
    if (!value) {
      const ErrorKind kind = value.status().kind();
      if (kind == ErrorKind::corruption || kind == ErrorKind::not_found)
        return Status::error(ErrorKind::incomplete, value.status().to_string());
      return value.status();
    }
    values_.push_back(std::move(*value));
    mutation.value = values_.back();
    engine_.value_writer_->note_record(mutation.pointer.file, sequence);
    replayed_values_.insert(mutation.pointer.file);
    uint64_t& end = value_ends_[mutation.pointer.file];
    end = std::max(end, mutation.pointer.offset + vlog_format::record_bytes(key.size(), mutation.pointer.value_bytes));
  }
  return {};
}

// After kill -9 they may be in the memory of the operating system only.
Status Recovery::sync_values() {
  for (const uint64_t number : replayed_values_) {
    const std::string path = engine_.versions_->value_log_path(number);
    auto file = engine_.files_.open(path);
    if (!file) return file.status();
    if (Status status = engine_.files_.truncate(path, (*file)->size()); !status) return status;
  }
  return {};
}

// As the pass did then: what was due by it, in memtables and tables, is gone from here on.
Status Recovery::replay_pass(int64_t pass_ms, Sequence sequence) NO_THREAD_SAFETY_ANALYSIS {  // all locks are held
  TreeIterator tree(engine_.reader_, engine_.visible_version(), Access::load);
  const std::string behind = time_index_key(pass_ms + 1, {});
  auto state = tree.seek(time_index_key(engine_.shard(0).due.end_ms(), {}));
  for (; state == TreeIterator::State::at_entry && tree.key() < behind; state = tree.next()) {
    if (tree.entry().kind == TableEntry::Kind::tombstone) continue;
    const std::string_view key = due_key_of(tree.key());
    ByteReader value(tree.entry().value);
    engine_.shard(engine_.shard_of(user_key(key))).due.add({due_ms_of(tree.key()), std::string(key), value.varint()});
  }
  if (state == TreeIterator::State::failed) return tree.status();
  for (auto& at : engine_.shards_) {
    at->due.cover(std::max(at->due.end_ms(), pass_ms + 1), {});
    at->floor_ms = std::max(at->floor_ms, pass_ms);
    at->judged_ms = std::max(at->judged_ms, pass_ms);
    uint32_t left = UINT32_MAX;
    engine_.expire_some(*at, pass_ms, sequence, left);
    at->passed_ms = std::max(at->passed_ms, pass_ms);
  }
  return {};
}

// --- Files

// The value logs in use end where what counts ends: what was allocated behind goes back. From now on all are sealed.
Status Recovery::tidy_values(bool is_known) {
  std::vector<VlogMeta> known;
  for (const auto& [number, end] : value_ends_) {
    const std::string path = engine_.versions_->value_log_path(number);
    auto file = engine_.files_.open(path);
    if (!file) return file.status();
    const uint64_t bytes = (*file)->size();
    if (end > 0 && bytes > end)
      if (Status status = engine_.files_.truncate(path, end); !status) return status;
    known.push_back({number, end > 0 ? end : bytes});
  }
  engine_.versions_->know_value_logs(known);
  const Status status = engine_.versions_->apply({});
  return is_known && status.kind() == ErrorKind::no_space ? Status() : status;
}

Status Recovery::remove_orphans() {
  std::set<uint64_t> known;
  for (const auto& level : manifest_.levels)
    for (const TableMeta& meta : level) known.insert(meta.number);
  for (const auto& [number, path] : found_tables_.paths) {
    if (known.contains(number)) continue;
    if (Status status = engine_.files_.remove(path); !status) return status;
  }
  for (const uint64_t number : found_values_) {
    if (value_ends_.contains(number)) continue;
    if (Status status = engine_.files_.remove(engine_.versions_->value_log_path(number)); !status) return status;
  }
  for (const std::string& of_bucket : found_tables_.folders) {
    auto names = engine_.files_.list(of_bucket);
    if (!names) return names.status();
    Status status = engine_.files_.sync_directory(of_bucket);
    if (status && names->empty()) status = engine_.files_.remove_directory(of_bucket);
    if (!status) return status;
  }
  for (const char* name : {"tables", "values"})
    if (Status status = engine_.files_.sync_directory(folder(name)); !status) return status;
  return {};
}

// --- Opening

Result<std::unique_ptr<Store>> open_badger(FileSystem& files, Executor& executor, Clock& clock,
                                           const BadgerOptions& options, std::atomic<double>* progress) {
  const KeyHash hash = find_key_hash(options.hash);
  if (!hash)
    return Status::error(ErrorKind::invalid_argument,
                         "unknown hash '" + options.hash + "'; known: " + key_hash_names());
  std::unique_ptr<FileSystem> own_files;
  if (options.in_memory) own_files = std::make_unique<MemoryFileSystem>();
  auto engine = std::make_unique<BadgerEngine>(files, std::move(own_files), executor, clock, options, hash);
  if (Status status = Recovery(*engine).run(progress); !status) return status;
  return std::unique_ptr<Store>(std::move(engine));
}

}  // namespace sett::storage
