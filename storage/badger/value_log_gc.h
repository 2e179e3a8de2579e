#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/badger/engine.h"
#include "storage/vlog/vlog_reader.h"

namespace sett::storage {

// Gives value-log files back. One that no table and no memtable points into goes at once. Of others the deadest is read
// through, and what lives in it is put again, under its shard's lock and only if its key still points there; when that
// has been flushed the file goes. One file at a time, on the background lane, some records a step.
class ValueLogGc {
 public:
  explicit ValueLogGc(BadgerEngine& engine) : engine_(engine) {}

  void start();
  // Something was flushed or merged. From any thread.
  void check();
  static constexpr double worth_it = 0.05;  // a file of which less is dead is left as it is
  // Collects every file with a lower number of which that part or more is dead, also where collections are switched
  // off; then `done`, on any thread. When all of that is flushed remove_dead() removes them. One wish at a time.
  void collect_all(uint64_t below_number, std::function<void(Status)> done);
  // Has the file that is written to give way to a new one if this part of it or more is dead. False: it is not.
  bool rotate_dead(double share);
  // Removes the files in which nothing lives, as far as is known. On the background lane.
  void remove_dead();
  struct Stats {
    uint64_t runs = 0, moved_values = 0, moved_bytes = 0, removed_files = 0, removed_bytes = 0;
  };
  Stats stats() const;

 private:
  struct Record {
    uint64_t offset;
    std::string tree_key, value;
  };
  struct Collection {  // of one file
    uint64_t file = 0, bytes = 0;
    std::unique_ptr<VlogScanner> scanner;
    std::vector<Record> records;  // read, and perhaps alive
    size_t next = 0;              // of them
    Sequence dead_through = 0;    // the last record that moved, replaced or removed one of its values
  };

  struct Wish {
    uint64_t below_number;
    std::function<void(Status)> done;
    Status failure;  // of the first collection that failed
  };

  void tick();
  void rotate_wasteful();
  std::optional<VlogMeta> choose();
  void begin();
  void read_some(const std::shared_ptr<Collection>& collection);
  void move_some(const std::shared_ptr<Collection>& collection);
  bool move_one(Collection& collection, const Record& record, bool& waits);
  void ended(const std::shared_ptr<Collection>& collection, const Status& status);

  BadgerEngine& engine_;
  mutable Mutex mutex_;
  bool checking_ GUARDED_BY(mutex_) = false;
  bool collecting_ GUARDED_BY(mutex_) = false;
  int64_t next_run_ms_ GUARDED_BY(mutex_) = 0;               // steady
  std::map<uint64_t, Sequence> emptied_ GUARDED_BY(mutex_);  // files without a live value once this is flushed
  std::optional<Wish> wish_ GUARDED_BY(mutex_);
  Stats stats_ GUARDED_BY(mutex_);
  Mutex remove_mutex_;  // held over the disk: files are removed once
};

}  // namespace sett::storage
