#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/random.h"
#include "storage/base/status.h"
#include "storage/keys/mutation.h"
#include "storage/log/journal.h"

namespace sett::storage {

using ShardIndex = uint32_t;

struct BackupPart;  // storage/backup/backup_part.h

// How much of an entry a command wants: each of the first three includes those before it. `range`: the key need not be
// there; it and the entries that follow it in order (or come before it). `counted`: no key, all that the bucket's count
// stands on.
enum class Part : uint8_t { presence, metadata, value, range, counted };

// An entry as of the moment it was read. The views hold while the shard's lock is held and that key is not mutated.
struct EntryView {
  std::string_view value;  // empty unless Part::value was asked for
  uint64_t value_bytes = 0;
  int64_t expires_at_ms = 0;
  Sequence sequence = 0;  // of the write that made it what it is
};

struct ReadResult {
  enum class Kind : uint8_t {
    entry,
    absent,
    need,          // it is not in memory: fetch it
    needs_shards,  // it takes all shards to say; never answered to a run that holds them all
  };
  Kind kind = Kind::absent;
  EntryView entry;
  Sequence depends_on = 0;  // what must be safe before anyone is shown this result
};

// A part of an entry that is not in memory.
struct Need {
  BucketId bucket;
  std::string key;
  Part part;
  bool backward = false;  // of Part::range
};

struct CommitResult {
  enum class Kind : uint8_t {
    committed,
    conflict,  // somebody else's write came between: run again
    hold,      // the log has no room right now: run again after progress
    no_space,  // the disk is full; nothing has changed
    behind,    // what was written before cannot be worked off, for another reason; nothing has changed
    failed,    // the log failed for good; nothing has changed
  };
  Kind kind;
  Sequence sequence = 0;
};

// A journal's answer as that of a commit.
inline CommitResult commit_result(const Journal::Appended& appended) {
  switch (appended.room) {
    case Journal::Room::ok:
      return {CommitResult::Kind::committed, appended.sequence};
    case Journal::Room::hold:
      return {CommitResult::Kind::hold};
    case Journal::Room::no_space:
      return {CommitResult::Kind::no_space};
    case Journal::Room::failed:
      break;
  }
  return {CommitResult::Kind::failed};
}

// What is done in time anyway, done now because somebody asks.
enum class Upkeep : uint8_t {
  collect_values,  // value logs of which a part is dead are given back
  merge_tables,    // tables are merged until they hold nothing that is needless
};

// A command that needs what its bucket's backend lacks is refused, never approximated.
struct Capabilities {
  bool multi_key_atomic = true;
  bool compare_and_set = true;
  bool ordered = false;  // scan() goes in key order, through all shards at once: under all locks
  bool exact_count = true;
  bool immediate_listing = true;
  bool durable = true;     // SAVE means something
  bool may_refuse = true;  // commit() may answer something else than `committed`
  bool upkeep = false;     // keep_up() does something
};

// Woken when a shard's lock may be had. One waiter waits for one lock at a time and outlives its wait.
class LockWaiter {
 public:
  virtual ~LockWaiter() = default;
  // From any thread, once for each wait: only posts to the waiter's own loop. With `owned` the lock has been handed
  // over and is held on the waiter's behalf, else it is to be tried again.
  virtual void lock_ready(ShardIndex shard, bool owned) = 0;
};

// Sees every committed mutation, the reaper's included, under the lock of its shard (catalogue changes: under all).
// `key` is nullptr where all of the bucket is meant. Quick, no locks of its own that are held elsewhere.
class MutationHook {
 public:
  virtual ~MutationHook() = default;
  virtual void on_mutation(std::string_view bucket, const std::string_view* key, Event event) = 0;
};

struct BucketInfo {
  BucketId id = no_bucket;
  std::string name;
};

struct BucketUsage {
  uint64_t keys = 0;           // live at `now`
  uint64_t expiring_keys = 0;  // of these, with an expiry
  uint64_t bytes = 0;          // of keys and values, the expired not yet removed included
  uint64_t operations = 0, hits = 0;
  int64_t expires_in_sum_ms = 0;  // over a sample: for avg_ttl
  uint64_t expires_in_count = 0;
};

// What StoreStats::failure says of a log that failed for good.
inline constexpr std::string_view failed_log_text =
    "a write or sync of the log failed: writes are refused until a restart on a sound disk";

struct StoreStats {
  uint64_t expired_keys = 0;  // removed by the reaper since the start
  int64_t expiry_lag_ms = 0;  // how long ago the oldest entry not yet removed became due
  bool snapshot_running = false;
  bool snapshot_failed = false;  // the last one
  uint64_t changes_since_snapshot = 0;
  int64_t last_snapshot_ms = 0;  // wall clock, moved only after its sync; 0: none
  int64_t last_snapshot_duration_ms = -1;
  LogStats log;
  LogRecovery recovery;     // of the log, at the start
  bool disk_full = false;   // no room for the log to grow: writes are refused once its last file is full
  std::string full_folder;  // ... in this folder
  std::string failure;      // empty: none
};

// The keys of the buckets of one backend, cut into shards by key hash, each with a lock. Callers take the locks of all
// the shards that a command touches (in ascending order), read, stage, commit, let go; they never keep a lock across a
// wait. Buckets are found by name under any shard's lock and change names or ids only under all of them.
class Store {
 public:
  virtual ~Store() = default;

