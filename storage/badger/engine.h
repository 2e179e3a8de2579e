#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "storage/badger/badger_store.h"
#include "storage/badger/scan_cursors.h"
#include "storage/badger/shard.h"
#include "storage/badger/value_writer.h"
#include "storage/badger/write_pacer.h"
#include "storage/base/mutex.h"
#include "storage/expiry_reaper.h"
#include "storage/io/io_limiter.h"
#include "storage/keys/catalogue.h"
#include "storage/keys/key_hash.h"
#include "storage/log/log.h"
#include "storage/lsm/tree_reader.h"
#include "storage/lsm/version_set.h"

namespace sett::storage {

class BadgerBackup;
class Caretaker;
class Compactor;
class DiskGuard;
class DueLoader;
class Flusher;
class LookupBatch;
class MemoryBudget;
class Recovery;
class ValueLogGc;

// badger: a tree of tables with value logs, a memtable, a log. Opened by open_badger. Threads and locks are as store.h
// says; the catalogue and the totals are read under any shard's lock and changed under all of them, which the analysis
// cannot express.
class BadgerEngine final : public Store, private ExpiryTarget {
 public:
  // What is known of a key, in memtables and tables.
  struct Found {
    enum class Kind : uint8_t { absent, entry, missing };
    Kind kind = Kind::absent;
    Sequence sequence = 0;
    int64_t expires_at_ms = 0;
    uint64_t value_bytes = 0;
    bool has_value = false;  // else it is where `pointer` says
    std::string_view value;
    ValuePointer pointer;
    bool is_from_tables = false;
    bool is_live(int64_t now_ms) const;
  };

  // Over `own_files`, if there are any, else over `files`.
  BadgerEngine(FileSystem& files, std::unique_ptr<FileSystem> own_files, Executor& executor, Clock& clock,
               const BadgerOptions& options, KeyHash hash);
  ~BadgerEngine() override;

  std::string_view backend() const override { return "badger"; }
  const Capabilities& capabilities() const override { return capabilities_; }
  ShardIndex shard_count() const override { return static_cast<ShardIndex>(shards_.size()); }
  ShardIndex shard_of(std::string_view key) const override {
    return static_cast<ShardIndex>(hash_(key) % shards_.size());
  }

  bool try_lock(ShardIndex shard) override;
  void unlock(ShardIndex shard) override;
  void wait_for_lock(ShardIndex shard, LockWaiter& waiter, bool keep) override;
  int64_t raise_clock(ShardIndex shard, int64_t wall_ms) override;

  BucketId find_bucket(std::string_view name) const override { return catalogue_.find(name); }
  BucketId propose_bucket(uint32_t nth, uint32_t names_added) const override {
    return catalogue_.propose(nth, names_added);
  }
  std::vector<BucketInfo> list_buckets() const override;

  ReadResult read(BucketId bucket, std::string_view key, Part part, int64_t now_ms) override;
  CommitResult commit(std::span<const Mutation> batch) override;
  void note_usage(BucketId bucket, ShardIndex shard, uint64_t hits, uint64_t misses) override;
  void prefetch(std::string_view bucket_name, std::span<const Lookahead> keys) override;
  void end_prefetch() override;

  void fetch(uint64_t reader, std::span<const Need> needs, std::function<void(Status)> done) override;
  void release_fetched(uint64_t reader) override;

  ShardIndex scan_shard(uint64_t) const override { return 0; }
  uint64_t scan(const Scan& scan, const ScanVisitor& visit, std::vector<Need>& needs) override;
  bool walk(const Walk& walk, const WalkVisitor& visit, std::string& next, std::vector<Need>& needs) override;
  int64_t count(BucketId bucket, ShardIndex shard, int64_t now_ms, std::vector<Need>& needs) override;
  bool may_hold_keys(BucketId bucket) override;
  BucketUsage usage(BucketId bucket, ShardIndex shard, int64_t now_ms) override;
  bool sample(BucketId bucket, ShardIndex shard, int64_t now_ms, Random& random, std::string& key,
              std::vector<Need>& needs) override;

  Journal& journal() override { return *log_; }
  bool over_memory_limit() override { return false; }
  void snapshot(std::function<void(Status)> done) override;
  void keep_up(Upkeep what, const std::string& bucket, std::function<void(Result<uint64_t>)> done) override;
  void begin_backup(std::function<void(Result<std::shared_ptr<const BackupPart>>)> done) override;
  StoreStats stats() const override;
  void figures(const FigureVisitor& visit) const override;
  void set_hook(MutationHook* hook) override { hook_ = hook; }
  void start() override;
  Status close() override;

