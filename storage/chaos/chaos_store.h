#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/executor.h"
#include "storage/base/mutex.h"
#include "storage/base/random.h"
#include "storage/store.h"

namespace sett::storage {

// How often what happens: once in this many calls, 0 never.
struct ChaosOptions {
  uint64_t seed = 1;
  uint32_t need_one_in = 4;
  uint32_t needs_shards_one_in = 40;
  uint32_t missed_lock_one_in = 4;
  uint32_t conflict_one_in = 4;
  uint32_t no_space_one_in = 0;  // for suites whose commands are sent again then
};

// A store that makes nothing easy: it passes everything on to another one, but at random says that an entry is not in
// memory, that a scan ends early, that a command needs all shards, that a lock is taken, that somebody else's write
// came between. All of that a real store may say at any time, so a caller that works over this one works over those to
// come. Never says what the contract excludes: a need is answered once fetched (until every reader that fetched it has
// released it), a run that holds all shards is not sent for more, conflicts come fewer than conflicts_max times in a
// row. Threads: as Store.
class ChaosStore final : public Store {
 public:
  static constexpr uint32_t conflicts_max = 16;  // callers give up after 64

  // The executor serves fetches that come back later, and must outlive the store.
  ChaosStore(std::unique_ptr<Store> inner, Executor& executor, const ChaosOptions& options);
  ~ChaosStore() override;
  Store& inner() { return *inner_; }

  std::string_view backend() const override { return inner_->backend(); }
  const Capabilities& capabilities() const override { return capabilities_; }
  ShardIndex shard_count() const override { return inner_->shard_count(); }
  ShardIndex shard_of(std::string_view key) const override { return inner_->shard_of(key); }

  bool try_lock(ShardIndex shard) override;
  void unlock(ShardIndex shard) override;
  void wait_for_lock(ShardIndex shard, LockWaiter& waiter, bool keep) override;
  int64_t raise_clock(ShardIndex shard, int64_t wall_ms) override { return inner_->raise_clock(shard, wall_ms); }

  BucketId find_bucket(std::string_view name) const override { return inner_->find_bucket(name); }
  BucketId propose_bucket(uint32_t nth, uint32_t names_added) const override {
    return inner_->propose_bucket(nth, names_added);
  }
  std::vector<BucketInfo> list_buckets() const override { return inner_->list_buckets(); }

  ReadResult read(BucketId bucket, std::string_view key, Part part, int64_t now_ms) override;
  void prefetch(std::string_view bucket_name, std::span<const Lookahead> keys) override {
    looking_ahead_.fetch_add(1);
    inner_->prefetch(bucket_name, keys);
  }
  void end_prefetch() override {
    inner_->end_prefetch();
    looking_ahead_.fetch_sub(1);
  }
  int looking_ahead() const { return looking_ahead_.load(); }  // threads that have not ended it
  CommitResult commit(std::span<const Mutation> batch) override;
  void note_usage(BucketId bucket, ShardIndex shard, uint64_t hits, uint64_t misses) override {
    inner_->note_usage(bucket, shard, hits, misses);
  }
  void fetch(uint64_t reader, std::span<const Need> needs, std::function<void(Status)> done) override;
  void release_fetched(uint64_t reader) override;

  ShardIndex scan_shard(uint64_t position) const override { return inner_->scan_shard(position); }
  uint64_t scan(const Scan& scan, const ScanVisitor& visit, std::vector<Need>& needs) override;
  bool walk(const Walk& walk, const WalkVisitor& visit, std::string& next, std::vector<Need>& needs) override {
    return inner_->walk(walk, visit, next, needs);
  }
  int64_t count(BucketId bucket, ShardIndex shard, int64_t now_ms, std::vector<Need>& needs) override {
    return inner_->count(bucket, shard, now_ms, needs);
  }
  bool may_hold_keys(BucketId bucket) override { return inner_->may_hold_keys(bucket); }
  BucketUsage usage(BucketId bucket, ShardIndex shard, int64_t now_ms) override {
    return inner_->usage(bucket, shard, now_ms);
  }
  bool sample(BucketId bucket, ShardIndex shard, int64_t now_ms, Random& random, std::string& key,
              std::vector<Need>& needs) override {
    return inner_->sample(bucket, shard, now_ms, random, key, needs);
  }

  Journal& journal() override { return inner_->journal(); }
  bool over_memory_limit() override { return inner_->over_memory_limit(); }
  void snapshot(std::function<void(Status)> done) override { inner_->snapshot(std::move(done)); }
  void keep_up(Upkeep what, const std::string& bucket, std::function<void(Result<uint64_t>)> done) override {
    inner_->keep_up(what, bucket, std::move(done));
  }
  void begin_backup(std::function<void(Result<std::shared_ptr<const BackupPart>>)> done) override {
    inner_->begin_backup(std::move(done));
  }
  StoreStats stats() const override { return inner_->stats(); }
  void figures(const FigureVisitor& visit) const override { inner_->figures(visit); }
  void set_hook(MutationHook* hook) override { inner_->set_hook(hook); }
  void start() override { inner_->start(); }
  Status close() override { return inner_->close(); }

  // What was made up so far.
  uint64_t needs() const { return needs_.load(); }
  uint64_t shard_needs() const { return shard_needs_.load(); }
  uint64_t missed_locks() const { return missed_locks_.load(); }
  uint64_t conflicts() const { return conflicts_.load(); }

 private:
  class Waiter;
  using Fetched = std::pair<BucketId, std::string>;
  bool happens(uint32_t one_in) REQUIRES(mutex_) { return one_in != 0 && random_.one_in(one_in); }
  bool holds_all() const;
  bool is_fetched(BucketId bucket, std::string_view key, Part part) const REQUIRES(mutex_);

  const std::unique_ptr<Store> inner_;
  std::atomic<int> looking_ahead_{0};
  Executor& executor_;
  const ChaosOptions options_;
  Capabilities capabilities_;
  std::vector<std::atomic<bool>> held_;  // by whomever; handed over, a lock stays held
  mutable Mutex mutex_;
  Random random_ GUARDED_BY(mutex_);
  uint32_t conflicts_in_row_ GUARDED_BY(mutex_) = 0;
  std::map<Fetched, std::map<uint64_t, Part>> fetched_ GUARDED_BY(mutex_);  // by reader, up to which part
  std::atomic<uint64_t> needs_{0}, shard_needs_{0}, missed_locks_{0}, conflicts_{0};
};

}  // namespace sett::storage