  virtual std::string_view backend() const = 0;
  virtual const Capabilities& capabilities() const = 0;
  virtual ShardIndex shard_count() const = 0;
  virtual ShardIndex shard_of(std::string_view key) const = 0;

  // --- Locks. From any thread.
  virtual bool try_lock(ShardIndex shard) = 0;  // after a short spin; false: somebody else has it or is first in line
  virtual void unlock(ShardIndex shard) = 0;
  // Puts the waiter in line. With `keep` the lock is handed over in its turn, else the waiter is told to try again.
  virtual void wait_for_lock(ShardIndex shard, LockWaiter& waiter, bool keep) = 0;
  // `now` for a run that has the shard: at least `wall_ms`, never below what the shard has already judged by. Holds the
  // lock.
  virtual int64_t raise_clock(ShardIndex shard, int64_t wall_ms) = 0;

  // --- Buckets. Under any shard's lock.
  virtual BucketId find_bucket(std::string_view name) const = 0;
  // The id that the nth (0, 1, ...) bind of a batch should use; no_bucket when max_buckets is reached by then. Its
  // generation is above that of every id so far, and of those of a lower nth.
  virtual BucketId propose_bucket(uint32_t nth, uint32_t names_added) const = 0;
  virtual std::vector<BucketInfo> list_buckets() const = 0;

  // --- Keys. Under the lock of the key's shard.
  virtual ReadResult read(BucketId bucket, std::string_view key, Part part, int64_t now_ms) = 0;
  // Under the locks of all shards of the keys in it; with a bind in it, of all shards. All or nothing. Views into
  // entries of the store are allowed as values if that entry is not mutated earlier in the batch; but for a put
  // directly behind the removal of the entry whose whole value it puts elsewhere, as RENAME does.
  virtual CommitResult commit(std::span<const Mutation> batch) = 0;
  virtual void note_usage(BucketId bucket, ShardIndex shard, uint64_t hits, uint64_t misses) = 0;

  // --- Look-ahead, without locks (a shard whose lock is taken is passed over): goes the way of read() and commit() of
  // these keys through memory, for all of them at once, since each step is a wait by itself. What read() answers does
  // not change by it: what was found ahead may be out of date by then, and then nothing is gained.
  struct Lookahead {
    std::string_view key;
    bool is_read = false;  // by a command that only reads
  };
  virtual void prefetch(std::string_view bucket_name, std::span<const Lookahead> keys) = 0;
  // What this thread has looked ahead has been run, or will not be for now: lets go of what is held for it. Until then
  // the keys may go, the store may not.
  virtual void end_prefetch() = 0;

  // --- What was not in memory. Without locks; `done` comes once, on any thread. The results stay readable for `reader`
  // (any non-zero number of the caller's choice) until release_fetched.
  virtual void fetch(uint64_t reader, std::span<const Need> needs, std::function<void(Status)> done) = 0;
  virtual void release_fetched(uint64_t reader) = 0;

