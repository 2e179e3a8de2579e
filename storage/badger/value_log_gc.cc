#include "storage/badger/value_log_gc.h"

#include <algorithm>
#include <array>
#include <utility>

#include "storage/badger/compactor.h"
#include "storage/badger/disk_guard.h"
#include "storage/badger/flusher.h"
#include "storage/keys/tree_key.h"

namespace sett::storage {

namespace {
constexpr int64_t tick_ms = 1000;
constexpr int64_t retry_ms = 2;
constexpr uint64_t records_per_step = 64, bytes_per_step = 4 << 20;

// Of a value log; a file that is all alive would never be so with its header.
uint64_t bytes_of_records(uint64_t file_bytes) {
  return file_bytes - std::min(file_bytes, vlog_format::file_header_bytes);
}
}  // namespace

void ValueLogGc::start() {
  {
    MutexLock lock(mutex_);
    next_run_ms_ = engine_.clock_.steady_ms() + engine_.options_.gc_interval_ms;
  }
  tick();
}

ValueLogGc::Stats ValueLogGc::stats() const {
  MutexLock lock(mutex_);
  return stats_;
}

void ValueLogGc::tick() {
  check();
  rotate_wasteful();
  engine_.post(
      Executor::Lane::background, [this] { tick(); }, tick_ms);
}

void ValueLogGc::check() {
  {
    MutexLock lock(mutex_);
    if (checking_) return;
    checking_ = true;
  }
  engine_.post(Executor::Lane::background, [this] {
    {
      MutexLock lock(mutex_);
      checking_ = false;
    }
    if (engine_.closing_) return;
    remove_dead();
    begin();
  });
}

// What nothing points into: no table, and no memtable either, as all records that name the file are flushed. Or what a
// collection has emptied, though tables may still name it in entries that are older than others.
void ValueLogGc::remove_dead() {
  MutexLock one_at_a_time(remove_mutex_);
  const Sequence flushed = engine_.flusher_->flushed_through();
  const TreeManifest manifest = engine_.versions_->manifest();
  const auto pointed_to = engine_.versions_->current()->value_bytes_in();
  VersionEdit edit;
  uint64_t bytes = 0;
  {
    MutexLock lock(mutex_);
    for (const VlogMeta& file : manifest.value_logs) {
      const auto emptied = emptied_.find(file.number);
      const bool is_emptied = emptied != emptied_.end() && emptied->second <= flushed;
      const bool is_dead = !pointed_to.contains(file.number) && engine_.is_settled(file.number, flushed);
      if (!is_emptied && !is_dead) continue;
      edit.removed_value_logs.push_back(file.number);
      bytes += file.file_bytes;
    }
  }
  if (edit.removed_value_logs.empty()) return;
  // A flush does not name it again.
  edit.change = [&](TreeManifest&) {
    for (const uint64_t file : edit.removed_value_logs) engine_.value_writer_->forget(file);
  };
  if (!engine_.versions_->apply(edit)) return;  // the next check tries again
  for (const uint64_t file : edit.removed_value_logs) engine_.value_logs_.forget(file);
  engine_.versions_->remove_needless();
  MutexLock lock(mutex_);
  stats_.removed_files += edit.removed_value_logs.size();
  stats_.removed_bytes += bytes;
  for (const uint64_t file : edit.removed_value_logs) emptied_.erase(file);
}

// The file of which the largest part is dead, if that is enough: by the ratio when a run is due, and less than that
// while all files together take too much space.
std::optional<VlogMeta> ValueLogGc::choose() {
  const Sequence flushed = engine_.flusher_->flushed_through();
  const TreeManifest manifest = engine_.versions_->manifest();
  const auto pointed_to = engine_.versions_->current()->value_bytes_in();
  const uint64_t room = engine_.disk_guard_->room_for_collection();
  uint64_t bytes = 0, live = 0, deadest_live = 0;
  std::optional<VlogMeta> deadest;
  double deadest_share = 0;
  MutexLock lock(mutex_);
  for (const VlogMeta& file : manifest.value_logs) {
    const auto at = pointed_to.find(file.number);
    const uint64_t live_in = at == pointed_to.end() ? 0 : at->second;
    const uint64_t bytes_in = bytes_of_records(file.file_bytes);
    if (wish_ && file.number >= wish_->below_number) continue;
    if (bytes_in == 0 || emptied_.contains(file.number) || !engine_.is_settled(file.number, flushed)) continue;
    bytes += bytes_in;
    live += live_in;
    const double share = 1 - static_cast<double>(live_in) / static_cast<double>(bytes_in);
    if (share > deadest_share) {
      deadest_share = share;
      deadest_live = live_in;
      deadest = file;
    }
  }
  if (deadest && deadest_live > room) {  // what is deleted or merged may make some
    if (wish_ && deadest_share >= worth_it)
      wish_->failure = Status::error(ErrorKind::no_space, "there is no room to copy what lives in a value log");
    return std::nullopt;
  }
  if (wish_) return deadest_share >= worth_it ? deadest : std::nullopt;
  const bool is_due = engine_.clock_.steady_ms() >= next_run_ms_;
  const bool wastes = static_cast<double>(bytes) > engine_.options_.space_amplification_max * static_cast<double>(live);
  if (is_due && deadest_share >= engine_.options_.gc_discard_ratio) return deadest;
  if (wastes && deadest_share >= worth_it && engine_.compactor_->is_idle()) return deadest;
  if (is_due) next_run_ms_ = engine_.clock_.steady_ms() + engine_.options_.gc_interval_ms;
  return std::nullopt;
}

// The file that is written to cannot be collected: if much of it is dead, and all files together take too much, it
// gives way to a new one.
void ValueLogGc::rotate_wasteful() {
  const auto pointed_to = engine_.versions_->current()->value_bytes_in();
  for (const ValueWriter::File& file : engine_.value_writer_->files()) {
    if (file.sealed || !engine_.flusher_->is_idle() || engine_.memtable_bytes_.load(std::memory_order_relaxed) > 0)
      continue;  // what points into it is known once all is flushed
    const auto at = pointed_to.find(file.number);
    const uint64_t live = at == pointed_to.end() ? 0 : at->second;
    const uint64_t bytes = bytes_of_records(file.bytes);
    if (bytes > 0 && static_cast<double>(bytes) > engine_.options_.space_amplification_max * static_cast<double>(live))
      engine_.value_writer_->rotate();
  }
}

bool ValueLogGc::rotate_dead(double share) {
  const auto pointed_to = engine_.versions_->current()->value_bytes_in();
  for (const ValueWriter::File& file : engine_.value_writer_->files()) {
    if (file.sealed) continue;
    const auto at = pointed_to.find(file.number);
    const auto live = static_cast<double>(at == pointed_to.end() ? 0 : at->second);
    const auto bytes = static_cast<double>(bytes_of_records(file.bytes));
    if (bytes == 0 || 1 - live / bytes < share) continue;
    engine_.value_writer_->rotate();
    return true;
  }
  return false;
}

void ValueLogGc::collect_all(uint64_t below_number, std::function<void(Status)> done) {
  {
    MutexLock lock(mutex_);
    wish_ = Wish{below_number, std::move(done), {}};
  }
  check();
}

void ValueLogGc::begin() {
  bool is_wished = false;
  {
    MutexLock lock(mutex_);
    is_wished = wish_.has_value();
    if (collecting_ || (!engine_.options_.gc_enabled && !is_wished)) return;
    collecting_ = true;
  }
  const auto file = choose();
  auto collection = std::make_shared<Collection>();
  if (!file) {
    std::optional<Wish> granted;
    bool came_meanwhile = false;
    {
      MutexLock lock(mutex_);
      collecting_ = false;
      if (is_wished) granted.swap(wish_);
      came_meanwhile = wish_.has_value();
    }
    if (granted) granted->done(granted->failure);
    if (came_meanwhile) check();
    return;
  }
  collection->file = file->number;
  collection->bytes = file->file_bytes;
  auto reader = engine_.value_logs_.open(file->number);
  if (!reader) return ended(collection, reader.status());
  collection->scanner = std::make_unique<VlogScanner>(*reader, file->file_bytes);
  read_some(collection);
}

// The next records, without those that the tables alone show to be dead.
void ValueLogGc::read_some(const std::shared_ptr<Collection>& collection) {
  if (engine_.closing_) return;
  collection->records.clear();
  collection->next = 0;
  uint64_t bytes = 0;
  while (collection->records.size() < records_per_step && bytes < bytes_per_step) {
    if (Status status = collection->scanner->next(); !status) return ended(collection, status);
    if (!collection->scanner->valid()) break;
    const VlogScanner& at = *collection->scanner;
    bytes += at.value().size();
    collection->records.push_back({at.offset(), std::string(at.tree_key()), std::string(at.value())});
  }
  if (collection->records.empty()) return ended(collection, {});
  constexpr int64_t us_per_ms = 1000;
  engine_.post(
      Executor::Lane::background, [this, collection] { move_some(collection); },
      engine_.io_limiter_.take(bytes) / us_per_ms);
}

void ValueLogGc::move_some(const std::shared_ptr<Collection>& collection) {
  if (engine_.closing_) return;
  constexpr size_t moves_per_lock = 4;
  // What the step under the lock reads from memory is brought in before, and kept.
  auto pins = std::make_shared<Pins>();
  // The current one, which may not be visible yet: it has all records up to flushed_through, by which the file was
  // chosen.
  const VersionPtr version = engine_.versions_->current();
  std::vector<size_t> alive;
  for (size_t i = collection->next; i < collection->records.size() && alive.size() < moves_per_lock; ++i) {
    const Record& record = collection->records[i];
    auto got = engine_.reader_.get(*version, record.tree_key, Access::load, *pins);
    if (!got) return ended(collection, got.status());
    collection->next = i + 1;
    if (got->kind != TreeEntry::Kind::entry || got->entry.kind != TableEntry::Kind::pointer ||
        pointer_of(got->entry).file != collection->file || pointer_of(got->entry).offset != record.offset)
      continue;
    auto value = engine_.reader_.value(pointer_of(got->entry), record.tree_key, Access::load, *pins);
    if (!value) return ended(collection, value.status());
    alive.push_back(i);
  }
  if (alive.empty()) {
    if (collection->next < collection->records.size())
      engine_.post(Executor::Lane::background, [this, collection] { move_some(collection); });
    else
      read_some(collection);
    return;
  }
  engine_.post(Executor::Lane::foreground, [this, collection, alive, pins] {
    bool waits = false;
    for (const size_t i : alive) {
      if (move_one(*collection, collection->records[i], waits)) continue;
      collection->next = i;  // and once more from here
      break;
    }
    engine_.log_->write_if_small();
    engine_.post(
        Executor::Lane::background, [this, collection] { move_some(collection); }, waits ? retry_ms : 0);
  });
}

// Under the lock of its shard: puts the value again if its key still points to this record. False: not now.
bool ValueLogGc::move_one(Collection& collection, const Record& record, bool& waits) {
  const BucketId bucket = bucket_of(record.tree_key);
  const std::string_view key = user_key(record.tree_key);
  const ShardIndex index = engine_.shard_of(key);
  BadgerShard& at = engine_.shard(index);
  waits = true;
  // As any writer: were clients first, nothing would be given back while they write as fast as they may.
  if (engine_.stalled_.load() || !engine_.pacer_.admit(engine_.memtables_bytes(), engine_.clock_.steady_us()))
    return false;
  if (!at.lock.try_lock()) return false;
  const BadgerEngine::Found found = engine_.find(at, record.tree_key, true);
  bool is_done = true;
  if (found.kind == BadgerEngine::Found::Kind::missing) {
    is_done = false;  // the tables have changed since
  } else if (!engine_.catalogue_.is_bound(bucket)) {
    collection.dead_through = std::max(collection.dead_through, engine_.log_->last());
  } else if (found.kind != BadgerEngine::Found::Kind::entry || found.pointer.file != collection.file ||
             found.pointer.offset != record.offset) {
    collection.dead_through = std::max(collection.dead_through, found.sequence);
  } else if (!found.is_live(at.floor_ms)) {
    is_done = false;  // the pass that removes it is under way
  } else {
    std::array<Mutation, 1> put{Mutation{.kind = Mutation::Kind::put,
                                         .bucket = bucket,
                                         .key = key,
                                         .value = found.value,
                                         .expires_at_ms = found.expires_at_ms}};
    const auto appended = engine_.append(put);
    is_done = appended.room == Journal::Room::ok;
    if (is_done) {
      engine_.io_limiter_.take(found.value.size());
      engine_.note_written(put);
      engine_.apply(at, put[0], appended.sequence);
      collection.dead_through = std::max(collection.dead_through, appended.sequence);
      MutexLock lock(mutex_);
      ++stats_.moved_values;
      stats_.moved_bytes += vlog_format::record_bytes(record.tree_key.size(), record.value.size());
    }
  }
  at.release(index);
  engine_.seal_if_full();
  waits = !is_done;
  return is_done;
}

void ValueLogGc::ended(const std::shared_ptr<Collection>& collection, const Status& status) {
  bool is_wished = false;
  {
    MutexLock lock(mutex_);
    collecting_ = false;
    is_wished = wish_.has_value();
    if (status) {
      ++stats_.runs;
      emptied_[collection->file] = collection->dead_through;
    } else {
      // Damage in a file is not mended by reading it again and again.
      next_run_ms_ = engine_.clock_.steady_ms() + engine_.options_.gc_interval_ms;
      if (status.kind() != ErrorKind::closed) emptied_[collection->file] = UINT64_MAX;
      if (wish_ && wish_->failure) wish_->failure = status;
    }
  }
  // What was moved, and what replaced the rest, is flushed soon.
  if (status) engine_.flusher_->memtable_is_full();
  if (is_wished) check();
}

}  // namespace sett::storage