 private:
  friend class BadgerBackup;
  friend class Caretaker;
  friend class Compactor;
  friend class DiskGuard;
  friend class DueLoader;
  friend class Flusher;
  friend class MemoryBudget;
  friend class Recovery;
  friend class ValueLogGc;
  friend class OrderedWalk;

  // --- engine_prefetch.cc. What this thread has looked ahead; of this engine or another: its version tells.
  static LookupBatch& looked_ahead();

  BadgerShard& shard(ShardIndex index) { return *shards_[index]; }
  const BadgerShard& shard(ShardIndex index) const { return *shards_[index]; }
  bool try_lock_all();
  void unlock_all();

  // --- engine_reads.cc. Under the shard's lock. What views point into is in the shard's pins.
  Found find(BadgerShard& shard, std::string_view tree_key, bool with_value) REQUIRES(shard.lock);
  Found find_hot_or_any(BadgerShard& shard, std::string_view tree_key, bool with_value) REQUIRES(shard.lock);
  // What the sealed parts before the first `parts` and the tables say.
  Found find_below(BadgerShard& shard, std::string_view tree_key, size_t parts, bool with_value) REQUIRES(shard.lock);
  Found from_entry(BadgerShard& shard, const MemEntry& entry, size_t parts_below, bool is_active, bool with_value)
      REQUIRES(shard.lock);
  Found from_patch(BadgerShard& shard, const MemEntry& entry, size_t parts_below, bool is_active, bool with_value)
      REQUIRES(shard.lock);
  Result<TreeEntry> find_in_tables(BadgerShard& shard, std::string_view tree_key) REQUIRES(shard.lock);
  void add_value(BadgerShard& shard, std::string_view tree_key, Found& found) REQUIRES(shard.lock);
  Prior prior_of(BadgerShard& shard, std::string_view tree_key) REQUIRES(shard.lock);
  void need_values(const Walk& walk, std::vector<Need>& needs);
  void learn_or_need(BadgerShard& shard, BucketId bucket, std::vector<Need>& needs) REQUIRES(shard.lock);
  Memtable::Delta guess_unknown(BadgerShard& shard, BucketId bucket, const Memtable& part, size_t parts_below)
      REQUIRES(shard.lock);
  int64_t due_and_not_removed(BadgerShard& shard, BucketId bucket, int64_t now_ms) REQUIRES(shard.lock);
  Status load(const VersionPtr& version, const Need& need, Pins& pins);
  void when_counted(Sequence through, std::function<void(Status)> then, int held_up = 0);

  // --- engine_figures.cc
  void show_space(const FigureVisitor& visit, const Version& version) const;
  void show_memory(const FigureVisitor& visit) const;
  void show_work(const FigureVisitor& visit) const;

  // --- engine_commit.cc
  Journal::Urgency urgency_of(std::span<const Mutation> batch) const;
  CommitResult::Kind admit();
  static CommitResult::Kind held(std::atomic<uint64_t>& cause);
  Journal::Appended append(std::span<Mutation> batch);
  void apply(BadgerShard& shard, const Mutation& mutation, Sequence sequence) REQUIRES(shard.lock);
  void apply_all(std::span<const Mutation> batch, Sequence sequence);
  void apply_binds(std::span<const Mutation> batch, Sequence sequence);
  void count_memory(BadgerShard& shard) REQUIRES(shard.lock);
  // Whether something may be written now, as far as flushes keep up; if not, who waits is told in a moment.
  bool is_in_pace();
  void note_written(std::span<const Mutation> batch);
  void note_user_bytes(std::span<const Mutation> batch);
  void seal_if_full();  // or has writes wait, where there is no room
  // Of the active parts and the sealed ones.
  uint64_t memtables_bytes() const;
  bool memtable_is_full() const;    // the active one
  bool memtables_are_full() const;  // all together

  // --- engine.cc
  void publish_live_buckets();
  bool is_dead(BucketId bucket) const;  // from any thread: as of the last bind
  std::function<bool(BucketId)> dead_buckets() const;
  // Whether the file is one that neither the memtables nor the log need, as far as the flushed records go.
  bool is_settled(uint64_t value_log, Sequence flushed) const { return value_writer_->is_settled(value_log, flushed); }
  void prepare_values();  // on the log lane, soon
  void when_synced(Sequence sequence, std::function<void(Status)> then);
  VersionPtr visible_version() const;
  // The current version to all shards, as soon as all locks can be had; then `then`, on the foreground lane.
  void show_current(std::function<void()> then);
  void post(Executor::Lane lane, std::function<void()> task, int64_t delay_ms = 0);

