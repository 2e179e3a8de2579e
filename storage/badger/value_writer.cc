#include "storage/badger/value_writer.h"

#include <algorithm>
#include <cassert>

#include "storage/keys/tree_key.h"

namespace sett::storage {

using namespace vlog_format;

namespace {
constexpr uint64_t grow_bytes = 16ull << 20;  // allocated at a time, ...
constexpr uint64_t grow_share = 8;            // ... but no more than this part of a file
}  // namespace

uint64_t ValueWriter::bytes_of(std::span<const Mutation> batch, uint64_t& records) const {
  uint64_t bytes = 0;
  for (const Mutation& mutation : batch) {
    if (!is_large(mutation)) continue;
    bytes += record_bytes(bucket_prefix_bytes + mutation.key.size(), mutation.value.size());
    ++records;
  }
  return bytes;
}

Journal::Room ValueWriter::admit(uint64_t bytes, uint64_t records) {
  if (queue_bytes_ > 0 && queue_bytes_ + bytes > options_.queue_bytes_max) return Journal::Room::hold;
  const bool file_is_full =
      end_ > file_header_bytes && (end_ + bytes > options_.file_bytes || records_ + records > options_.records_max);
  if (!file_is_full && end_ + bytes <= allocated_) return Journal::Room::ok;
  wanted_ = std::max(wanted_, bytes);
  rotate_ = rotate_ || file_is_full;
  return full_ ? Journal::Room::no_space : Journal::Room::hold;
}

Journal::Appended ValueWriter::commit(std::span<Mutation> batch, const std::function<Journal::Appended()>& append) {
  uint64_t records = 0;
  const uint64_t bytes = bytes_of(batch, records);
  Journal::Appended appended{Journal::Room::ok, 0};
  bool asks = false;
  {
    MutexLock lock(mutex_);
    appended.room = admit(bytes, records);
    asks = appended.room != Journal::Room::ok;
    if (!asks) {
      uint64_t offset = end_;
      for (Mutation& mutation : batch) {
        if (!is_large(mutation)) continue;
        mutation.kind = Mutation::Kind::put_pointer;
        mutation.pointer = {number_, offset, mutation.value.size()};
        offset += record_bytes(bucket_prefix_bytes + mutation.key.size(), mutation.value.size());
      }
      unwritten_.store(true, std::memory_order_release);  // before the record can be seen by who writes it
      appended = append();
      if (appended.room == Journal::Room::ok) {
        for (const Mutation& mutation : batch) {
          if (mutation.kind != Mutation::Kind::put_pointer) continue;
          queue_.push_back({mutation.pointer.offset, tree_key(mutation.bucket, mutation.key),
                            std::string(mutation.value), appended.sequence});
        }
        last_records_[number_] = appended.sequence;
        end_ = offset;
        records_ += records;
        queue_bytes_ += bytes;
        asks = allocated_ - end_ < grow_bytes / 2 && end_ < options_.file_bytes;
      } else {
        for (Mutation& mutation : batch)
          if (mutation.kind == Mutation::Kind::put_pointer) mutation.kind = Mutation::Kind::put;
        unwritten_.store(!queue_.empty(), std::memory_order_release);
      }
    }
  }
  if (asks) options_.wake();
  return appended;
}

// --- On the log lane

Status ValueWriter::prepare() {
  uint64_t wanted = 0;
  bool begins = false;
  {
    MutexLock lock(mutex_);
    wanted = wanted_;
    begins = number_ == 0 || (rotate_ && end_ > file_header_bytes);
    if (begins) allocated_ = end_;  // no more places in this one
  }
  Status status = begins ? begin_file(wanted) : grow(wanted);
  MutexLock lock(mutex_);
  if (begins && status) rotate_ = false;
  full_ = !status;
  if (status) wanted_ = 0;
  return status;
}

Status ValueWriter::begin_file(uint64_t wanted) {
  if (Status status = seal_active(); !status) return status;
  const uint64_t number = options_.next_number();
  uint64_t epoch = 0;
  {
    MutexLock lock(mutex_);
    epoch = random_.next();
  }
  const std::string path = join_path(options_.directory, vlog_file_name(number));
  auto file = files_.create(path);
  if (!file) return file.status();
  auto begun = VlogWriter::begin(std::move(*file), number, epoch);
  Status status = begun ? (*begun)->sync() : begun.status();
  if (status) status = files_.sync_directory(options_.directory);
  if (!status) {
    // Not a file yet: without it everything is as it was.
    if (Status removed = files_.remove(path); !removed && status.kind() == ErrorKind::no_space) return removed;
    return status;
  }
  writer_ = std::move(*begun);
  {
    MutexLock lock(mutex_);
    number_ = number;
    end_ = allocated_ = synced_ = file_header_bytes;
    records_ = 0;
  }
  return grow(wanted);
}

Status ValueWriter::seal_active() {
  if (!writer_) return {};
  if (Status status = write(); !status) return status;
  if (Status status = writer_->seal(); !status) return broken_ = status;
  writer_.reset();
  unsynced_ = false;
  MutexLock lock(mutex_);
  sealed_.push_back({number_, end_, true});
  number_ = 0;
  return {};
}

Status ValueWriter::grow(uint64_t wanted) {
  uint64_t allocate = 0;
  {
    MutexLock lock(mutex_);
    const uint64_t ahead = std::min(grow_bytes, std::max<uint64_t>(options_.file_bytes / grow_share, 1));
    allocate = end_ + std::max(wanted, ahead);
    if (allocate <= allocated_) return {};
  }
  Status status = writer_->allocate(allocate);
  if (!status && status.kind() == ErrorKind::no_space && wanted > 0) {
    MutexLock lock(mutex_);
    allocate = end_ + wanted;
  }
  if (!status && status.kind() == ErrorKind::no_space && wanted > 0) status = writer_->allocate(allocate);
  if (!status) return status;
  MutexLock lock(mutex_);
  allocated_ = std::max(allocated_, allocate);
  return {};
}

Status ValueWriter::write() {
  if (!broken_) return broken_;
  std::vector<Queued> queued;
  {
    MutexLock lock(mutex_);
    queued.swap(queue_);
    queue_bytes_ = 0;
  }
  for (const Queued& value : queued) {
    auto offset = writer_->append(value.tree_key, value.value, value.sequence);
    if (!offset) return broken_ = offset.status();
    assert(*offset == value.offset);
    unsynced_ = true;
  }
  MutexLock lock(mutex_);
  unwritten_.store(!queue_.empty(), std::memory_order_release);
  return {};
}

Status ValueWriter::sync() {
  if (!broken_ || !unsynced_) return broken_;
  unsynced_ = false;
  const uint64_t written = writer_->file_bytes();
  if (broken_ = writer_->sync(); !broken_) return broken_;
  MutexLock lock(mutex_);
  synced_ = written;
  return {};
}

Status ValueWriter::close() {
  return seal_active();
}

// --- From any thread

std::vector<ValueWriter::File> ValueWriter::files() const {
  MutexLock lock(mutex_);
  std::vector<File> files = sealed_;
  if (number_ != 0) files.push_back({number_, synced_, false});
  return files;
}

uint64_t ValueWriter::bytes_ahead() const {
  MutexLock lock(mutex_);
  return number_ == 0 ? 0 : allocated_ - std::min(allocated_, synced_);
}

void ValueWriter::forget(uint64_t number) {
  MutexLock lock(mutex_);
  std::erase_if(sealed_, [number](const File& file) { return file.number == number; });
}

bool ValueWriter::is_settled(uint64_t number, Sequence flushed) const {
  MutexLock lock(mutex_);
  if (number == number_) return false;
  const auto at = last_records_.find(number);
  return at == last_records_.end() || at->second <= flushed;
}

void ValueWriter::note_record(uint64_t number, Sequence sequence) {
  MutexLock lock(mutex_);
  last_records_[number] = sequence;
}

void ValueWriter::rotate() {
  {
    MutexLock lock(mutex_);
    if (number_ == 0 || end_ <= file_header_bytes) return;
    rotate_ = true;
  }
  options_.wake();
}

}  // namespace sett::storage
