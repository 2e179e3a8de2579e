#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "storage/lock_set.h"
#include "storage/store.h"

namespace sett::storage {

// Says which backend keeps a bucket. Immutable after start.
class StoreRouter {
 public:
  virtual ~StoreRouter() = default;
  virtual Store& store_of(std::string_view bucket) = 0;
};

// One run of one command, or of several as one: reads as of now under the shard locks in `held`, stages mutations in an
// overlay that its later reads, counts and scans see, and commits them all or drops them all.
//
// A handler need not care whether what it reads is there: a read that the store cannot answer from memory, or that lies
// in a shard not held, answers "absent" and makes the run void: whatever the handler does from there on is thrown away,
// and after the dispatcher has fetched or locked what verdict() asks for, it runs again from the start.
//
// Belongs to one thread. Begun anew for each run; keeps its memory.
class Transaction {
 public:
  // A bucket as this run sees it. Holds from bucket() to the next begin().
  using Bucket = uint32_t;

  struct Staged;
  struct Read {
    bool present = false;
    EntryView entry;
    Staged* staged = nullptr;  // the Transaction's own: nullptr if it comes from the store
    explicit operator bool() const { return present; }
    const EntryView* operator->() const { return &entry; }
  };

  enum class Verdict : uint8_t { good, needs_fetch, needs_shards, too_many_buckets, several_stores };

  explicit Transaction(StoreRouter& router) : router_(&router) {}

  // `held`: the locks that the run holds, alive and unchanged until its end.
  void begin(const LockSet& held, int64_t wall_ms);
  int64_t now_ms() const { return now_ms_; }

  Bucket bucket(std::string_view name);  // the bytes of the name must hold until the next begin()
  Store& store(Bucket bucket) { return *buckets_[bucket].store; }
  std::string_view name(Bucket bucket) const { return buckets_[bucket].name; }
  bool exists(Bucket bucket) const { return buckets_[bucket].id != no_bucket; }
  Bucket bucket_count() const { return static_cast<Bucket>(buckets_.size()); }  // opened so far in this run: 0, 1, ...

  // --- Keys
  Read read(Bucket bucket, std::string_view key, Part part = Part::value);
  // Does not count as a hit or a miss.
  Read peek(Bucket bucket, std::string_view key, Part part = Part::value);
  // The views must hold until commit: bytes of the request or of keep(); for those of an entry there is copy(). An
  // expiry that is already past removes the key instead.
  void put(Bucket bucket, std::string_view key, std::string_view value, int64_t expires_at_ms, Event event);
  void splice(Bucket bucket, std::string_view key, uint64_t offset, std::string_view bytes, uint64_t new_length,
              Event event);
  void expire(Bucket bucket, std::string_view key, int64_t expires_at_ms, Event event);  // 0: persist
  void remove(Bucket bucket, std::string_view key, Event event);
  // Puts the value of an entry that was read (Part::value) in this run, from the bucket `from`.
  void copy(Bucket bucket, std::string_view key, Bucket from, const Read& entry, int64_t expires_at_ms, Event event);
  // Gives the entry that was read another place, and its expiry with it. Across stores the one that may refuse
  // commits first.
  struct Place {
    Bucket bucket;
    std::string_view key;
    Event event;
  };
  void move(const Place& from, const Read& entry, const Place& to);
  // Moves bytes into the run's own memory.
  std::string_view keep(std::string bytes);

  // --- Buckets: need all shards of their store.
  void flush(Bucket bucket);      // empty afterwards, still there
  void drop(Bucket bucket);       // gone
  void swap(Bucket a, Bucket b);  // of one store

  // --- Iteration: one shard at a time, as Store; what is staged is seen.
  // `prefix`, `values`: see Store::Scan.
  uint64_t scan(Bucket bucket, uint64_t position, uint64_t entries_max, const Store::ScanVisitor& visit,
                std::string_view prefix = {}, bool values = false);
  // Of an ordered store; `walk.bucket` and `walk.now_ms` are filled in here. In the run's order with what is staged.
  bool walk(Bucket bucket, Store::Walk walk, const Store::WalkVisitor& visit, std::string& next);
  int64_t count(Bucket bucket, ShardIndex shard);
  bool sample(Bucket bucket, ShardIndex shard, Random& random, std::string& key);