  bool raise_floor(ShardIndex shard, int64_t pass_ms, int64_t& next_due_ms) override;
  Removal remove_due(ShardIndex shard, int64_t pass_ms, Sequence pass, uint32_t& left) override;
  void expire_key(BadgerShard& shard, std::string_view tree_key, Sequence pass, const Prior& below)
      REQUIRES(shard.lock);
  // Whether the active part or a sealed one from `first_part` on says when the key expires, or that it does not, or
  // that it is gone. A patch that does not set the expiry goes with what it stands on: it says nothing.
  static bool has_newer_expiry(const BadgerShard& shard, std::string_view tree_key, size_t first_part)
      REQUIRES(shard.lock);
  // Leaves tombstones for what is due, at most `left`; true: nothing more is.
  bool expire_some(BadgerShard& shard, int64_t pass_ms, Sequence pass, uint32_t& left) REQUIRES(shard.lock);

  const std::unique_ptr<FileSystem> own_files_;  // nullptr: somebody else's are used
  FileSystem& files_;
  Executor& executor_;
  Clock& clock_;
  const BadgerOptions options_;
  const KeyHash hash_;
  const uint64_t seed_;
  Capabilities capabilities_;
  MutationHook* hook_ = nullptr;
  std::unique_ptr<FileLock> lock_;
  std::vector<std::unique_ptr<BadgerShard>> shards_;
  Catalogue catalogue_;                       // see above
  std::map<BucketId, BucketTotals> totals_;   // of the tables; see above
  Sequence last_move_ = 0;                    // of the last batch that gave a bucket's data another name; see above
  std::atomic<uint64_t> memtable_bytes_{0};   // of the active parts
  std::atomic<uint64_t> changes_{0};          // mutations committed since the start
  std::atomic<uint64_t> user_bytes_{0};       // of their keys and values, and of what was replayed
  std::atomic<uint64_t> value_log_bytes_{0};  // of values that went to the value log, those of collections too
  // How often a write was told to wait, by cause; those that were slowed the pacer counts.
  struct Holds {
    std::atomic<uint64_t> for_count{0}, for_memtables{0}, for_level0{0}, for_disk{0}, for_log{0};
  };
  Holds holds_;
  std::atomic<uint32_t> counting_{0};         // counts that wait for a flush: writers wait too
  std::atomic<bool> stalled_{false};          // writes wait: flushes or merges are behind
  std::shared_ptr<std::atomic<bool>> alive_;  // false once destroyed: for tasks still queued
  std::atomic<bool> closing_{false}, prepare_posted_{false};
  WritePacer pacer_;
  std::atomic<bool> beat_posted_{false};  // writers that the pacer holds are told in a moment

  IoLimiter io_limiter_;
  BlockCache cache_;
  VlogFiles value_logs_;
  TreeReader reader_;
  std::unique_ptr<VersionSet> versions_;
  std::unique_ptr<ValueWriter> value_writer_;
  std::unique_ptr<Log> log_;
  LogRecovery recovery_;
  Sequence last_replayed_ = 0;     // or what the manifest says is flushed
  Sequence last_when_opened_ = 0;  // of the log; higher than what was replayed where a tail was cut
  ScanCursors cursors_;
  std::shared_ptr<ExpiryReaper> reaper_;
  std::unique_ptr<DueLoader> due_loader_;
  std::unique_ptr<Flusher> flusher_;
  std::unique_ptr<Compactor> compactor_;
  std::unique_ptr<ValueLogGc> gc_;
  std::unique_ptr<MemoryBudget> memory_budget_;
  std::unique_ptr<DiskGuard> disk_guard_;
  std::unique_ptr<Caretaker> caretaker_;

  mutable Mutex live_mutex_;
  std::shared_ptr<const std::unordered_set<BucketId>> live_buckets_ GUARDED_BY(live_mutex_);
  VersionPtr visible_ GUARDED_BY(live_mutex_);  // the shards' version

  Mutex fetched_mutex_;
  std::unordered_map<uint64_t, Pins> fetched_ GUARDED_BY(fetched_mutex_);  // by reader

  Mutex sample_mutex_;
  std::optional<uint64_t> sample_draw_ GUARDED_BY(sample_mutex_);  // of a sample whose blocks are being fetched
};

}  // namespace sett::storage