  // --- Iteration. A position is a place in the store's own order, 0 the first of all; positions of other starts begin
  // anew. Every key that is present from the first call to the last is visited at least once.
  virtual ShardIndex scan_shard(uint64_t position) const = 0;  // whose lock scan() wants
  using ScanVisitor = std::function<void(std::string_view key, const EntryView& entry)>;
  struct Scan {
    BucketId bucket = no_bucket;
    uint64_t position = 0;
    uint64_t entries_max = 0;
    int64_t now_ms = 0;
    std::string_view prefix = {};  // an ordered store goes through the keys with this prefix only; others through all
    bool values = false;           // the visitor is shown values; else their sizes
  };
  // Visits live entries from the position on until about entries_max were looked at; returns where to go on, 0 at the
  // end. Never leaves the shard of the position, where the store is not ordered. What has to be fetched first is added
  // to `needs`: then nothing was visited.
  virtual uint64_t scan(const Scan& scan, const ScanVisitor& visit, std::vector<Need>& needs) = 0;
  // The keys of a bucket in order, of an ordered store. Under all locks.
  struct Walk {
    BucketId bucket = no_bucket;
    std::string_view from = {};  // the first that is not less; on the way back: the last that is less
    bool from_end = false;       // on the way back: from the last of all, whatever `from` is
    bool backward = false;
    bool values = false;  // as in Scan
    uint64_t entries_max = 0;
    int64_t now_ms = 0;
  };
  using WalkVisitor = std::function<bool(std::string_view key, const EntryView& entry)>;  // false: no further
  // Visits live entries until about entries_max were looked at, or the visitor has enough. True: it may go on from
  // `next`. What has to be fetched first is added to `needs`: then nothing was visited.
  virtual bool walk(const Walk& walk, const WalkVisitor& visit, std::string& next, std::vector<Need>& needs) = 0;
  // Live keys, of one shard; where the store is ordered, the sum over all shards is the number, and each is not
  // negative by itself only if all locks are held. What has to be fetched first is added to `needs`: then the number
  // is void.
  virtual int64_t count(BucketId bucket, ShardIndex shard, int64_t now_ms, std::vector<Need>& needs) = 0;
  // Whether the bucket may hold anything at all, be it expired. Under all locks.
  virtual bool may_hold_keys(BucketId bucket) = 0;
  virtual BucketUsage usage(BucketId bucket, ShardIndex shard, int64_t now_ms) = 0;
  // A live key, nearly uniform, of the shard (of the bucket, where the store is ordered: under all locks); false: there
  // is none. What has to be fetched first is added to `needs`: then the answer is void.
  virtual bool sample(BucketId bucket, ShardIndex shard, int64_t now_ms, Random& random, std::string& key,
                      std::vector<Need>& needs) = 0;

  // --- Durability. From any thread.
  virtual Journal& journal() = 0;
  virtual bool over_memory_limit() = 0;
  // Begins a snapshot unless one is running; `done` comes once it is on disk or has failed. On any thread.
  virtual void snapshot(std::function<void(Status)> done) = 0;
  // Does all of it that there is at the time of the call, and says how many bytes of files that gave back; `done` comes
  // once, on any thread. `bucket`: only what may hold keys of the bucket with this name (not_found: there is none); "":
  // everything. Of a store with Capabilities::upkeep.
  virtual void keep_up(Upkeep, const std::string&, std::function<void(Result<uint64_t>)> done) {
    done(Status::error(ErrorKind::unsupported, "the backend " + std::string(backend()) + " needs no upkeep"));
  }
  // Pins the store at one sequence and says what a backup has to take of it; only where it is durable. `done` comes
  // once, on any thread.
  virtual void begin_backup(std::function<void(Result<std::shared_ptr<const BackupPart>>)> done) {
    done(Status::error(ErrorKind::unsupported, std::string(backend()) + " keeps nothing on disk to back up"));
  }
  virtual StoreStats stats() const = 0;
  // Figures that only this backend has, for INFO: names in lower case with their units.
  using FigureVisitor = std::function<void(std::string_view name, uint64_t value)>;
  virtual void figures(const FigureVisitor&) const {}
  virtual void set_hook(MutationHook* hook) = 0;  // before start()
  // Begins the background work (expiry, snapshots). Once, after the journal's listener and the hook are set.
  virtual void start() = 0;
  // Makes everything durable and lets go of the files. No command runs any more, and the executor has come to a stop.
  virtual Status close() = 0;
};

}  // namespace sett::storage
