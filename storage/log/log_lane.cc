// What runs on the log lane, and the small writes that a loop does in its place.
#include <algorithm>

#include "storage/log/log_core.h"

namespace sett::storage {

namespace {
constexpr int64_t mark_delay_ms = 50;             // the promise is 100
constexpr int64_t retry_delay_ms = 100;           // while the disk is full
constexpr int small_write_rounds_max = 4;         // of a loop that others leave word with
constexpr uint64_t segment_end_bytes = 1u << 20;  // this far before its end a segment is synced, ...
constexpr uint64_t segment_end_part = 16;         // ... but no more than this part of it
constexpr uint64_t buffer_bytes_kept = 4u << 20;  // a buffer that grew larger is given back
}  // namespace

void LogCore::post_work() {
  if (work_posted_.exchange(true)) return;
  executor_.post(Executor::Lane::log, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->work();
  });
}

void LogCore::arm_timer(std::atomic<bool>& armed, int64_t delay_ms, void (LogCore::*on_time)()) {
  if (armed.exchange(true)) return;
  executor_.post_after(Executor::Lane::log, delay_ms, [weak = weak_from_this(), &armed, on_time] {
    if (const auto self = weak.lock()) {
      armed = false;
      (self.get()->*on_time)();
    }
  });
}

void LogCore::arm_sync_timer() {
  const int64_t oldest_unsynced_us = oldest_unsynced_us_;
  if (oldest_unsynced_us == 0 || failed_ || closed_) return;
  const int64_t due_us = oldest_unsynced_us + options_.sync_interval_ms * 1000 - now_us();
  arm_timer(sync_timer_armed_, std::max<int64_t>(0, (due_us + 999) / 1000), &LogCore::on_sync_time);
}

void LogCore::on_mark_time() {
  mark_due_ = true;
  work();
}

bool LogCore::sync_due_at(int64_t now_us) const {
  const int64_t oldest_unsynced_us = oldest_unsynced_us_;
  return oldest_unsynced_us != 0 && now_us - oldest_unsynced_us >= options_.sync_interval_ms * 1000;
}

// Not analysed: that the second try succeeds although word was left is what the analysis cannot follow.
bool LogCore::take_role_or_leave_word() NO_THREAD_SAFETY_ANALYSIS {
  if (role_.try_take()) return true;
  missed_ = true;
  return role_.try_take();  // whoever held it may have left before it could see the word
}

void LogCore::leave_role() {
  role_.leave();
  if (missed_.exchange(false)) post_work();
}

void LogCore::work() {
  work_posted_ = false;
  if (failed_ || closed_) return;
  prepare_segments();
  if (!take_role_or_leave_word()) return;
  const Sequence released = release_through_;
  const auto sync = work_as_writer();
  leave_role();
  if (sync) run_sync(*sync);
  remove_needless();
  if (released == release_through_) settle();
  arm_sync_timer();
}

// What is left to do without the role: a sync that has begun.
std::optional<BegunSync> LogCore::work_as_writer() {
  if (failed_ || closed_) return std::nullopt;
  const bool requested = sync_requested_.exchange(false);
  if (!write_pending()) return std::nullopt;
  if (mark_due_.exchange(false)) carry_mark();
  release_segments();
  if (failed_ || oldest_unsynced_us_ == 0) return std::nullopt;
  if (!options_.sync_writes && !requested && !sync_due()) return std::nullopt;
  return begin_sync();
}

bool LogCore::write_pending() {
  const auto pending = take_pending();
  return !pending || write(*pending);
}

std::optional<LogCore::Pending> LogCore::take_pending() {
  MutexLock lock(mutex_);
  return swap_pending();
}

// In one step with the look at how much it is: what others append in between might lie in the next segment, which only
// the lane may enter (it may be about to sync this one).
std::optional<LogCore::Pending> LogCore::take_small_pending(bool& too_large) {
  MutexLock lock(mutex_);
  too_large = filling_.size() > options_.small_write_bytes_max || writer_.position() > segment_files_.active_end() ||
              (options_.companion && options_.companion->has_unwritten());
  if (too_large) return std::nullopt;
  return swap_pending();
}

