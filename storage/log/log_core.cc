#include "storage/log/log_core.h"

#include <algorithm>
#include <thread>

namespace sett::storage {

using Room = Journal::Room;
using Urgency = Journal::Urgency;

LogCore::LogCore(FileSystem& files, Executor& executor, Clock& clock, LogOptions options, uint64_t epoch_seed,
                 Start start)
    : files_(files),
      executor_(executor),
      clock_(clock),
      options_(std::move(options)),
      start_position_(start.position),
      last_(start.floor),
      written_(start.floor),
      synced_(start.floor),
      appended_position_(start.position),
      written_position_(start.position),
      synced_position_(start.position),
      writer_(start.position, start.previous, start.floor + 1),
      next_number_(start.first.number + 1),
      epochs_(epoch_seed),
      segment_files_(std::move(start.old_segments)) {
  writer_.add_segment({start.first.number, start.first.epoch, start.first.bytes});
  prepared_.push_back(std::move(start.first));
}

Status LogCore::begin() {
  const bool took = role_.try_take();
  if (!took) return Status::error(ErrorKind::busy, "the log is begun twice");
  std::string header;
  PreparedSegment first;
  uint64_t position = 0;
  {
    MutexLock lock(mutex_);
    writer_.begin(header);
    first = std::move(prepared_.front());
    prepared_.pop_front();
    position = records_end_ = carried_mark_ = writer_.position();
  }
  auto status = segment_files_.enter(std::move(first), header);
  appended_position_ = written_position_ = synced_position_ = position;
  front_position_ = segment_files_.front_position();
  active_start_ = segment_files_.active_start();
  segments_ = segment_files_.segments();
  role_.leave();
  return status;
}

bool LogCore::record_pending_since(int64_t now_us) {
  if (filling_since_us_ == 0) filling_since_us_ = now_us;
  int64_t none = 0;
  return oldest_unsynced_us_.compare_exchange_strong(none, now_us);
}

// When the oldest record that is not synced was appended; 0: none.
int64_t LogCore::oldest_us() const {
  const int64_t in_sync_us = oldest_in_sync_us_;
  return in_sync_us != 0 ? in_sync_us : oldest_unsynced_us_.load();
}

Room LogCore::admit(uint64_t need, Urgency urgency, int64_t now_us) {
  if (failed_ || closed_) return Room::failed;
  const int64_t oldest = oldest_us();
  if (!options_.sync_writes && oldest != 0 && now_us - oldest > 2 * options_.sync_interval_ms * 1000) {
    return Room::hold;
  }
  const uint64_t buffered = writer_.position() - written_position_;
  if (buffered > 0 && buffered + need > options_.buffer_bytes_max) return Room::hold;
  if (need <= room_for(urgency)) return Room::ok;
  wanted_bytes_ = std::max(wanted_bytes_, need + options_.emergency_bytes);
  return disk_full_ ? room_when_full(urgency) : Room::hold;
}

uint64_t LogCore::room_for(Urgency urgency) const {
  uint64_t end = writer_.end_position();
  uint64_t left = 0;
  if (urgency == Urgency::normal) {
    end = std::min(end, normal_end_ == open_end ? end : normal_end_ + options_.emergency_bytes);
    left = options_.emergency_bytes;
  } else if (urgency == Urgency::frees_space) {
    left = options_.last_part_bytes();
  }
  const uint64_t taken = writer_.position() + left;
  return end > taken ? end - taken : 0;
}

Room LogCore::room_when_full(Urgency urgency) {
  if (holds_when_full_ || settling_) return Room::hold;
  if (urgency == Urgency::normal || !kept_free_ || !options_.when_full) return Room::no_space;
  if (decided_position_ >= writer_.position()) return Room::no_space;
  deletes_wait_ = true;
  return Room::hold;
}

Journal::Appended LogCore::append(std::span<const std::string_view> parts, Urgency urgency) {
  uint64_t bytes = 0;
  for (const auto part : parts) bytes += part.size();
  const uint64_t need = LogWriter::framed_bytes_max(bytes);
  const int64_t now = now_us();
  Journal::Appended appended{Room::ok, 0};
  bool first_unsynced = false;
  bool last_segment_entered = false;
  {
    MutexLock lock(mutex_);
    appended.room = admit(need, urgency, now);
    if (appended.room == Room::ok) {
      appended.sequence = last_.load(std::memory_order_relaxed) + 1;
      carried_mark_ = synced_position_.load(std::memory_order_acquire);
      const uint64_t ahead = writer_.segments_ahead();
      writer_.append(parts, bytes, appended.sequence, carried_mark_, filling_);
      last_segment_entered = ahead > 0 && writer_.segments_ahead() == 0;
      records_end_ = writer_.position();
      appended_position_.store(records_end_, std::memory_order_release);
      last_.store(appended.sequence, std::memory_order_release);
      first_unsynced = record_pending_since(now);
    }
  }
  if (first_unsynced) arm_sync_timer();
  if (last_segment_entered || appended.room == Room::hold || appended.room == Room::no_space) post_work();
  return appended;
}

void LogCore::request_sync() {
  if (synced() == last()) return;
  sync_requested_ = true;
  post_work();
}

void LogCore::release(Sequence through) {
  Sequence before = release_through_;
  if (before >= through) return;
  while (before < through && !release_through_.compare_exchange_weak(before, through)) {
  }
  settling_ = true;
  post_work();
}

void LogCore::keep_free(uint64_t bytes, uint64_t as_of) {
  bool first = false;
  bool less = false;
  {
    MutexLock lock(mutex_);
    first = !kept_free_;
    less = kept_free_ && bytes < kept_free_->bytes;
    kept_free_ = KeptFree{bytes, start_position_ + as_of};
  }
  if (first || (less && disk_full_)) post_work();  // not otherwise: the one who decides calls this each time
}

void LogCore::hold_when_full(bool hold, uint64_t as_of) {
  bool changed = false;
  {
    MutexLock lock(mutex_);
    const uint64_t position = start_position_ + as_of;
    changed = holds_when_full_ != hold || (!hold && decided_position_ != position);
    holds_when_full_ = hold;
    decided_position_ = hold ? 0 : position;
  }
  if (changed && disk_full_) notify();
}

void LogCore::set_progress_listener(std::function<void()> listener) {
  listener_owner_ = std::make_unique<const std::function<void()>>(std::move(listener));
  listener_ = listener_owner_.get();
}

void LogCore::notify() const {
  if (const auto* listener = listener_.load()) (*listener)();
}

void LogCore::fail(const Status& status) {
  {
    MutexLock lock(mutex_);
    if (failure_.is_ok()) failure_ = status;
    failed_ = true;
  }
  notify();
}

LogStats LogCore::stats() const {
  LogStats stats;
  stats.segments = segments_;
  const uint64_t front = front_position_;
  const uint64_t written = written_position_;
  stats.bytes = written > front ? written - front : 0;
  const uint64_t synced = synced_position_;
  const uint64_t appended = appended_position_;
  stats.appended_bytes = appended - start_position_;
  if (oldest_us() != 0 && appended > synced) stats.unsynced_bytes = appended - synced;
  stats.writes = writes_;
  stats.loop_writes = loop_writes_;
  stats.syncs = syncs_;
  stats.last_sync_us = last_sync_us_;
  stats.delayed_syncs = delayed_syncs_;
  const uint64_t active_start = active_start_;
  stats.releasable_bytes = active_start > front ? active_start - front : 0;
  stats.disk_full = disk_full_;
  stats.settling = settling_;
  return stats;
}

void LogCore::abandon() {
  closed_ = true;
}

Status LogCore::close() {
  {
    MutexLock lock(mutex_);
    closed_ = true;  // under the mutex: no appender is half way behind it
  }
  // A write or sync of the lane may be under way; close is the one call that waits for it. A sync begins under the
  // role.
  while (true) {
    while (!role_.try_take()) std::this_thread::yield();
    if (oldest_in_sync_us_ == 0) break;
    role_.leave();
    std::this_thread::yield();
  }
  Status status = finish();
  role_.leave();
  notify();
  return status;
}

Status LogCore::finish() {
  if (finished_) return {};
  finished_ = true;
  std::deque<PreparedSegment> unused;
  const bool synced = !failed_ && write_pending() && (oldest_unsynced_us_ == 0 || run_sync(begin_sync()));
  const bool closed = synced && write_closed();
  {
    MutexLock lock(mutex_);
    unused.swap(prepared_);
    if (failed_) return failure_;
  }
  if (auto status = segment_files_.finish(closed); !status) return status;
  // The last first, each for good: a power cut leaves no gap, which would look like a lost segment.
  for (auto segment = unused.rbegin(); segment != unused.rend(); ++segment) {
    if (auto status = segment->file->close(); !status) return status;
    if (auto status = files_.remove(segment->path); !status) return status;
    if (auto status = files_.sync_directory(options_.directory); !status) return status;
  }
  return {};
}

}  // namespace sett::storage
