#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "storage/badger/badger_store.h"
#include "storage/chaos/chaos_store.h"
#include "storage/io/simulated_file_system.h"
#include "storage/log/counting_journal.h"
#include "storage/memory/memory_store.h"
#include "storage/simple_kv/simple_kv_store.h"
#include "storage/transaction.h"
#include "tests/support/manual_clock.h"
#include "tests/support/seeded_executor.h"

namespace sett::storage {

struct EngineOptions {
  std::string engine = "memory";  // or "simple_kv", "badger"
  bool chaos = false;
  uint64_t seed = 1;
  uint64_t memory_max = 0;           // of "memory"
  bool starts = true;                // the background work
  std::optional<bool> caches_reads;  // whether the system has in memory what is read; if not said, with some seeds
  SimpleKvOptions kv{.path = "/db",
                     .default_shards = 4,
                     .wal_segment_bytes = 32 << 10,
                     .snapshot_interval_ms = 0,
                     .reserve_bytes = 16 << 10};
  // Of badger; what both have is taken from `kv`. Small enough that flushes, merges and collections never cease.
  BadgerOptions badger{.mem_table_bytes = 4 << 10,
                       .value_threshold = 64,
                       .value_log_file_bytes = 8 << 10,
                       .value_log_records_max = 50,
                       .level0_tables_stall = 3,
                       .table_bytes = 4 << 10,
                       .block_bytes = 256,
                       .cache_bytes = 16 << 10,
                       .look_ahead_from_entries = 0,
                       .gc_interval_ms = 500};
};

// All engines, with and without chaos: for GENERATE_COPY / GENERATE(from_range(...)).
std::vector<EngineOptions> all_engines();
std::string describe(const EngineOptions& options);

// One engine over the simulated file system, one thread, a clock that is told what time it is. Runs bodies as the
// server's dispatcher runs handlers: again from the start until nothing is missing.
class EngineHarness : public StoreRouter, private MutationHook {
 public:
  struct Seen {
    std::string bucket;
    std::optional<std::string> key;
    Event event;
    friend bool operator==(const Seen&, const Seen&) = default;
  };
  enum class Outcome : uint8_t {
    committed,
    no_space,
    behind,
    failed,
    fetch_failed,
    too_many_buckets,
    several_stores,
    no_progress
  };
  using Body = std::function<void(Transaction&)>;

  explicit EngineHarness(EngineOptions options_to_use);
  ~EngineHarness() override;

  Status open();  // also after close(), kill() or power_cut()
  Status close();
  void kill();                                            // kill -9: what was written is there
  void power_cut(CrashPolicy policy, uint64_t cut_seed);  // what was synced is there
  void gone();                                            // the process is gone, the files are left as they are
  Store& store() { return *store_; }
  bool is_durable() const { return options.engine != "memory" && !options.badger.in_memory; }
  Store& store_of(std::string_view) override { return *store_; }

  Outcome run(const Body& body);
  int64_t last_now_ms() const { return last_now_ms_; }
  Sequence last_dependency() const { return last_dependency_; }  // what the reply of the last run waits for

  // One command each.
  Outcome put(std::string_view bucket, std::string_view key, std::string_view value, int64_t expires_at_ms = 0);
  Outcome splice(std::string_view bucket, std::string_view key, uint64_t offset, std::string_view bytes,
                 uint64_t new_length);
  Outcome expire(std::string_view bucket, std::string_view key, int64_t expires_at_ms);
  Outcome remove(std::string_view bucket, std::string_view key);
  Outcome flush(std::string_view bucket);
  Outcome drop(std::string_view bucket);
  Outcome swap(std::string_view a, std::string_view b);
  std::optional<std::string> get(std::string_view bucket, std::string_view key);
  int64_t expiry(std::string_view bucket, std::string_view key);  // -1: absent
  uint64_t count(std::string_view bucket);
  // By scanning.
  std::map<std::string, std::pair<std::string, int64_t>> content(std::string_view bucket);
  BucketUsage usage(std::string_view bucket);
  Status snapshot();  // waits for it
  int64_t now() { return clock.wall_ms(); }
  // Another store of the same kind, for who closes it himself.
  Result<std::unique_ptr<Store>> open_engine(FileSystem& in, const std::string& path);
  uint64_t figure(std::string_view name) const;  // of Store::figures(); 0: there is none of this name

  EngineOptions options;
  ManualClock clock;
  std::unique_ptr<SimulatedFileSystem> files;
  FileSystem* seen_through = nullptr;  // what badger is given instead of the files, which it hands the calls on to
  SeededExecutor executor;
  std::vector<Seen> seen;  // by the hook
  uint64_t reruns = 0;

 private:
  void on_mutation(std::string_view bucket, const std::string_view* key, Event event) override;
  void lock_all(const LockSet& locks);
  bool fetch(Transaction& txn);
  // Whether the run is over; else it is run again.
  std::optional<Outcome> settle(Transaction& txn, LockSet& locks, uint32_t& conflicts);

  int holds_ = 0;  // of the run at hand
  CountingJournal counting_;
  std::unique_ptr<Store> store_;
  int64_t last_now_ms_ = 0;
  Sequence last_dependency_ = 0;
};

}  // namespace sett::storage