std::optional<LogCore::Pending> LogCore::swap_pending() {
  if (filling_.empty()) return std::nullopt;
  std::swap(filling_, writing_);
  filling_since_us_ = 0;
  return Pending{writer_.position(), last_.load(std::memory_order_relaxed)};
}

// What the records point to goes first. A segment that is left counts as synced, with all that its records point to.
Status LogCore::write_companion() {
  if (!options_.companion) return {};
  if (options_.companion->has_unwritten()) {
    if (Status status = options_.companion->write(); !status) return status;
  }
  const bool leaves_segment = segment_files_.position() + writing_.size() > segment_files_.active_end();
  return leaves_segment ? options_.companion->sync() : Status();
}

// On the log lane, or in close().
bool LogCore::write(const Pending& pending) {
  const int64_t begun_us = now_us();
  if (const Status status = write_companion(); !status) {
    fail(status);
    return false;
  }
  return write_records(pending, begun_us);
}

// What the companion has to write of them is written. A loop calls this alone: what it took needs the companion's
// bytes no more, and what the companion was given since then is the lane's.
bool LogCore::write_records(const Pending& pending, int64_t begun_us) {
  const uint64_t segments_before = segment_files_.segments();
  const Status status = segment_files_.write(writing_, [this] {
    MutexLock lock(mutex_);
    PreparedSegment next = std::move(prepared_.front());
    prepared_.pop_front();
    return next;
  });
  if (!status) {
    fail(status);
    return false;
  }
  if (segment_files_.segments() != segments_before) {
    segments_ = segment_files_.segments();
    active_start_ = segment_files_.active_start();
  }
  if (writing_.size() <= options_.small_write_bytes_max) slow_ = now_us() - begun_us > options_.small_write_quick_us;
  writing_.clear();
  if (writing_.capacity() > buffer_bytes_kept) std::string().swap(writing_);
  ++writes_;
  written_position_ = pending.end;
  written_.store(pending.last, std::memory_order_release);
  sync_before_segment_end();
  notify();
  return true;
}

// The next segment is entered with the role held, after a sync of this one: while that has little left to do, no loop's
// write waits for long.
void LogCore::sync_before_segment_end() {
  const uint64_t end = segment_files_.active_end();
  const uint64_t near = std::min(segment_end_bytes, options_.segment_bytes / segment_end_part);
  if (options_.sync_writes || early_synced_end_ == end || segment_files_.position() + near < end) return;
  early_synced_end_ = end;
  sync_requested_ = true;
  post_work();
}

// Of everything written. What was appended since then waits for the next one.
BegunSync LogCore::begin_sync() {
  const int64_t begun_us = now_us();
  if (!options_.sync_writes && begun_us - oldest_unsynced_us_ > 2 * options_.sync_interval_ms * 1000) ++delayed_syncs_;
  MutexLock lock(mutex_);
  oldest_in_sync_us_ = oldest_unsynced_us_.load();
  oldest_unsynced_us_ = filling_since_us_;
  return {&segment_files_.active_file(), written_position_, written_.load(std::memory_order_relaxed), begun_us};
}

// With or without the role: loops may write meanwhile.
bool LogCore::run_sync(const BegunSync& sync) {
  Status status = options_.companion ? options_.companion->sync() : Status();
  if (status) status = sync.file->sync();
  if (!status) {
    fail(status);
    oldest_in_sync_us_ = 0;
    return false;
  }
  last_sync_us_ = now_us() - sync.begun_us;
  ++syncs_;
  synced_position_ = sync.position;
  synced_.store(sync.sequence, std::memory_order_release);
  bool nothing_behind = false;
  {
    MutexLock lock(mutex_);
    oldest_in_sync_us_ = 0;
    nothing_behind = oldest_unsynced_us_ == 0 && carried_mark_ < records_end_;
  }
  if (nothing_behind && !closed_) arm_timer(mark_timer_armed_, mark_delay_ms, &LogCore::on_mark_time);
  notify();
  return true;
}

