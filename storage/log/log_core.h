#pragma once

#include <algorithm>
#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "storage/base/mutex.h"
#include "storage/base/random.h"
#include "storage/log/log.h"
#include "storage/log/log_writer.h"
#include "storage/log/segment_files.h"

namespace sett::storage {

// The role of the one who writes: tried for, never waited for (but by close).
class CAPABILITY("role") WriterRole {
 public:
  bool try_take() TRY_ACQUIRE(true) { return !taken_.exchange(true); }
  void leave() RELEASE() { taken_.store(false); }

 private:
  std::atomic<bool> taken_{false};
};

// A sync that has begun, of all that was written then.
struct BegunSync {
  AppendFile* file;
  uint64_t position;
  Sequence sequence;
  int64_t begun_us;
};

// A log that is open. Three parties: appenders (any thread, a short mutex), the log lane, and loops that write a little
// themselves; the last two share the writer's role. Whoever misses the role leaves word (missed_), and the holder sees
// to it when leaving. The lane leaves the role while it syncs, so that loops can write on in the active segment; it
// alone goes on to the next one (and close, which waits for the sync).
//
// Order of locks: the role, then mutex_. Neither is held while the listener runs.
class LogCore final : public std::enable_shared_from_this<LogCore> {
 public:
  // What a log goes on from. The header of `first` is not written yet.
  struct Start {
    uint64_t position = 0;
    Sequence previous = 0;  // the last whole record
    Sequence floor = 0;     // the next sequence is the one above
    PreparedSegment first;
    std::vector<SegmentFiles::Kept> old_segments;
  };

  LogCore(FileSystem& files, Executor& executor, Clock& clock, LogOptions options, uint64_t epoch_seed, Start start);

  // Makes the first segment durable. Once, before everything else.
  Status begin();

  Journal::Appended append(std::span<const std::string_view> parts, Journal::Urgency urgency);
  void write_if_small();
  void request_sync();
  void release(Sequence through);
  void keep_free(uint64_t bytes, uint64_t as_of);
  void hold_when_full(bool hold, uint64_t as_of);
  Status close();
  void abandon();  // nothing more is written; what is under way ends by itself
  void post_work();
  void set_progress_listener(std::function<void()> listener);
  LogStats stats() const;
  void notify() const;  // the progress listener

  Sequence last() const { return last_.load(std::memory_order_acquire); }
  Sequence written() const { return written_.load(std::memory_order_acquire); }
  Sequence synced() const { return synced_.load(std::memory_order_acquire); }
  bool failed() const { return failed_.load(std::memory_order_acquire); }
  bool sync_writes() const { return options_.sync_writes; }

 private:
  // log_core.cc: appenders, marks, opening and closing.
  Journal::Room admit(uint64_t need, Journal::Urgency urgency, int64_t now_us) REQUIRES(mutex_);
  Journal::Room room_when_full(Journal::Urgency urgency) REQUIRES(mutex_);
  uint64_t room() const REQUIRES(mutex_) { return writer_.end_position() - writer_.position(); }
  uint64_t room_for(Journal::Urgency urgency) const REQUIRES(mutex_);
  bool record_pending_since(int64_t now_us) REQUIRES(mutex_);
  int64_t oldest_us() const;
  int64_t now_us() { return std::max<int64_t>(1, clock_.steady_us()); }  // 0 means never
  void fail(const Status& status);
  Status finish() REQUIRES(role_);