  // --- The end of a run
  Verdict verdict() const { return verdict_; }
  bool has_mutations() const { return !batch_.empty(); }
  // Adds to `wanted` what the run lacked; with needs_shards.
  void add_missing_shards(LockSet& wanted) const;
  std::vector<std::pair<Store*, std::vector<Need>>>& needs() { return needs_; }
  // Commits what is staged, if anything, store by store: first in the one that may refuse, of which there is one at
  // most (verdict several_stores). So an answer other than `committed` means that nothing has changed anywhere, and the
  // run may be taken again. After a crash it is atomic in each store, not over all of them. The locks may be released
  // afterwards. Only with a good verdict.
  CommitResult::Kind commit();
  // What the reply waits for: of each store touched the highest sequence shown or written.
  struct Dependency {
    Store* store = nullptr;
    Sequence sequence = 0;
  };
  // What commit() wrote last; no store: nothing.
  const Dependency& committed() const { return committed_; }
  const std::vector<Dependency>& dependencies() const { return dependencies_; }
  void depend_on(Store& store, Sequence sequence);
  // Reads of this run that found something, or nothing; they count towards the buckets' figures once, at commit().
  uint64_t hits() const;
  uint64_t misses() const;

  // The state of a key after what is staged.
  struct Staged {
    bool present = false;
    std::string_view value;
    int64_t expires_at_ms = 0;
    bool borrowed = false;       // the value is that of an entry of the store, which the batch may change
    std::string* own = nullptr;  // of kept_: where the value is, if nobody else has a view of it
  };

 private:
  struct OpenBucket {
    std::string_view name;
    Store* store;
    BucketId id;  // as staged
    uint64_t hits = 0, misses = 0;
  };
  struct StagedKey {
    Store* store;
    BucketId bucket;
    std::string key;
    friend bool operator==(const StagedKey&, const StagedKey&) = default;
  };
  struct StagedKeyHash {
    size_t operator()(const StagedKey& key) const {
      return std::hash<std::string_view>()(key.key) ^ (static_cast<size_t>(key.bucket) * 0x9E3779B97F4A7C15ULL);
    }
  };
  struct FreshBuckets {  // ids bound by this run: the store has nothing of them
    Store* store;
    uint64_t first_generation;
    uint32_t count;
    int names_added;  // by this run, net of those dropped
  };

  void stage(Store& store, const Mutation& mutation, bool borrows = false);
  bool require_shard(Store& store, ShardIndex shard);
  FreshBuckets& fresh(Store& store);
  void refuse_several_stores(Store& store);
  bool ensure_exists(OpenBucket& bucket);
  bool is_empty(const OpenBucket& open);
  bool bind(OpenBucket& bucket, BucketId id, Event event);
  BucketId propose(Store& store, bool adds_name);
  bool require_all(Store& store);
  bool is_fresh(const Store& store, BucketId id) const;
  void fold_staged();
  void fold(Store& store, const Mutation& mutation, bool borrows);
  void fold_splice(Staged& state, const Mutation& mutation);
  Staged* staged(Store& store, BucketId bucket, std::string_view key);
  Read stored(Store& store, BucketId bucket, std::string_view key, Part part);
  void make_void(Verdict verdict);
  std::vector<Need>& needs_of(Store& store);
  void fetch_if_needed();
  bool walk_with_staged(const OpenBucket& open, const Store::Walk& walk, const Store::WalkVisitor& visit,
                        std::string& next);
  CommitResult::Kind commit_to(Store& store, std::span<const Mutation> batch);

  StoreRouter* router_;
  const LockSet* held_ = nullptr;
  int64_t now_ms_ = 0;
  Verdict verdict_ = Verdict::good;
  std::vector<OpenBucket> buckets_;
  std::unordered_map<std::string_view, Bucket> by_name_;  // of buckets_, once they are many
  std::vector<Mutation> batch_;
  std::vector<Store*> owners_;     // of batch_[i]
  std::vector<size_t> borrowing_;  // indices into batch_, ascending: the value is a view of an entry of the store
  Store* refusing_ = nullptr;      // of the owners, if they are several: the one that may refuse
  size_t folded_ = 0;              // how much of batch_ is in overlay_
  std::unordered_map<StagedKey, Staged, StagedKeyHash> overlay_;
  std::vector<FreshBuckets> fresh_;  // one for each store whose catalogue the run changes
  std::deque<std::string> kept_;     // stable addresses
  std::vector<std::pair<Store*, std::vector<Need>>> needs_;
  std::vector<LockSet::Item> missing_;
  std::vector<Dependency> dependencies_;
  Dependency committed_;
};

}  // namespace sett::storage
