#include "tests/support/engine_harness.h"

#include <catch2/catch.hpp>

namespace sett::storage {

namespace {
constexpr uint64_t reader = 7;
constexpr int holds_without_time = 3;

// Here nobody holds a lock for long: a waiter is called back at once, or after some steps of the executor.
class TestWaiter final : public LockWaiter {
 public:
  void lock_ready(ShardIndex, bool owned) override {
    ready = true;
    is_owned = owned;
  }
  bool ready = false, is_owned = false;
};
}  // namespace

std::vector<EngineOptions> all_engines() {
  std::vector<EngineOptions> engines;
  for (const char* engine : {"memory", "simple_kv", "badger"}) {
    for (const bool chaos : {false, true}) {
      EngineOptions options;
      options.engine = engine;
      options.chaos = chaos;
      engines.push_back(options);
    }
  }
  EngineOptions in_memory;
  in_memory.engine = "badger";
  in_memory.badger.in_memory = true;
  engines.push_back(in_memory);
  return engines;
}

std::string describe(const EngineOptions& options) {
  return (options.chaos ? "chaos over " : "") + options.engine + (options.badger.in_memory ? " in memory" : "") +
         " seed " + std::to_string(options.seed) + " shards " + std::to_string(options.kv.shards) + " hash " +
         options.kv.hash + (options.kv.sync_writes ? " sync_writes" : "");
}

EngineHarness::EngineHarness(EngineOptions options_to_use)
    : options(std::move(options_to_use)),
      files(std::make_unique<SimulatedFileSystem>()),
      executor(options.seed, clock) {}

EngineHarness::~EngineHarness() {
  gone();
}

Result<std::unique_ptr<Store>> EngineHarness::open_engine(FileSystem& in, const std::string& path) {
  SimpleKvOptions kv = options.kv;
  kv.path = path;
  if (options.engine == "simple_kv") return open_simple_kv(in, executor, clock, kv, nullptr);
  const ShardIndex shards = options.kv.shards != 0 ? options.kv.shards : options.kv.default_shards;
  if (options.engine == "badger") {
    BadgerOptions badger = options.badger;
    badger.path = path;
    badger.shards = shards;
    badger.hash = options.kv.hash;
    badger.buckets_max = options.kv.buckets_max;
    badger.sync_writes = options.kv.sync_writes;
    badger.sync_interval_ms = options.kv.sync_interval_ms;
    badger.wal_segment_bytes = options.kv.wal_segment_bytes;
    badger.seed = options.seed;
    return open_badger(in, executor, clock, badger, nullptr);
  }
  const MemoryStoreOptions memory{.shards = shards,
                                  .hash = find_key_hash(options.kv.hash),
                                  .buckets_max = options.kv.buckets_max,
                                  .memory_max = options.memory_max};
  return std::unique_ptr<Store>(std::make_unique<MemoryStore>(memory, &counting_, executor, clock));
}

Status EngineHarness::open() {
  files->set_caches_reads(options.caches_reads.value_or(options.seed % 3 == 0));
  auto result = open_engine(seen_through && options.engine == "badger" ? *seen_through : *files, options.kv.path);
  if (!result.is_ok()) return result.status();
  std::unique_ptr<Store> opened = std::move(result).value();
  if (options.chaos)
    opened = std::make_unique<ChaosStore>(std::move(opened), executor, ChaosOptions{.seed = options.seed});
  store_ = std::move(opened);
  store_->set_hook(this);
  if (options.starts) store_->start();
  return {};
}

uint64_t EngineHarness::figure(std::string_view name) const {
  uint64_t found = 0;
  store_->figures([&](std::string_view each, uint64_t value) {
    if (each == name) found = value;
  });
  return found;
}

void EngineHarness::gone() {
  executor.drop_all();
  if (store_) store_->end_prefetch();
  store_.reset();
}

Status EngineHarness::close() {
  const Status status = store_->close();
  executor.run_ready();
  gone();
  return status;
}

void EngineHarness::kill() {
  gone();
  files = files->kill();
}

void EngineHarness::power_cut(CrashPolicy policy, uint64_t cut_seed) {
  gone();
  files = files->crash(policy, cut_seed);
}

void EngineHarness::on_mutation(std::string_view bucket, const std::string_view* key, Event event) {
  seen.push_back({std::string(bucket), key ? std::optional<std::string>(*key) : std::nullopt, event});
}

void EngineHarness::lock_all(const LockSet& locks) {
  uint32_t misses = 0;
  size_t held = 0;
  while (held < locks.size()) {
    const auto& item = locks[held];
    if (item.store->try_lock(item.shard)) {
      ++held;
      continue;
    }
    const bool keep = ++misses > 3;
    if (!keep)
      while (held > 0) --held, locks[held].store->unlock(locks[held].shard);
    TestWaiter waiter;
    item.store->wait_for_lock(item.shard, waiter, keep);
    for (int steps = 0; steps < 1000 && !waiter.ready; ++steps) executor.run_one();
    REQUIRE(waiter.ready);
    if (waiter.is_owned) ++held;
  }
}

bool EngineHarness::fetch(Transaction& txn) {
  for (auto& [store, needs] : txn.needs()) {
    auto done = std::make_shared<std::optional<Status>>();
    store->fetch(reader, needs, [done](const Status& status) { *done = status; });
    for (int steps = 0; steps < 10000 && !*done; ++steps)
      if (!executor.run_one()) executor.run_for(1);
    REQUIRE(*done);
    if (!**done) return false;
  }
  return true;
}

std::optional<EngineHarness::Outcome> EngineHarness::settle(Transaction& txn, LockSet& locks, uint32_t& conflicts) {
  const LockSet held = locks;
  const auto release = [&] {
    for (const auto& item : held) item.store->unlock(item.shard);
  };
  switch (txn.verdict()) {
    case Transaction::Verdict::good:
      break;
    case Transaction::Verdict::too_many_buckets:
      release();
      return Outcome::too_many_buckets;
    case Transaction::Verdict::several_stores:
      release();
      return Outcome::several_stores;
    case Transaction::Verdict::needs_shards:
      txn.add_missing_shards(locks);
      release();
      REQUIRE(locks.size() > held.size());
      return std::nullopt;
    case Transaction::Verdict::needs_fetch:
      release();
      return fetch(txn) ? std::nullopt : std::optional(Outcome::fetch_failed);
  }
  const auto kind = txn.commit();
  last_now_ms_ = txn.now_ms();
  last_dependency_ = 0;
  for (const auto& dependency : txn.dependencies()) last_dependency_ = std::max(last_dependency_, dependency.sequence);
  release();
  switch (kind) {
    case CommitResult::Kind::committed:
      return Outcome::committed;
    case CommitResult::Kind::conflict:
      REQUIRE(++conflicts <= 64);
      return std::nullopt;
    case CommitResult::Kind::hold:
      // What is waited for may itself wait for a timer: a full disk for the snapshot that frees it.
      executor.run_ready();
      if (++holds_ > holds_without_time) executor.run_for(2);
      return std::nullopt;
    case CommitResult::Kind::no_space:
      return Outcome::no_space;
    case CommitResult::Kind::behind:
      return Outcome::behind;
    case CommitResult::Kind::failed:
      break;
  }
  return Outcome::failed;
}

EngineHarness::Outcome EngineHarness::run(const Body& body) {
  Transaction txn(*this);
  LockSet locks;
  uint32_t conflicts = 0;
  Outcome outcome = Outcome::no_progress;
  holds_ = 0;
  for (int rounds = 0; rounds < 300; ++rounds) {
    lock_all(locks);
    const LockSet held = locks;
    txn.begin(held, clock.wall_ms());
    body(txn);
    if (const auto end = settle(txn, locks, conflicts)) {
      outcome = *end;
      break;
    }
    ++reruns;
  }
  store_->release_fetched(reader);
  store_->journal().write_if_small();
  return outcome;
}

EngineHarness::Outcome EngineHarness::put(std::string_view bucket, std::string_view key, std::string_view value,
                                          int64_t expires_at_ms) {
  return run([&](Transaction& txn) { txn.put(txn.bucket(bucket), key, value, expires_at_ms, Event::set); });
}

EngineHarness::Outcome EngineHarness::splice(std::string_view bucket, std::string_view key, uint64_t offset,
                                             std::string_view bytes, uint64_t new_length) {
  return run([&](Transaction& txn) {
    const auto in = txn.bucket(bucket);
    if (txn.read(in, key, Part::metadata)) txn.splice(in, key, offset, bytes, new_length, Event::setrange);
  });
}

EngineHarness::Outcome EngineHarness::expire(std::string_view bucket, std::string_view key, int64_t expires_at_ms) {
  return run([&](Transaction& txn) {
    const auto in = txn.bucket(bucket);
    if (txn.read(in, key, Part::presence)) txn.expire(in, key, expires_at_ms, Event::expire);
  });
}

EngineHarness::Outcome EngineHarness::remove(std::string_view bucket, std::string_view key) {
  return run([&](Transaction& txn) { txn.remove(txn.bucket(bucket), key, Event::del); });
}

EngineHarness::Outcome EngineHarness::flush(std::string_view bucket) {
  return run([&](Transaction& txn) { txn.flush(txn.bucket(bucket)); });
}

EngineHarness::Outcome EngineHarness::drop(std::string_view bucket) {
  return run([&](Transaction& txn) { txn.drop(txn.bucket(bucket)); });
}

EngineHarness::Outcome EngineHarness::swap(std::string_view a, std::string_view b) {
  return run([&](Transaction& txn) { txn.swap(txn.bucket(a), txn.bucket(b)); });
}

std::optional<std::string> EngineHarness::get(std::string_view bucket, std::string_view key) {
  std::optional<std::string> value;
  const auto outcome = run([&](Transaction& txn) {
    value.reset();
    if (const auto found = txn.read(txn.bucket(bucket), key)) {
      CHECK(found->value_bytes == found->value.size());
      value = std::string(found->value);
    }
  });
  REQUIRE(outcome == Outcome::committed);
  return value;
}

int64_t EngineHarness::expiry(std::string_view bucket, std::string_view key) {
  int64_t expires_at_ms = -1;
  run([&](Transaction& txn) {
    const auto found = txn.read(txn.bucket(bucket), key, Part::metadata);
    expires_at_ms = found ? found->expires_at_ms : -1;
  });
  return expires_at_ms;
}

uint64_t EngineHarness::count(std::string_view bucket) {
  int64_t keys = 0;
  run([&](Transaction& txn) {
    keys = 0;
    for (ShardIndex shard = 0; shard < store_->shard_count(); ++shard) keys += txn.count(txn.bucket(bucket), shard);
  });
  REQUIRE(keys >= 0);
  return static_cast<uint64_t>(keys);
}

std::map<std::string, std::pair<std::string, int64_t>> EngineHarness::content(std::string_view bucket) {
  std::map<std::string, std::pair<std::string, int64_t>> found;
  uint64_t position = 0;
  do {
    std::map<std::string, std::pair<std::string, int64_t>> some;
    uint64_t next = 0;
    run([&](Transaction& txn) {
      some.clear();
      const auto visit = [&](std::string_view key, const EntryView& entry) {
        some[std::string(key)] = {std::string(entry.value), entry.expires_at_ms};
      };
      next = txn.scan(txn.bucket(bucket), position, 100, visit, {}, true);
    });
    position = next;
    for (auto& [key, entry] : some) found[key] = std::move(entry);
  } while (position != 0);
  return found;
}

BucketUsage EngineHarness::usage(std::string_view bucket) {
  if (store_->capabilities().ordered) count(bucket);  // what is not known yet is found out
  BucketUsage sum;
  LockSet locks;
  locks.add_all(*store_);
  lock_all(locks);
  const BucketId id = store_->find_bucket(bucket);
  for (ShardIndex shard = 0; shard < store_->shard_count(); ++shard) {
    const BucketUsage part = store_->usage(id, shard, store_->raise_clock(shard, clock.wall_ms()));
    sum.keys += part.keys;
    sum.expiring_keys += part.expiring_keys;
    sum.bytes += part.bytes;
    sum.operations += part.operations;
    sum.hits += part.hits;
    sum.expires_in_sum_ms += part.expires_in_sum_ms;
    sum.expires_in_count += part.expires_in_count;
  }
  for (const auto& item : locks) item.store->unlock(item.shard);
  return sum;
}

Status EngineHarness::snapshot() {
  auto outcome = std::make_shared<std::optional<Status>>();
  store_->snapshot([outcome](const Status& status) { *outcome = status; });
  for (int rounds = 0; rounds < 1000 && !*outcome; ++rounds) executor.run_for(10);
  return *outcome ? **outcome : Status::error(ErrorKind::busy, "the snapshot never ended");
}

}  // namespace sett::storage