  // log_lane.cc: what runs on the log lane, and the loops' small writes.
  void work();
  std::optional<BegunSync> work_as_writer() REQUIRES(role_);
  bool take_role_or_leave_word() TRY_ACQUIRE(true, role_);
  void leave_role() RELEASE(role_);
  bool write_pending() REQUIRES(role_);
  struct Pending {  // what writing_ holds
    uint64_t end;   // position behind it
    Sequence last;
  };
  std::optional<Pending> take_pending() REQUIRES(role_);
  std::optional<Pending> take_small_pending(bool& too_large) REQUIRES(role_);
  std::optional<Pending> swap_pending() REQUIRES(role_, mutex_);
  bool write(const Pending& pending) REQUIRES(role_);
  bool write_records(const Pending& pending, int64_t begun_us) REQUIRES(role_);
  Status write_companion() REQUIRES(role_);
  void sync_before_segment_end() REQUIRES(role_);
  BegunSync begin_sync() REQUIRES(role_);
  bool run_sync(const BegunSync& sync);
  bool sync_due() { return sync_due_at(now_us()); }
  bool sync_due_at(int64_t now_us) const;
  void carry_mark() REQUIRES(role_);
  bool write_closed() REQUIRES(role_);
  void release_segments() REQUIRES(role_);
  void remove_needless();
  bool leave_needless_segment(Sequence through) REQUIRES(role_);
  void prepare_segments();
  bool lacks_room() REQUIRES(mutex_);
  bool wants_segment() REQUIRES(mutex_);
  Status prepare_next();
  Status make_segment(uint64_t bytes, uint64_t free);
  uint64_t kept_free() REQUIRES(mutex_);
  void disk_is_full();
  void settle();
  void arm_sync_timer();
  void arm_timer(std::atomic<bool>& armed, int64_t delay_ms, void (LogCore::*on_time)());
  void on_sync_time() { work(); }
  void on_mark_time();
  void on_retry_time() { work(); }

  FileSystem& files_;
  Executor& executor_;
  Clock& clock_;
  const LogOptions options_;  // segment_bytes in whole blocks
  const uint64_t start_position_;

  std::atomic<Sequence> last_, written_, synced_;
  std::atomic<uint64_t> appended_position_, written_position_, synced_position_, front_position_{0}, segments_{0},
      active_start_{0};
  std::atomic<int64_t> oldest_unsynced_us_{
      0};  // when the oldest record that no sync has begun for was appended; 0: none
  std::atomic<int64_t> oldest_in_sync_us_{0};  // ... that the sync under way is for; 0: there is no such sync
  std::atomic<bool> failed_{false}, closed_{false}, disk_full_{false}, slow_{false}, missed_{false};
  std::atomic<bool> work_posted_{false}, sync_requested_{false}, mark_due_{false}, settling_{false},
      deletes_wait_{false};
  std::atomic<bool> sync_timer_armed_{false}, mark_timer_armed_{false}, retry_timer_armed_{false};
  std::atomic<Sequence> release_through_{0};
  std::atomic<uint64_t> writes_{0}, loop_writes_{0}, syncs_{0}, delayed_syncs_{0};
  std::atomic<int64_t> last_sync_us_{0};
  std::atomic<const std::function<void()>*> listener_{nullptr};
  std::unique_ptr<const std::function<void()>> listener_owner_;  // set once

  mutable Mutex mutex_;
  LogWriter writer_ GUARDED_BY(mutex_);
  std::string filling_ GUARDED_BY(mutex_);           // framed, not yet taken by the writer
  int64_t filling_since_us_ GUARDED_BY(mutex_) = 0;  // its oldest record; 0: it has none
  uint64_t records_end_ GUARDED_BY(mutex_) = 0;      // position behind the last record
  uint64_t carried_mark_ GUARDED_BY(mutex_) = 0;     // the mark in the last chunk
  uint64_t wanted_bytes_ GUARDED_BY(mutex_) = 0;     // room that somebody was told to wait for
  static constexpr uint64_t open_end = UINT64_MAX;
  uint64_t normal_end_ GUARDED_BY(mutex_) = open_end;  // where Urgency::normal ends, whatever segments there are
  struct KeptFree {
    uint64_t bytes = 0;
    uint64_t position = 0;  // what is appended behind may add to it
  };
  std::optional<KeptFree> kept_free_ GUARDED_BY(mutex_);
  bool holds_when_full_ GUARDED_BY(mutex_) = false;
  uint64_t decided_position_ GUARDED_BY(mutex_) = 0;  // that nothing can be gained
  uint64_t next_number_ GUARDED_BY(mutex_);
  Random epochs_ GUARDED_BY(mutex_);
  std::deque<PreparedSegment> prepared_ GUARDED_BY(mutex_);  // the writer_ may be in one of them already
  Status failure_ GUARDED_BY(mutex_);

  std::vector<uint64_t> needless_;  // segments that were let go of and are not removed yet; of the lane's thread

  WriterRole role_;
  std::string writing_ GUARDED_BY(role_);
  SegmentFiles segment_files_ GUARDED_BY(role_);
  uint64_t early_synced_end_ GUARDED_BY(role_) = 0;  // of the segment for whose end a sync was asked for
  bool finished_ GUARDED_BY(role_) = false;
};

}  // namespace sett::storage
