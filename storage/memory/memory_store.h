#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/expiry_reaper.h"
#include "storage/keys/catalogue.h"
#include "storage/keys/key_hash.h"
#include "storage/memory/shard.h"
#include "storage/store.h"

namespace sett::storage {

struct MemoryStoreOptions {
  std::string backend = "memory";
  ShardIndex shards = 16;  // 1 to shards_max
  KeyHash hash = nullptr;  // of key_hash.h
  uint32_t buckets_max = 4096;
  uint64_t memory_max = 0;  // 0: no limit
  bool durable = false;
  static constexpr ShardIndex shards_max = 1024;
};

// Everything in memory: one hash table for each bucket and shard. With a CountingJournal this is the backend `memory`;
// with a Log in place of it, it is what simple_kv stands on. Threads and locks are as store.h says; the catalogue is
// read under any shard's lock and changed under all of them, which the analysis cannot express.
class MemoryStore : public Store, private ExpiryTarget {
 public:
  // All must outlive the store. An engine that makes its journal out of what it recovers gives nullptr, and sets
  // journal_ before start().
  MemoryStore(MemoryStoreOptions options, Journal* journal, Executor& executor, Clock& clock);
  ~MemoryStore() override;

  std::string_view backend() const override { return options_.backend; }
  const Capabilities& capabilities() const override { return capabilities_; }
  ShardIndex shard_count() const override { return static_cast<ShardIndex>(shards_.size()); }
  ShardIndex shard_of(std::string_view key) const override;

  bool try_lock(ShardIndex shard) override;
  void unlock(ShardIndex shard) override;
  void wait_for_lock(ShardIndex shard, LockWaiter& waiter, bool keep) override;
  int64_t raise_clock(ShardIndex shard, int64_t wall_ms) override;

  BucketId find_bucket(std::string_view name) const override { return catalogue_.find(name); }
  BucketId propose_bucket(uint32_t nth, uint32_t names_added) const override;
  std::vector<BucketInfo> list_buckets() const override;

  ReadResult read(BucketId bucket, std::string_view key, Part part, int64_t now_ms) override;
  void prefetch(std::string_view bucket_name, std::span<const Lookahead> keys) override;
  void end_prefetch() override {}
  CommitResult commit(std::span<const Mutation> batch) override;
  void note_usage(BucketId bucket, ShardIndex shard, uint64_t hits, uint64_t misses) override;

  void fetch(uint64_t reader, std::span<const Need> needs, std::function<void(Status)> done) override;
  void release_fetched(uint64_t reader) override;

  ShardIndex scan_shard(uint64_t position) const override;
  uint64_t scan(const Scan& scan, const ScanVisitor& visit, std::vector<Need>& needs) override;
  bool walk(const Walk&, const WalkVisitor&, std::string&, std::vector<Need>&) override { return false; }
  int64_t count(BucketId bucket, ShardIndex shard, int64_t now_ms, std::vector<Need>& needs) override;
  bool may_hold_keys(BucketId bucket) override;
  BucketUsage usage(BucketId bucket, ShardIndex shard, int64_t now_ms) override;
  bool sample(BucketId bucket, ShardIndex shard, int64_t now_ms, Random& random, std::string& key,
              std::vector<Need>& needs) override;

  Journal& journal() override { return *journal_; }
  bool over_memory_limit() override;
  void snapshot(std::function<void(Status)> done) override;
  StoreStats stats() const override;
  void set_hook(MutationHook* hook) override { hook_ = hook; }
  void start() override;
  Status close() override;

 protected:
  Shard& shard(ShardIndex index) { return *shards_[index]; }
  // Applies one mutation of a batch that is in the journal already, or of a replay. `shard` is locked (replay: nobody
  // else is there). Binds are not for here.
  void apply(Shard& shard, const Mutation& mutation, Sequence sequence) REQUIRES(shard.lock);
  // A removal and the put behind it, if the put's value is the one of the entry removed. False: it is not, and nothing
  // was done.
  bool apply_move(const Mutation& removal, const Mutation& put, Sequence sequence);
  // Binds a name and detaches what no name is bound to any more. All shards locked.
  void apply_binds(std::span<const Mutation> batch, Sequence sequence);
  // Frees a table that was detached, in slices in the background.
  void free_in_background(std::shared_ptr<BucketTable> table);

  const MemoryStoreOptions options_;
  const HashSecret secret_;
  Capabilities capabilities_;
  Journal* journal_;
  Executor* executor_;
  Clock* clock_;
  MutationHook* hook_ = nullptr;
  std::vector<std::unique_ptr<Shard>> shards_;
  Catalogue catalogue_;  // see above
  std::shared_ptr<ExpiryReaper> reaper_;
  Sequence last_move_ = 0;  // of the last batch that gave a bucket's data another name; guarded as the catalogue is
  std::atomic<uint64_t> changes_{0};  // mutations committed since the start
  const unsigned shard_bits_;
  const uint64_t scan_tag_;                   // of this start, in every position
  std::shared_ptr<std::atomic<bool>> alive_;  // false once destroyed: for tasks still queued

 private:
  bool raise_floor(ShardIndex shard, int64_t pass_ms, int64_t& next_due_ms) override;
  Removal remove_due(ShardIndex shard, int64_t pass_ms, Sequence pass, uint32_t& left) override;
  CommitResult append(std::span<const Mutation> batch);
  Journal::Urgency urgency_of(std::span<const Mutation> batch) const;
  bool drops_bucket(const Mutation& bind) const;
  uint64_t make_position(ShardIndex shard, uint64_t place) const;
  // False: of another start.
  bool parse_position(uint64_t position, ShardIndex& shard, uint64_t& place) const;
};

}  // namespace sett::storage