void LogCore::carry_mark() {
  {
    MutexLock lock(mutex_);
    const bool all_synced = filling_.empty() && oldest_unsynced_us_ == 0;
    const uint64_t room = writer_.end_position() - writer_.position();
    if (!all_synced || carried_mark_ >= records_end_ || room < LogWriter::framed_bytes_max(0)) return;
    carried_mark_ = synced_position_;
    writer_.append_mark(carried_mark_, filling_);
    appended_position_ = writer_.position();
  }
  write_pending();
}

// The last chunk of all. False where there is no room for it (the disk is full), or it cannot be written: then the file
// stays as long as it was made.
bool LogCore::write_closed() {
  {
    MutexLock lock(mutex_);
    const uint64_t room = writer_.end_position() - writer_.position();
    if (room < LogWriter::framed_bytes_max(0)) return false;
    carried_mark_ = synced_position_;
    writer_.append_closed(carried_mark_, filling_);
    appended_position_ = writer_.position();
  }
  return write_pending();
}

// On a full disk the segment being written may be all that a snapshot has made needless: the log goes on in the one
// ahead, so that it can go. False: the log has failed.
bool LogCore::leave_needless_segment(Sequence through) {
  {
    MutexLock lock(mutex_);
    const bool holds_chunks = writer_.position() > writer_.segment_start() + log_format::segment_header_bytes;
    const bool all_written = filling_.empty() && writer_.position() == written_position_;
    const bool needless = holds_chunks && last_.load(std::memory_order_relaxed) <= through;
    if (!all_written || !needless || writer_.segments_ahead() == 0) return true;
    segment_files_.end_active();
    writer_.end_segment(filling_);
    records_end_ = carried_mark_ = writer_.position();
    appended_position_ = writer_.position();
  }
  return write_pending();
}

void LogCore::release_segments() {
  const Sequence through = release_through_;
  if (through == 0) return;
  if (disk_full_ && !leave_needless_segment(through)) return;
  active_start_ = segment_files_.active_start();
  const std::vector<uint64_t> needless = segment_files_.release(through);
  needless_.insert(needless_.end(), needless.begin(), needless.end());
  front_position_ = segment_files_.front_position();
  segments_ = segment_files_.segments();
}

// Without the role, so that loops write on meanwhile: to free 64 MB takes a file system tens of milliseconds. What
// cannot be removed stays until the next work or the next start; a folder that cannot be synced says that the disk is
// not to be trusted.
void LogCore::remove_needless() {
  const Status status = remove_segments(files_, options_.directory, needless_);
  if (!status && status.kind() != ErrorKind::no_space) fail(status);
}

void LogCore::write_if_small() {
  if (appended_position_.load(std::memory_order_acquire) == written_position_ || failed_ || closed_) return;
  for (int round = 0; round < small_write_rounds_max; ++round) {
    if (options_.sync_writes || slow_ || sync_requested_ || sync_due()) break;
    if (!take_role_or_leave_word()) return;  // the holder writes ours too
    bool too_large = true;
    const uint64_t writes_before = writes_;
    if (!closed_)
      if (const auto pending = take_small_pending(too_large)) write_records(*pending, now_us());
    loop_writes_ += writes_ - writes_before;
    role_.leave();
    if (too_large) break;
    if (!missed_.exchange(false)) return;
  }
  post_work();
}

bool LogCore::lacks_room() {
  return writer_.segments_ahead() == 0 || room() < options_.emergency_bytes;
}

bool LogCore::wants_segment() {
  return lacks_room() || room() < wanted_bytes_;
}

// What is to stay free for a snapshot when all the room there is has been filled: but for the emergency's, each byte of
// it may be of something new that lives.
uint64_t LogCore::kept_free() {
  const uint64_t growing_end = writer_.end_position() - std::min(writer_.end_position(), options_.emergency_bytes);
  const uint64_t growth = growing_end > kept_free_->position ? growing_end - kept_free_->position : 0;
  return kept_free_->bytes + growth;
}

