// What SimpleKvEngine does before it serves: the snapshot, then the log behind it.
#include <algorithm>
#include <utility>

#include "storage/simple_kv/engine.h"
#include "storage/simple_kv/snapshot_reader.h"

namespace sett::storage {

namespace {

// For the progress that is shown.
Status add_bytes_in(FileSystem& files, const std::string& directory, std::string_view suffix, uint64_t& bytes) {
  const auto names = files.list(directory);
  if (!names.is_ok()) return names.status().kind() == ErrorKind::not_found ? Status() : names.status();
  for (const std::string& name : names.value()) {
    if (!name.ends_with(suffix)) continue;
    const auto file = files.open(join_path(directory, name));
    if (!file.is_ok()) return file.status();
    bytes += file.value()->size();
  }
  return {};
}

}  // namespace

Status SimpleKvEngine::recover(std::optional<Manifest> manifest, std::unique_ptr<FileLock> lock,
                               std::atomic<double>* shown_progress) {
  lock_ = std::move(lock);
  uint64_t bytes_to_read = 0;
  if (Status status = add_bytes_in(files_, state_directory(), ".snapshot", bytes_to_read); !status.is_ok())
    return status;
  const bool has_snapshots = bytes_to_read > 0;
  if (Status status = add_bytes_in(files_, wal_directory(), ".wal", bytes_to_read); !status.is_ok()) return status;
  LoadProgress progress(shown_progress, bytes_to_read);
  Sequence after = 0;
  Sequence must_reach = 0;
  const bool is_known = manifest.has_value();
  if (manifest) {
    if (manifest->generation > 0) {
      if (Status status = load_snapshot(*manifest, progress); !status.is_ok()) return status;
    }
    {
      MutexLock guard(snapshot_mutex_);
      snapshot_bytes_ = live_bytes();
    }
    after = manifest->begin;
    walk_end_ = manifest->end;
    must_reach = manifest->log_reaches;
    pass_ms_ = manifest->expiry_floor_ms;
    MutexLock guard(snapshot_mutex_);
    manifest_ = *std::move(manifest);
  }
  LogOptions log_options{.directory = wal_directory(),
                         .sync_writes = kv_options_.sync_writes,
                         .sync_interval_ms = kv_options_.sync_interval_ms,
                         .segment_bytes = kv_options_.wal_segment_bytes};
  log_options.must_exist = is_known || has_snapshots;
  log_options.must_reach = must_reach;
  log_options.emergency_bytes = emergency_bytes();
  // What is on a disk that the store has filled is its own: the rest of a snapshot that was killed, and the reserve.
  log_options.make_room = [this] {
    [[maybe_unused]] const Status removed = remove_other_snapshots();  // tried again below
    reserve_.give_up();
  };
  log_options.awaits_keep_free = true;
  log_options.when_full = [this, alive = alive_] {
    if (alive->load()) post_check();
  };
  auto opened =
      Log::open(files_, *executor_, *clock_, log_options, after, [&](Sequence sequence, std::string_view record) {
        progress.add(record.size());
        return replay(sequence, record);
      });
  if (!opened.is_ok()) return opened.status();
  log_ = std::move(opened.value().log);
  last_replayed_ = std::max(after, last_replayed_);
  last_when_opened_ = log_->last();
  recovery_ = opened.value().recovery;
  changes_.store(recovery_.records, std::memory_order_relaxed);  // since the snapshot
  journal_ = log_.get();
  if (!is_known) {
    if (Status status = make_known(); !status.is_ok()) return status;
  }
  bury_expired();
  progress.finish();
  if (Status status = remove_other_snapshots(); !status.is_ok()) return status;
  const Status made = reserve_.make(log_->stats().bytes);
  keep_free_for_snapshot(log_->stats(), live_bytes());
  return made;
}

// From now on the store is known to be there, and a log that is not is damage: its manifest names no snapshot yet. On a
// full disk this has to wait for the first snapshot.
Status SimpleKvEngine::make_known() {
  Manifest first;
  first.shards = shard_count();
  first.hash = kv_options_.hash;
  const Status status = write_manifest(files_, state_directory(), first);
  MutexLock guard(snapshot_mutex_);
  manifest_ = std::move(first);
  return status.kind() == ErrorKind::no_space ? Status() : status;
}

// --- The snapshot

Status SimpleKvEngine::load_snapshot(const Manifest& manifest, LoadProgress& progress) {
  for (const auto& [name, id] : manifest.buckets) catalogue_.bind(name, id);
  catalogue_.raise_generation(manifest.bucket_generation);
  std::vector<Status> outcomes(manifest.shards);
  std::vector<Executor::Task> tasks;
  for (uint32_t i = 0; i < manifest.shards; ++i) {
    tasks.push_back([this, &manifest, &outcomes, &progress, i] {
      outcomes[i] = read_snapshot(
          files_, state_directory(), manifest.generation, i,
          [&](const SnapshotEntry& entry) { return load_entry(manifest, entry); }, &progress);
    });
  }
  // One file, one shard: then no two tasks meet. Spread anew, they take turns.
  const bool same_shards = manifest.shards == shard_count() && manifest.hash == kv_options_.hash;
  if (same_shards)
    executor_->run_all(std::move(tasks));
  else
    for (const auto& task : tasks) task();
  for (const Status& outcome : outcomes)
    if (!outcome.is_ok()) return outcome;
  return {};
}

Status SimpleKvEngine::load_entry(const Manifest& manifest, const SnapshotEntry& entry)
    NO_THREAD_SAFETY_ANALYSIS {  // nobody else has the store yet, and each shard is one task's
  if (is_given_up()) return Status::error(ErrorKind::closed, "told to stop while loading");
  if (!catalogue_.is_bound(entry.bucket) || entry.sequence > manifest.end || entry.sequence == 0)
    return Status::corruption(state_directory(), 0, "a snapshot has an entry that its manifest does not cover");
  apply(shard(shard_of(entry.key)),
        {.kind = Mutation::Kind::put,
         .bucket = entry.bucket,
         .key = entry.key,
         .value = entry.value,
         .expires_at_ms = entry.expires_at_ms},
        entry.sequence);
  return {};
}

// --- The log

bool SimpleKvEngine::is_given_up() const {
  return kv_options_.give_up && kv_options_.give_up->load(std::memory_order_relaxed);
}

Status SimpleKvEngine::replay(Sequence sequence, std::string_view record) {
  last_replayed_ = sequence;
  if (is_given_up()) return Status::error(ErrorKind::closed, "told to stop while loading");
  MutationDecoder decoder(record);
  Mutation mutation;
  std::vector<Mutation> binds;
  replayed_.clear();
  while (decoder.next(mutation)) {
    switch (mutation.kind) {
      case Mutation::Kind::expiry_pass:
        pass_ms_ = std::max(pass_ms_, mutation.expires_at_ms);
        pass_sequence_ = sequence;
        break;
      case Mutation::Kind::bind:
        // Names take effect where they stand: what follows in the batch may be of the new bucket.
        binds.push_back(mutation);
        break;
      case Mutation::Kind::put_pointer:
        return Status::corruption(wal_directory(), 0,
                                  "the record " + std::to_string(sequence) + " of the log points into a value log");
      default:
        if (Status status = replay_mutation(mutation, sequence, binds); !status.is_ok()) return status;
    }
  }
  if (decoder.failed())
    return Status::corruption(wal_directory(), 0,
                              "the record " + std::to_string(sequence) + " of the log is no batch of mutations");
  if (!binds.empty()) replay_binds(binds, sequence);
  return {};
}

void SimpleKvEngine::replay_binds(std::span<const Mutation> binds, Sequence sequence) NO_THREAD_SAFETY_ANALYSIS {
  // Nobody else has the store yet; the locks are taken because apply_binds asserts them.
  for (auto& at : shards_)
    while (!at->lock.try_lock()) {
    }
  apply_binds(binds, sequence);
  for (ShardIndex i = 0; i < shard_count(); ++i) shards_[i]->lock.unlock(i);
}

// The log begins before the walk of the snapshot ended: an entry may be as new as the record, or newer, and then the
// record is in it. What a splice or an expire stands on may have been deleted before the walk came by, and then so were
// they.
Status SimpleKvEngine::replay_mutation(const Mutation& mutation, Sequence sequence, std::span<const Mutation> binds)
    NO_THREAD_SAFETY_ANALYSIS {  // nobody else has the store yet
  const auto binds_it = [&](const Mutation& bind) { return bind.bucket == mutation.bucket; };
  if (!catalogue_.is_bound(mutation.bucket) && std::none_of(binds.begin(), binds.end(), binds_it)) return {};
  Shard& at = shard(shard_of(mutation.key));
  bool present = false;
  if (BucketTable* table = at.find_table(mutation.bucket)) {
    if (const Entry* entry = table->find(mutation.key)) {
      // As new as the record: by the walk, and then all that the record says of this key is in it; or by an earlier
      // mutation of the same record, which the walk had not seen.
      if (entry->sequence() > sequence) return {};
      if (entry->sequence() == sequence && sequence <= walk_end_ &&
          !replayed_.contains({mutation.bucket, mutation.key}))
        return {};
      present = entry->sequence() > pass_sequence_ || is_live(entry->expires_at_ms(), pass_ms_);
    }
  }
  const bool builds_on_base = mutation.kind == Mutation::Kind::splice || mutation.kind == Mutation::Kind::expire;
  if (builds_on_base && !present) {
    if (sequence <= walk_end_) return {};
    return Status::corruption(wal_directory(), 0,
                              "the record " + std::to_string(sequence) + " of the log changes a key that is not there");
  }
  if (sequence <= walk_end_) replayed_.emplace(mutation.bucket, mutation.key);
  apply(at, mutation, sequence);
  return {};
}

// What the last pass judged is gone, whatever the wall clock says now; later passes take the rest.
void SimpleKvEngine::bury_expired() NO_THREAD_SAFETY_ANALYSIS {  // nobody else has the store yet
  for (auto& at : shards_) {
    at->floor_ms = std::max(at->floor_ms, pass_ms_);
    at->next_due_ms = INT64_MAX;
    for (auto& table : at->tables) {
      if (!table) continue;
      const BucketTable::Size before = table->size();
      while (table->expire_first(pass_ms_, nullptr)) {
      }
      at->count_size(before, table->size());
      at->next_due_ms = std::min(at->next_due_ms, table->expiries().first_ms());
    }
  }
}

}  // namespace sett::storage
