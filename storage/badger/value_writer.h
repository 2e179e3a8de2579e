#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/base/random.h"
#include "storage/io/file_system.h"
#include "storage/keys/mutation.h"
#include "storage/log/journal.h"
#include "storage/log/log_companion.h"
#include "storage/vlog/vlog_writer.h"

namespace sett::storage {

struct ValueWriterOptions {
  std::string directory;
  uint64_t value_threshold = 1 << 20;      // larger values go to the value log
  uint64_t file_bytes = 1ull << 30;        // then the next file begins; a larger value has a file of its own
  uint64_t records_max = 1000000;          // of one file
  uint64_t queue_bytes_max = 32ull << 20;  // handed over and not yet written; one larger value is let in alone
  std::function<uint64_t()> next_number;   // of files
  std::function<void()> wake;              // asks for prepare() on the log lane
};

// Large values on their way into the active value log. They get their places, the record that points to them is
// appended, and their bytes are handed over, all under the mutex; the log writes them before that record
// (LogCompanion). Space comes before the promise: places are given out only where prepare() has allocated the disk.
class ValueWriter final : public LogCompanion {
 public:
  // A file that was begun since the start, also the active one.
  struct File {
    uint64_t number = 0;
    uint64_t bytes = 0;  // that are on disk; of a sealed one all that were given out
    bool sealed = false;
  };

  ValueWriter(FileSystem& files, ValueWriterOptions options, uint64_t seed)
      : files_(files), options_(std::move(options)), random_(seed) {}

  bool is_large(const Mutation& mutation) const {
    return mutation.kind == Mutation::Kind::put && mutation.value.size() > options_.value_threshold;
  }
  // Turns the large puts of the batch into put_pointer (their `value` stays what it was), calls `append`, which appends
  // the record, and if that went well takes the values. Else nothing has changed. From any thread.
  Journal::Appended commit(std::span<Mutation> batch, const std::function<Journal::Appended()>& append);

  // On the log lane, once before the first commit and then when `wake` asked for it: makes the next file, or allocates
  // more of this one. After an error large values are refused, and it is tried again when somebody asks for room.
  Status prepare();

  bool has_unwritten() const override { return unwritten_.load(std::memory_order_acquire); }
  Status write() override;
  Status sync() override;
  // Writes and seals. Nothing is appended any more. Like prepare(), not while the log is written.
  Status close();

  std::vector<File> files() const;
  uint64_t bytes_ahead() const;  // allocated of the active file, beyond what files() tells of
  // A sealed file that is somebody else's to know from here on.
  void forget(uint64_t number);
  // No record beyond `flushed` points to the file, and none will.
  bool is_settled(uint64_t number, Sequence flushed) const;
  // Of recovery: a record with this sequence points to the file.
  void note_record(uint64_t number, Sequence sequence);
  // The next prepare() begins a new file, if this one has anything in it; asks for that.
  void rotate();

 private:
  struct Queued {
    uint64_t offset = 0;
    std::string tree_key, value;
    Sequence sequence = 0;
  };

  uint64_t bytes_of(std::span<const Mutation> batch, uint64_t& records) const;
  Journal::Room admit(uint64_t bytes, uint64_t records) REQUIRES(mutex_);
  Status begin_file(uint64_t wanted);
  Status seal_active();
  Status grow(uint64_t wanted);

  FileSystem& files_;
  const ValueWriterOptions options_;

  mutable Mutex mutex_;
  Random random_ GUARDED_BY(mutex_);
  uint64_t number_ GUARDED_BY(mutex_) = 0;     // of the active file; 0: none yet
  uint64_t end_ GUARDED_BY(mutex_) = 0;        // of the places given out in it
  uint64_t synced_ GUARDED_BY(mutex_) = 0;     // of it, on disk
  uint64_t allocated_ GUARDED_BY(mutex_) = 0;  // places are given out up to here
  uint64_t records_ GUARDED_BY(mutex_) = 0;
  uint64_t wanted_ GUARDED_BY(mutex_) = 0;  // bytes that somebody was told to wait for
  std::vector<Queued> queue_ GUARDED_BY(mutex_);
  uint64_t queue_bytes_ GUARDED_BY(mutex_) = 0;
  bool rotate_ GUARDED_BY(mutex_) = false;
  bool full_ GUARDED_BY(mutex_) = false;  // the disk had no room for what was wanted
  std::vector<File> sealed_ GUARDED_BY(mutex_);
  std::map<uint64_t, Sequence> last_records_ GUARDED_BY(mutex_);  // by file
  std::atomic<bool> unwritten_{false};

  // Of whoever writes the log: one thread at a time.
  std::unique_ptr<VlogWriter> writer_;
  bool unsynced_ = false;
  Status broken_;  // a write or sync failed: never tried again
};

}  // namespace sett::storage
