#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "storage/base/status.h"

namespace sett::storage {

// The order of all writes of one backend: 1, 2, 3, ... A record (= one batch) has one sequence. 0: before everything.
using Sequence = uint64_t;

// What a log that keeps its records tells of itself.
struct LogRecovery {
  uint64_t segments = 0;
  uint64_t records = 0;
  uint64_t cut_bytes = 0;       // bytes of a torn tail that were cut away (a tail of zeroes counts none)
  Sequence first_sequence = 0;  // of the first record found; 0: none
  Sequence last_sequence = 0;   // the log goes on with a higher one than any found anywhere, cut tail included
};

struct LogStats {
  uint64_t segments = 0;
  uint64_t bytes = 0;           // of all segments, allocated space of the active one not counted
  uint64_t appended_bytes = 0;  // since the log was opened, framing included
  uint64_t unsynced_bytes = 0;
  uint64_t writes = 0, loop_writes = 0, syncs = 0;
  int64_t last_sync_us = 0;       // how long the last one took
  uint64_t delayed_syncs = 0;     // syncs that began later than twice the interval: writers were held back
  uint64_t releasable_bytes = 0;  // of the segments before the active one
  bool disk_full = false;  // no further segment can be made: writes are refused when there is no room in the last one
  bool settling = false;   // a release is under way: whether the disk stays full is not known yet
};

// What an engine asks of its log. `Log` (log.h) keeps it on disk; `CountingJournal` serves the engine without files.
//
// Three marks, each never going back: last() >= written() >= synced(). safe() is the one that an acknowledgement waits
// for: synced() with sync_writes, else written(). All calls are safe from any thread and none waits for a disk, but for
// write_if_small(), whose wait is bounded as DESIGN says.
class Journal {
 public:
  enum class Room : uint8_t {
    ok,
    hold,      // not now (buffer full, segment not yet allocated, unsynced for too long): retry after the next progress
    no_space,  // the disk is full: refuse the write; nothing has changed
    failed,    // an earlier write or sync failed: refuse all writes until reopened
  };
  enum class Urgency : uint8_t {
    normal,
    frees_space,   // may use the emergency reserve, but for its last part
    drops_bucket,  // ... that part too: one small record that makes a whole bucket needless
  };
  struct Appended {
    Room room;
    Sequence sequence;  // 0 unless room is ok
  };

  virtual ~Journal() = default;

  // Reserves the next sequence and place and copies the record (the parts in a row) into the log's memory, in one step.
  virtual Appended append(std::span<const std::string_view> parts, Urgency urgency) = 0;

  virtual Sequence last() const = 0;
  virtual Sequence written() const = 0;
  virtual Sequence synced() const = 0;
  virtual Sequence safe() const = 0;
  virtual bool failed() const = 0;
  virtual bool keeps_records() const = 0;  // false: append() only counts, the caller need not encode anything

  // At the end of a loop's turn: writes what is pending if it is little and nobody else is at it, else makes sure that
  // the log thread will.
  virtual void write_if_small() = 0;
  // Asks that everything appended so far be synced soon, also without sync_writes (WAITAOF, SAVE, a manifest edit).
  virtual void request_sync() = 0;

  // Called after any mark moved, room may have come, or the log failed; from any thread, also from inside
  // write_if_small(); must be quick and must not call back into the journal's append. Set once, before the first
  // append.
  virtual void set_progress_listener(std::function<void()> listener) = 0;
  // Calls it: those who were told to hold may find room again, for reasons outside of the journal.
  virtual void announce_progress() = 0;
};

}  // namespace sett::storage