Status LogCore::make_segment(uint64_t bytes, uint64_t free) {
  uint64_t number = 0;
  uint64_t epoch = 0;
  {
    MutexLock lock(mutex_);
    number = next_number_;
    epoch = epochs_.next();
  }
  auto prepared =
      prepare_segment_that_fits(files_, options_.directory, number, epoch, bytes, options_.segment_bytes_min(), free);
  if (!prepared) return prepared.status();
  MutexLock lock(mutex_);
  ++next_number_;
  writer_.add_segment({number, epoch, prepared->bytes});
  prepared_.push_back(std::move(*prepared));
  return {};
}

// One step towards all the room that is wanted: a segment; or Urgency::normal gets what deletes were given before.
Status LogCore::prepare_next() {
  const auto found = files_.free_bytes(options_.directory);
  const uint64_t free = found.is_ok() ? found.value() : UINT64_MAX;
  const uint64_t bytes_min = options_.segment_bytes_min();
  uint64_t available = free;  // to Urgency::normal
  uint64_t kept = 0;
  uint64_t missing = 0;  // of a record that has to wait for it
  bool wants = false;
  bool emergency_lacks = false;
  {
    MutexLock lock(mutex_);
    if (kept_free_) {
      const uint64_t slack = 2 * bytes_min;
      kept = kept_free_->bytes;
      const uint64_t left = kept_free() + slack;
      available = free > left ? free - left : 0;
      // Of a new segment each byte is taken once, and may live once.
      if (found.is_ok()) available /= 2;
    }
    wants = wants_segment();
    emergency_lacks = room() < options_.emergency_bytes;
    if (!wants && available > 0) {
      normal_end_ = open_end;
      return {};
    }
    if (!lacks_room() && wanted_bytes_ > room()) missing = wanted_bytes_ - room();
  }
  // For a record that will not fit anyway the rest of the disk is not taken.
  Status status = Status::error(ErrorKind::no_space, "not enough room for the record");
  if (wants && missing <= available) status = make_segment(options_.segment_bytes, available);
  if (status.is_ok()) {
    MutexLock lock(mutex_);
    normal_end_ = open_end;
    return status;
  }
  {
    MutexLock lock(mutex_);
    const uint64_t end = writer_.end_position();
    normal_end_ = std::min(normal_end_, end - std::min(end, options_.emergency_bytes));
  }
  // Deletes get the room that is left above what a snapshot needs.
  if (emergency_lacks && status.kind() == ErrorKind::no_space) {
    [[maybe_unused]] const Status refilled = make_segment(bytes_min, free > kept ? free - kept : 0);  // or they wait
  }
  return status;
}

void LogCore::disk_is_full() {
  // Nothing that was promised depends on a segment that is not there yet: whatever kept it from being made (a full
  // disk, no descriptor left) may pass.
  const bool was_full = disk_full_.exchange(true);
  {
    MutexLock lock(mutex_);
    wanted_bytes_ = 0;
  }
  const bool deletes_wait = deletes_wait_.exchange(false);
  if (options_.when_full && (!was_full || deletes_wait)) options_.when_full();
  arm_timer(retry_timer_armed_, retry_delay_ms, &LogCore::on_retry_time);
}

void LogCore::prepare_segments() {
  {
    MutexLock lock(mutex_);
    if (options_.awaits_keep_free && !kept_free_) return;  // who needs room is held until then
  }
  bool changed = false;
  while (!closed_) {
    {
      MutexLock lock(mutex_);
      if (!wants_segment() && normal_end_ == open_end) {
        wanted_bytes_ = 0;
        changed = disk_full_.exchange(false) || changed;
        break;
      }
    }
    const Status status = prepare_next();
    changed = true;
    if (status.is_ok()) continue;
    disk_is_full();
    break;
  }
  if (changed) notify();
}

// The release is done: only now it can be known whether the disk is still full.
void LogCore::settle() {
  if (!settling_) return;
  prepare_segments();
  settling_ = false;
  if (!disk_full_) return;
  if (options_.when_full) options_.when_full();
  notify();
}

}  // namespace sett::storage
