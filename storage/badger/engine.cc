#include "storage/badger/engine.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "storage/badger/badger_backup.h"
#include "storage/badger/caretaker.h"
#include "storage/badger/compactor.h"
#include "storage/badger/disk_guard.h"
#include "storage/badger/due_loader.h"
#include "storage/badger/flusher.h"
#include "storage/badger/memory_budget.h"
#include "storage/badger/value_log_gc.h"
#include "storage/keys/batch_encoder.h"
#include "storage/keys/tree_key.h"
#include "storage/table/filter.h"

namespace sett::storage {

namespace {
// Before anybody else has the shard.
void set_hot_capacity(BadgerShard& shard, uint64_t bytes) NO_THREAD_SAFETY_ANALYSIS {
  shard.hot.set_capacity(bytes);
}

// With memtables that the limit on memory has room for.
BadgerOptions fitted(BadgerOptions options) {
  const auto fit = MemoryShares::mem_tables(options.memory_limit_bytes, {options.mem_table_bytes, options.mem_tables});
  options.mem_table_bytes = fit.bytes;
  options.mem_tables = fit.sealed;
  return options;
}
}  // namespace

BadgerEngine::BadgerEngine(FileSystem& files, std::unique_ptr<FileSystem> own_files, Executor& executor, Clock& clock,
                           const BadgerOptions& options, KeyHash hash)
    : own_files_(std::move(own_files)),
      files_(own_files_ ? *own_files_ : files),
      executor_(executor),
      clock_(clock),
      options_(fitted(options)),
      hash_(hash),
      seed_(options.seed != 0 ? options.seed : entropy_seed()),
      catalogue_(options.buckets_max),
      alive_(std::make_shared<std::atomic<bool>>(true)),
      pacer_(options_.memtables_room()),
      io_limiter_(options.background_io_bytes_per_s, clock),
      cache_(MemoryShares::cache(options.memory_limit_bytes, options.cache_bytes, 0, options.compaction_threads)),
      value_logs_(files_, join_path(options.path, "values")),
      reader_(files_, cache_, value_logs_),
      cursors_(seed_ + 1),
      reaper_(std::make_shared<ExpiryReaper>(static_cast<ExpiryTarget&>(*this), executor, clock)),
      due_loader_(std::make_unique<DueLoader>(*this)),
      flusher_(std::make_unique<Flusher>(*this)),
      compactor_(std::make_unique<Compactor>(*this)),
      gc_(std::make_unique<ValueLogGc>(*this)),
      memory_budget_(std::make_unique<MemoryBudget>(*this)),
      disk_guard_(std::make_unique<DiskGuard>(*this)),
      caretaker_(std::make_unique<Caretaker>(*this)) {
  capabilities_.ordered = true;
  capabilities_.upkeep = true;
  capabilities_.durable = !options.in_memory;
  const uint64_t hot_bytes = MemoryShares::hot_entries(options.memory_limit_bytes, options.cache_bytes);
  for (ShardIndex i = 0; i < options.shards; ++i) {
    shards_.push_back(std::make_unique<BadgerShard>());
    set_hot_capacity(*shards_.back(), hot_bytes / options.shards);
  }
}

BadgerEngine::~BadgerEngine() {
  alive_->store(false);
  reaper_->stop();
}

// Not run any more once the engine is gone.
void BadgerEngine::post(Executor::Lane lane, std::function<void()> task, int64_t delay_ms) {
  auto guarded = [alive = alive_, task = std::move(task)] {
    if (alive->load()) task();
  };
  if (delay_ms == 0)
    executor_.post(lane, std::move(guarded));
  else
    executor_.post_after(lane, delay_ms, std::move(guarded));
}

void BadgerEngine::start() {
  reaper_->start();
  due_loader_->start();
  flusher_->start();
  compactor_->start();
  gc_->start();
  memory_budget_->start();
  disk_guard_->start();
}

// --- Locks. They leave the function that takes them, which the analysis does not follow across the virtual interface.

bool BadgerEngine::try_lock(ShardIndex index) NO_THREAD_SAFETY_ANALYSIS {
  return shard(index).lock.try_lock();
}

void BadgerEngine::unlock(ShardIndex index) NO_THREAD_SAFETY_ANALYSIS {
  shard(index).release(index);
}

void BadgerEngine::wait_for_lock(ShardIndex index, LockWaiter& waiter, bool keep) {
  shard(index).lock.wait(index, waiter, keep);
}

int64_t BadgerEngine::raise_clock(ShardIndex index, int64_t wall_ms) {
  BadgerShard& at = shard(index);
  at.lock.assert_held();
  return at.floor_ms = std::max(at.floor_ms, wall_ms);
}

bool BadgerEngine::try_lock_all() NO_THREAD_SAFETY_ANALYSIS {  // a loop is beyond the analysis
  for (ShardIndex i = 0; i < shard_count(); ++i) {
    if (shard(i).lock.try_lock()) continue;
    while (i > 0) {
      --i;
      shard(i).lock.unlock(i);
    }
    return false;
  }
  return true;
}

void BadgerEngine::unlock_all() {
  for (ShardIndex i = 0; i < shard_count(); ++i) unlock(i);
}

// --- Buckets

std::vector<BucketInfo> BadgerEngine::list_buckets() const {
  std::vector<BucketInfo> buckets;
  for (const auto& [name, id] : catalogue_.names()) buckets.push_back({id, name});
  return buckets;
}

void BadgerEngine::publish_live_buckets() {
  auto live = std::make_shared<std::unordered_set<BucketId>>();
  for (const auto& [name, id] : catalogue_.names()) live->insert(id);
  MutexLock lock(live_mutex_);
  live_buckets_ = std::move(live);
}

std::function<bool(BucketId)> BadgerEngine::dead_buckets() const {
  MutexLock lock(live_mutex_);
  return [live = live_buckets_](BucketId bucket) { return !live->contains(bucket); };
}

VersionPtr BadgerEngine::visible_version() const {
  MutexLock lock(live_mutex_);
  return visible_;
}

void BadgerEngine::note_usage(BucketId bucket, ShardIndex index, uint64_t hits, uint64_t misses) {
  BadgerShard& at = shard(index);
  at.lock.assert_held();
  const uint32_t slot = slot_of(bucket);
  if (slot >= at.usage.size()) at.usage.resize(slot + 1);
  BadgerShard::Usage& usage = at.usage[slot];
  if (usage.bucket != bucket) usage = {.bucket = bucket};
  usage.hits += hits;
  usage.operations += hits + misses;
}

// --- Expiry

bool BadgerEngine::raise_floor(ShardIndex index, int64_t pass_ms, int64_t& next_due_ms) {
  BadgerShard& at = shard(index);
  if (!at.lock.try_lock()) return false;
  at.floor_ms = std::max(at.floor_ms, pass_ms);
  next_due_ms = at.active->first_due();
  for (const auto& sealed : at.sealed) next_due_ms = std::min(next_due_ms, sealed.part->first_due());
  if (const DueKeys::Due* due = at.due.first()) next_due_ms = std::min(next_due_ms, due->due_ms);
  // What was due and is gone already stays in a sealed part: that is no reason for another pass.
  if (next_due_ms <= at.passed_ms) next_due_ms = at.passed_ms + 1;
  if (next_due_ms > pass_ms && at.due.covers(pass_ms)) at.passed_ms = std::max(at.passed_ms, pass_ms);
  at.release(index);
  return true;
}

ExpiryTarget::Removal BadgerEngine::remove_due(ShardIndex index, int64_t pass_ms, Sequence pass, uint32_t& left) {
  BadgerShard& at = shard(index);
  if (!at.lock.try_lock()) return Removal::lock_missed;
  at.judged_ms = std::max(at.judged_ms, pass_ms);
  const bool done = expire_some(at, pass_ms, pass, left);
  // What lies in the index beyond what is known is loaded first, and another pass sees to it.
  if (done && at.due.covers(pass_ms)) at.passed_ms = std::max(at.passed_ms, pass_ms);
  at.release(index);
  return done ? Removal::done : Removal::more;
}

bool BadgerEngine::has_newer_expiry(const BadgerShard& at, std::string_view tree_key, size_t first_part) {
  const auto decides = [&](const Memtable& part) {
    const MemEntry* entry = part.find(tree_key);
    return entry && (entry->kind() != MemEntry::Kind::patch || entry->sets_expiry());
  };
  if (decides(*at.active)) return true;
  for (size_t part = first_part; part < at.sealed.size(); ++part)
    if (decides(*at.sealed[part].part)) return true;
  return false;
}

bool BadgerEngine::expire_some(BadgerShard& at, int64_t pass_ms, Sequence pass, uint32_t& left) {
  while (const MemEntry* entry = at.active->first_due_entry()) {
    if (entry->expires_at_ms() > pass_ms) break;
    if (left == 0) return false;
    --left;
    expire_key(at, std::string(entry->key()), pass, {});
  }
  for (size_t part = at.sealed.size(); part-- > 0;) {
    std::vector<std::string> due;
    bool all = true;
    at.sealed[part].part->for_each_due(pass_ms, [&](const MemEntry& entry) {
      at.lock.assert_held();
      if (entry.expires_at_ms() <= at.passed_ms) return;  // seen to by an earlier pass
      if (has_newer_expiry(at, entry.key(), part + 1)) return;
      if (due.size() < left)
        due.emplace_back(entry.key());
      else
        all = false;
    });
    for (const std::string& key : due) expire_key(at, key, pass, prior_of(at, key));
    left -= static_cast<uint32_t>(due.size());
    if (!all) return false;
  }
  while (const DueKeys::Due* due = at.due.first()) {
    if (due->due_ms > pass_ms) break;
    if (left == 0) return false;
    if (!has_newer_expiry(at, due->tree_key, 0) && catalogue_.is_bound(bucket_of(due->tree_key))) {
      --left;
      const bool is_patched = std::any_of(at.sealed.begin(), at.sealed.end(), [&](const BadgerShard::Sealed& sealed) {
        return sealed.part->find(due->tree_key) != nullptr;
      });
      const Prior below{Prior::Kind::present, due->value_bytes, due->due_ms};
      expire_key(at, due->tree_key, pass, is_patched ? Prior() : below);
    }
    at.due.remove_first();
  }
  return true;
}

void BadgerEngine::expire_key(BadgerShard& at, std::string_view tree_key, Sequence pass, const Prior& below) {
  const std::string key(tree_key);
  if (!at.hot.empty()) at.hot.erase(filter_hash(key), key);
  at.active->remove(key, pass, below);
  at.last_removal = std::max(at.last_removal, pass);
  count_memory(at);
  if (!hook_) return;
  const std::string_view view = user_key(key);
  hook_->on_mutation(catalogue_.name_of(bucket_of(key)), &view, Event::expired);
}

void BadgerEngine::show_current(std::function<void()> then) NO_THREAD_SAFETY_ANALYSIS {  // under all locks
  constexpr int64_t lock_retry_ms = 1;
  if (!try_lock_all()) {
    post(
        Executor::Lane::foreground, [this, then = std::move(then)]() mutable { show_current(std::move(then)); },
        lock_retry_ms);
    return;
  }
  const VersionPtr version = versions_->current();
  std::vector<VersionPtr> before;  // freed without the locks
  for (auto& at : shards_) before.push_back(std::exchange(at->version, version));
  {
    MutexLock lock(live_mutex_);
    visible_ = version;
  }
  unlock_all();
  then();
}

// --- The rest

// The log is asked to sync, and asked again whether it has, until it has.
void BadgerEngine::when_synced(Sequence sequence, std::function<void(Status)> then) {
  constexpr int64_t poll_ms = 1;
  if (log_->synced() >= sequence) return then({});
  if (log_->failed()) return then(Status::error(ErrorKind::io, "a write or sync of the log failed"));
  log_->request_sync();
  post(
      Executor::Lane::background,
      [this, sequence, then = std::move(then)]() mutable { when_synced(sequence, std::move(then)); }, poll_ms);
}

void BadgerEngine::prepare_values() {
  if (prepare_posted_.exchange(true)) return;
  post(Executor::Lane::log, [this] {
    prepare_posted_ = false;
    // An error shows in the answer to who asks for room.
    [[maybe_unused]] const Status status = value_writer_->prepare();
    log_->announce_progress();
  });
}

void BadgerEngine::snapshot(std::function<void(Status)> done) {
  flusher_->flush_all(std::move(done));
}

void BadgerEngine::keep_up(Upkeep what, const std::string& bucket, std::function<void(Result<uint64_t>)> done) {
  caretaker_->ask(what, bucket, std::move(done));
}

void BadgerEngine::begin_backup(BackupPartDone done) {
  BadgerBackup::begin(*this, std::move(done));
}

Status BadgerEngine::close() {
  closing_ = true;
  reaper_->stop();
  if (Status status = log_->close(); !status) return status;
  if (log_->failed()) return {};
  if (Status status = value_writer_->close(); !status) return status;
  return flusher_->note_end();
}

}  // namespace sett::storage
