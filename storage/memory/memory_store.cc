#include "storage/memory/memory_store.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <string>

#include "storage/keys/batch_encoder.h"

namespace sett::storage {

namespace {

// A position: tag, shard, place in the table (31 bits), 53 bits in all, so that clients which keep a cursor in a double
// keep it whole. The shard takes as few bits as it can, the tag what is left: at least 12 bits, 18 with 16 shards. That
// is how rarely a cursor of another start passes for one of this. The tag is never 0, so neither is a position but the
// first.
constexpr unsigned position_bits = 53, place_bits = HashTable::position_bits;

unsigned bits_for_shards(ShardIndex shards) {
  return static_cast<unsigned>(std::bit_width(shards - 1));
}

uint64_t draw_tag(unsigned tag_bits) {
  return 1 + Random(entropy_seed()).below((1ull << tag_bits) - 1);
}

}  // namespace

MemoryStore::MemoryStore(MemoryStoreOptions options, Journal* journal, Executor& executor, Clock& clock)
    : options_(std::move(options)),
      secret_(HashSecret::draw()),
      journal_(journal),
      executor_(&executor),
      clock_(&clock),
      catalogue_(options_.buckets_max),
      reaper_(std::make_shared<ExpiryReaper>(static_cast<ExpiryTarget&>(*this), executor, clock)),
      shard_bits_(bits_for_shards(options_.shards)),
      scan_tag_(draw_tag(position_bits - place_bits - shard_bits_)),
      alive_(std::make_shared<std::atomic<bool>>(true)) {
  assert(options_.shards >= 1 && options_.shards <= MemoryStoreOptions::shards_max && options_.hash);
  capabilities_.durable = options_.durable;
  capabilities_.may_refuse = options_.durable;  // a log may be full or broken, memory is neither
  for (ShardIndex i = 0; i < options_.shards; ++i) shards_.push_back(std::make_unique<Shard>());
}

MemoryStore::~MemoryStore() {
  alive_->store(false);
  reaper_->stop();
}

void MemoryStore::start() {
  reaper_->start();
}

ShardIndex MemoryStore::shard_of(std::string_view key) const {
  return static_cast<ShardIndex>(options_.hash(key) % shards_.size());
}

// --- Locks. They leave the function that takes them, which the analysis does not follow across the virtual interface.

bool MemoryStore::try_lock(ShardIndex index) NO_THREAD_SAFETY_ANALYSIS {
  return shard(index).lock.try_lock();
}

void MemoryStore::unlock(ShardIndex index) NO_THREAD_SAFETY_ANALYSIS {
  shard(index).lock.unlock(index);
}

void MemoryStore::wait_for_lock(ShardIndex index, LockWaiter& waiter, bool keep) {
  shard(index).lock.wait(index, waiter, keep);
}

int64_t MemoryStore::raise_clock(ShardIndex index, int64_t wall_ms) {
  Shard& at = shard(index);
  at.lock.assert_held();
  return at.floor_ms = std::max(at.floor_ms, wall_ms);
}

// --- Buckets

BucketId MemoryStore::propose_bucket(uint32_t nth, uint32_t names_added) const {
  return catalogue_.propose(nth, names_added);
}

std::vector<BucketInfo> MemoryStore::list_buckets() const {
  std::vector<BucketInfo> buckets;
  for (const auto& [name, id] : catalogue_.names()) buckets.push_back({id, name});
  return buckets;
}

// --- Keys

ReadResult MemoryStore::read(BucketId bucket, std::string_view key, Part part, int64_t now_ms) {
  Shard& at = shard(shard_of(key));
  at.lock.assert_held();
  const ReadResult absent{.kind = ReadResult::Kind::absent, .entry = {}, .depends_on = at.last_removal};
  const BucketTable* table = at.find_table(bucket);
  if (!table) return absent;
  const Entry* entry = table->find(key);
  if (!entry || !is_live(entry->expires_at_ms(), now_ms)) return absent;
  return {.kind = ReadResult::Kind::entry,
          .entry = {.value = part == Part::value ? entry->value() : std::string_view(),
                    .value_bytes = entry->value_bytes(),
                    .expires_at_ms = entry->expires_at_ms(),
                    .sequence = entry->sequence()},
          .depends_on = std::max(entry->sequence(), last_move_)};
}

// All places first: by the time the last was asked for, the first is here, and tells where the entry is.
void MemoryStore::prefetch(std::string_view bucket_name, std::span<const Lookahead> keys) {
  struct Place {
    ShardIndex shard;
    BucketId bucket;
    uint64_t hash;
  };
  thread_local std::vector<Place> places;
  places.clear();
  for (const Lookahead& ahead : keys) {
    const ShardIndex index = shard_of(ahead.key);
    Shard& at = shard(index);
    if (!at.lock.try_once()) continue;
    const BucketId bucket = catalogue_.find(bucket_name);
    if (const BucketTable* table = at.find_table(bucket)) {
      const uint64_t hash = table->entries().hash(ahead.key);
      table->entries().prefetch(hash);
      places.push_back({index, bucket, hash});
    }
    at.lock.unlock(index);
  }
  for (const Place& place : places) {
    Shard& at = shard(place.shard);
    if (!at.lock.try_once()) continue;
    if (const BucketTable* table = at.find_table(place.bucket)) table->entries().prefetch_entry(place.hash);
    at.lock.unlock(place.shard);
  }
}

// A bind frees space where what the name stood for is dropped by it, and is not nothing. Others, as of a swap or a new
// bucket, are like any write: a client may send them without end.
Journal::Urgency MemoryStore::urgency_of(std::span<const Mutation> batch) const {
  bool all_bind = true;
  for (const Mutation& mutation : batch) {
    if (mutation.kind == Mutation::Kind::remove) {
      all_bind = false;
      continue;
    }
    if (mutation.kind != Mutation::Kind::bind || !drops_bucket(mutation)) return Journal::Urgency::normal;
  }
  return all_bind ? Journal::Urgency::drops_bucket : Journal::Urgency::frees_space;
}

bool MemoryStore::drops_bucket(const Mutation& bind) const NO_THREAD_SAFETY_ANALYSIS {  // a bind holds all locks
  const BucketId old = catalogue_.find(bind.key);
  if (old == no_bucket || (bind.bucket != no_bucket && catalogue_.is_bound(bind.bucket))) return false;
  if (bind.bucket == no_bucket) return true;
  for (const auto& at : shards_)
    if (const BucketTable* table = at->find_table(old); table && table->entries().size() > 0) return true;
  return false;
}

CommitResult MemoryStore::append(std::span<const Mutation> batch) {
  thread_local BatchEncoder encoder;
  std::span<const std::string_view> parts;
  if (journal_->keeps_records()) parts = encoder.encode(batch);
  const auto appended = journal_->append(parts, urgency_of(batch));
  encoder.done();
  return commit_result(appended);
}

CommitResult MemoryStore::commit(std::span<const Mutation> batch) {
  const CommitResult result = append(batch);
  if (result.kind != CommitResult::Kind::committed) return result;
  bool binds = false;
  for (size_t i = 0; i < batch.size(); ++i) {
    const Mutation& mutation = batch[i];
    if (mutation.kind == Mutation::Kind::bind) {
      binds = true;
      continue;
    }
    if (mutation.kind == Mutation::Kind::remove && i + 1 < batch.size() &&
        apply_move(mutation, batch[i + 1], result.sequence)) {
      ++i;
      continue;
    }
    Shard& at = shard(shard_of(mutation.key));
    at.lock.assert_held();
    apply(at, mutation, result.sequence);
  }
  std::vector<std::string> names;
  if (binds && hook_) names = names_within(catalogue_, batch);
  if (binds) apply_binds(batch, result.sequence);
  if (hook_) {
    for (size_t i = 0; i < batch.size(); ++i) {
      const Mutation& mutation = batch[i];
      if (mutation.event == Event::none) continue;
      if (mutation.kind == Mutation::Kind::bind)
        hook_->on_mutation(mutation.key, nullptr, mutation.event);
      else
        hook_->on_mutation(binds ? names[i] : catalogue_.name_of(mutation.bucket), &mutation.key, mutation.event);
    }
  }
  changes_.fetch_add(batch.size(), std::memory_order_relaxed);
  return result;
}

void MemoryStore::apply(Shard& at, const Mutation& mutation, Sequence sequence) {
  BucketTable* table = at.find_table(mutation.bucket);
  const bool removes = mutation.kind == Mutation::Kind::remove;
  if (removes) at.last_removal = std::max(at.last_removal, sequence);
  const BucketTable::Size before = table ? table->size() : BucketTable::Size();
  if (!table) {
    if (mutation.kind != Mutation::Kind::put) return;
    table = &at.table(mutation.bucket, secret_);
  }
  table->apply(mutation, sequence);
  if (!removes && mutation.expires_at_ms != 0) at.next_due_ms = std::min(at.next_due_ms, mutation.expires_at_ms);
  at.count_size(before, table->size());
}

bool MemoryStore::apply_move(const Mutation& removal, const Mutation& put, Sequence sequence) {
  if (put.kind != Mutation::Kind::put || put.value.empty()) return false;
  Shard& from = shard(shard_of(removal.key));
  Shard& to = shard(shard_of(put.key));
  from.lock.assert_held();
  to.lock.assert_held();
  BucketTable* source = from.find_table(removal.bucket);
  Entry* entry = source ? source->find(removal.key) : nullptr;
  if (!entry || entry->value().data() != put.value.data() || entry->value().size() != put.value.size()) return false;
  // The entry itself changes its key where that is less work than a copy; else the value is copied before it goes.
  const BucketTable::Size before = source->size();
  entry = source->take(removal.key);
  from.count_size(before, source->size());
  from.last_removal = std::max(from.last_removal, sequence);
  if (Entry* renamed = Entry::rename(entry, put.key, put.expires_at_ms, sequence)) {
    BucketTable& target = to.table(put.bucket, secret_);
    const BucketTable::Size target_before = target.size();
    target.adopt(renamed);
    to.count_size(target_before, target.size());
    if (put.expires_at_ms != 0) to.next_due_ms = std::min(to.next_due_ms, put.expires_at_ms);
  } else {
    apply(to, put, sequence);
    Entry::free(entry);
  }
  return true;
}

void MemoryStore::apply_binds(std::span<const Mutation> batch, Sequence sequence) NO_THREAD_SAFETY_ANALYSIS {
  // A loop over locks that the caller holds all: beyond the analysis.
  std::vector<BucketId> loose;
  for (const Mutation& mutation : batch) {
    if (mutation.kind != Mutation::Kind::bind) continue;
    if (catalogue_.is_bound(mutation.bucket)) last_move_ = sequence;
    loose.push_back(catalogue_.bind(mutation.key, mutation.bucket));
  }
  for (const BucketId id : loose) {
    if (id == no_bucket || catalogue_.is_bound(id)) continue;
    for (auto& at : shards_) {
      at->lock.assert_held();
      at->last_removal = std::max(at->last_removal, sequence);
      if (!at->find_table(id)) continue;
      std::shared_ptr<BucketTable> table = std::move(at->tables[slot_of(id)]);
      at->count_size(table->size(), {});
      free_in_background(std::move(table));
    }
  }
  // A swap changes what is absent where.
  for (auto& at : shards_) at->last_removal = std::max(at->last_removal, sequence);
}

void MemoryStore::free_in_background(std::shared_ptr<BucketTable> table) {
  constexpr uint64_t entries_per_step = 10000;
  Executor* executor = executor_;
  executor->post(Executor::Lane::background, [this, table = std::move(table), alive = alive_]() mutable {
    if (alive->load() && !table->clear_some(entries_per_step)) free_in_background(std::move(table));
  });
}

void MemoryStore::note_usage(BucketId bucket, ShardIndex index, uint64_t hits, uint64_t misses) {
  Shard& at = shard(index);
  at.lock.assert_held();
  const uint32_t slot = slot_of(bucket);
  if (slot >= at.usage.size()) at.usage.resize(slot + 1);
  Shard::Usage& usage = at.usage[slot];
  if (usage.bucket != bucket) usage = {.bucket = bucket};
  usage.hits += hits;
  usage.operations += hits + misses;
}

// Everything is in memory: nobody ever needs anything.
void MemoryStore::fetch(uint64_t, std::span<const Need>, std::function<void(Status)> done) {
  done(Status());
}
void MemoryStore::release_fetched(uint64_t) {}

// --- Iteration

uint64_t MemoryStore::make_position(ShardIndex shard, uint64_t place) const {
  return (scan_tag_ << (shard_bits_ + place_bits)) | (uint64_t{shard} << place_bits) | place;
}

bool MemoryStore::parse_position(uint64_t position, ShardIndex& shard, uint64_t& place) const {
  shard = static_cast<ShardIndex>((position >> place_bits) & ((1u << shard_bits_) - 1));
  place = position & ((1ull << place_bits) - 1);
  if (position >> (shard_bits_ + place_bits) == scan_tag_ && shard < shards_.size()) return true;
  shard = 0;
  place = 0;
  return false;
}

ShardIndex MemoryStore::scan_shard(uint64_t position) const {
  ShardIndex shard;
  uint64_t place;
  parse_position(position, shard, place);
  return shard;
}

uint64_t MemoryStore::scan(const Scan& scan, const ScanVisitor& visit, std::vector<Need>&) {
  ShardIndex index;
  uint64_t place;
  parse_position(scan.position, index, place);
  Shard& at = shard(index);
  at.lock.assert_held();
  if (const BucketTable* table = at.find_table(scan.bucket)) {
    place = table->entries().scan(place, scan.entries_max, [&](const Entry& entry) {
      if (!is_live(entry.expires_at_ms(), scan.now_ms)) return;
      visit(entry.key(), {.value = entry.value(),
                          .value_bytes = entry.value_bytes(),
                          .expires_at_ms = entry.expires_at_ms(),
                          .sequence = entry.sequence()});
    });
  } else {
    place = HashTable::end_position;
  }
  if (place < HashTable::end_position) return make_position(index, place);
  return index + 1 < shards_.size() ? make_position(index + 1, 0) : 0;
}

int64_t MemoryStore::count(BucketId bucket, ShardIndex index, int64_t now_ms, std::vector<Need>&) {
  Shard& at = shard(index);
  at.lock.assert_held();
  const BucketTable* table = at.find_table(bucket);
  return table ? static_cast<int64_t>(table->live_count(now_ms)) : 0;
}

BucketUsage MemoryStore::usage(BucketId bucket, ShardIndex index, int64_t now_ms) {
  constexpr size_t expiry_samples_max = 32;
  Shard& at = shard(index);
  at.lock.assert_held();
  BucketUsage usage;
  if (const uint32_t slot = slot_of(bucket); slot < at.usage.size() && at.usage[slot].bucket == bucket) {
    usage.operations = at.usage[slot].operations;
    usage.hits = at.usage[slot].hits;
  }
  const BucketTable* table = at.find_table(bucket);
  if (!table) return usage;
  const uint64_t due = table->expiries().due(now_ms);
  usage.keys = table->entries().size() - due;
  usage.expiring_keys = table->expiries().size() - due;
  usage.bytes = table->key_and_value_bytes();
  table->expiries().sample_time_left(now_ms, expiry_samples_max, usage.expires_in_sum_ms, usage.expires_in_count);
  return usage;
}

bool MemoryStore::may_hold_keys(BucketId bucket) NO_THREAD_SAFETY_ANALYSIS {  // under all locks
  return std::any_of(shards_.begin(), shards_.end(), [bucket](const auto& at) {
    at->lock.assert_held();
    const BucketTable* table = at->find_table(bucket);
    return table && table->entries().size() > 0;
  });
}

bool MemoryStore::sample(BucketId bucket, ShardIndex index, int64_t now_ms, Random& random, std::string& key,
                         std::vector<Need>&) {
  Shard& at = shard(index);
  at.lock.assert_held();
  const BucketTable* table = at.find_table(bucket);
  if (!table || table->live_count(now_ms) == 0) return false;
  constexpr int tries_max = 100;
  for (int tries = 0; tries < tries_max; ++tries) {
    const Entry* entry = table->entries().sample(random);
    if (!entry || !is_live(entry->expires_at_ms(), now_ms)) continue;
    key.assign(entry->key());
    return true;
  }
  // Nearly everything has expired and is not yet removed: take the first that lives.
  bool found = false;
  for (uint64_t place = 0; place < HashTable::end_position && !found;) {
    place = table->entries().scan(place, 1000, [&](const Entry& entry) {
      if (found || !is_live(entry.expires_at_ms(), now_ms)) return;
      key.assign(entry.key());
      found = true;
    });
  }
  return found;
}

// --- Expiry

bool MemoryStore::raise_floor(ShardIndex index, int64_t pass_ms, int64_t& next_due_ms) {
  Shard& at = shard(index);
  if (!at.lock.try_lock()) return false;
  at.floor_ms = std::max(at.floor_ms, pass_ms);
  next_due_ms = at.next_due_ms;
  at.lock.unlock(index);
  return true;
}

ExpiryTarget::Removal MemoryStore::remove_due(ShardIndex index, int64_t pass_ms, Sequence pass, uint32_t& left) {
  Shard& at = shard(index);
  if (!at.lock.try_lock()) return Removal::lock_missed;
  bool done = true;
  if (at.next_due_ms <= pass_ms) {
    std::string key;
    int64_t next_due_ms = INT64_MAX;
    for (auto& table : at.tables) {
      if (!table) continue;
      const BucketTable::Size before = table->size();
      for (; left > 0 && table->expire_first(pass_ms, hook_ ? &key : nullptr); --left) {
        const std::string_view view = key;
        if (hook_) hook_->on_mutation(catalogue_.name_of(table->id()), &view, Event::expired);
      }
      at.count_size(before, table->size());
      next_due_ms = std::min(next_due_ms, table->expiries().first_ms());
    }
    at.last_removal = std::max(at.last_removal, pass);
    at.next_due_ms = next_due_ms;
    done = next_due_ms > pass_ms;
  }
  at.lock.unlock(index);
  return done ? Removal::done : Removal::more;
}

// --- The rest

bool MemoryStore::over_memory_limit() {
  if (options_.memory_max == 0) return false;
  int64_t bytes = 0;
  for (const auto& at : shards_) bytes += at->memory_bytes.load(std::memory_order_relaxed);
  return bytes > static_cast<int64_t>(options_.memory_max);
}

void MemoryStore::snapshot(std::function<void(Status)> done) {
  done(Status::error(ErrorKind::unsupported, "the backend " + options_.backend + " keeps nothing on disk"));
}

StoreStats MemoryStore::stats() const {
  StoreStats stats;
  stats.expired_keys = reaper_->expired_keys();
  stats.expiry_lag_ms = reaper_->lag_ms();
  stats.changes_since_snapshot = changes_.load(std::memory_order_relaxed);
  return stats;
}

Status MemoryStore::close() {
  reaper_->stop();
  return Status();
}

}  // namespace sett::storage
