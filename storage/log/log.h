#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "storage/base/clock.h"
#include "storage/base/executor.h"
#include "storage/io/file_system.h"
#include "storage/log/journal.h"
#include "storage/log/log_companion.h"

namespace sett::storage {

struct LogOptions {
  std::string directory;
  bool sync_writes = false;
  int64_t sync_interval_ms = 1000;  // without sync_writes: the oldest unsynced byte is synced after this
  // Of a segment, in whole 32 KB blocks; a record may run on into the next. On a disk that is nearly full segments are
  // smaller, down to segment_bytes_min().
  uint64_t segment_bytes = 64ull << 20;
  uint64_t buffer_bytes_max = 32ull << 20;  // appended, not yet written; one larger record is let in when it is empty
  uint64_t small_write_bytes_max = 64u << 10;  // what a loop may write itself
  int64_t small_write_quick_us = 2000;         // ... as long as the last such write took no longer
  bool must_exist = false;                     // the folder is known to hold a log: to find none is corruption
  Sequence must_reach = 0;                     // a record that is known to be in it: to end before it is corruption
  uint64_t emergency_bytes = 4ull << 20;       // allocated space that Urgency::normal may not use
  // Called by open() when the disk has no room for the first segment, once the log has been read and is sound: gives
  // back what the engine can spare on it. Empty: nothing.
  std::function<void()> make_room;
  // Called by open() once every record has been visited and found sound, before anything says that they are on disk:
  // makes durable what they point to. Empty: nothing.
  std::function<Status()> sync_pointed_to;
  // Called on the log lane when the log has become full, or is still so after a release, or a delete finds no room:
  // whoever keeps_free() decides anew. May be empty. Must be quick.
  std::function<void()> when_full;
  bool awaits_keep_free = false;      // the log makes no segment before the first keep_free()
  LogCompanion* companion = nullptr;  // must outlive the log's tasks; may be null
  uint64_t epoch_seed = 0;            // of the segments' random epochs; 0: drawn from the system (tests give one)

  uint64_t last_part_bytes() const;    // of the emergency, only for Urgency::drops_bucket
  uint64_t segment_bytes_min() const;  // as much as the emergency needs, in whole blocks
};

// The write-ahead log of one local backend: numbered segment files in one folder, format in log_format.h and
// storage/log/README.md. Owns no thread: writes and syncs run on the log lane, but for small writes that a loop does
// itself (write_if_small). Opened once; closed once, after which append() answers `failed`.
class Log : public Journal {
 public:
  // One record, in sequence order. A Status that is not ok ends the opening with it; but for `incomplete`: what the
  // record points to is not there, so it begins a torn tail (corruption if the record is known to have been synced).
  using Visitor = std::function<Status(Sequence sequence, std::string_view record)>;
  struct Opened {
    std::unique_ptr<Log> log;
    LogRecovery recovery;
  };

  // Reads every segment, hands each whole record with a sequence > `after` to `visit`, cuts a torn tail (durably,
  // before anything is appended), starts a new segment. Damage in the middle is corruption, with file and offset;
  // nothing is changed on disk then. A segment missing between two others, or between `after` and the first one found,
  // is corruption. `visit` sees records on the calling thread. The folder is created where missing.
  static Result<Opened> open(FileSystem& files, Executor& executor, Clock& clock, LogOptions options, Sequence after,
                             const Visitor& visit);

  // Segments that hold only records with sequences <= `through` are removed (on the log lane); the one being written
  // only when the disk is full, then the log goes on in the next. The caller has made durable what makes them needless.
  virtual void release(Sequence through) = 0;
  // From now on no segment is made that would leave less than `bytes` of the disk free, and what lives may have grown
  // by since stats().appended_bytes were `as_of`: room for somebody who will then release a part of the log. Two
  // segments more are left by what Urgency::normal needs, so that deletes find room when nothing else does. From any
  // thread.
  virtual void keep_free(uint64_t bytes, uint64_t as_of) = 0;
  // While true a full log lets writers wait instead of refusing them. False: it is decided, with stats().appended_bytes
  // at `as_of`, that nothing can be gained; deletes behind that are held until it is decided anew. At first false, for
  // good where nobody decides. From any thread.
  virtual void hold_when_full(bool hold, uint64_t as_of) = 0;
  virtual LogStats stats() const = 0;
  // Writes and syncs everything appended, trims the active segment, carries the mark forward. Runs on the calling
  // thread: only when no loop appends any more and the log lane is idle or will be drained.
  virtual Status close() = 0;
};

}  // namespace sett::storage
