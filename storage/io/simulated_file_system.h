#pragma once

#include <array>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/base/random.h"
#include "storage/io/file_system.h"

namespace sett::storage {

// What a power cut does to bytes that were written and not synced. Names that were not synced are kept, dropped, or (in
// the last four policies) drawn one by one from the seed.
enum class CrashPolicy : uint8_t {
  keep,         // everything reached the disk
  drop,         // nothing did
  torn_512,     // each file up to a drawn 512-byte border
  torn_4096,    // ... 4 KB border
  zero_filled,  // the new size reached the disk, the bytes did not
  reordered,    // a drawn subset of the 4 KB pages
};
inline constexpr std::array crash_policies = {CrashPolicy::keep,      CrashPolicy::drop,        CrashPolicy::torn_512,
                                              CrashPolicy::torn_4096, CrashPolicy::zero_filled, CrashPolicy::reordered};

// A file system in memory for tests, which keeps apart what was written and what was synced: for each file its bytes,
// for each folder its names. A rename is atomic: a crash shows both of its halves or none. Any call can be made to
// fail, and the power can go after any call. Safe for several threads: one mutex around everything.
//
// Paths are compared as text (no "..", no links). A folder is durable as soon as create_directories returns. Renaming
// folders is refused: sett never does.
class SimulatedFileSystem final : public FileSystem {
 public:
  // The calls that can fail. All but `read` count as mutating.
  enum class Call : uint8_t {
    read,
    create,
    append,
    sync,
    allocate,
    trim,
    truncate,
    remove,
    rename,
    link,
    make_directory,
    remove_directory,
    sync_directory,
  };
  struct Fault {
    std::optional<Call> call;  // empty: any mutating call
    uint64_t nth = 1;          // 1: the next one that matches
    bool persistent = false;   // every later match fails too
    ErrorKind kind = ErrorKind::io;
    uint64_t short_bytes = 0;  // of a failing append: this many of its bytes land
  };
  static constexpr uint64_t unlimited = std::numeric_limits<uint64_t>::max();

  SimulatedFileSystem();
  ~SimulatedFileSystem() override;

  // The power goes after `mutating_calls` more of them: everything later fails with `closed`.
  void crash_after(uint64_t mutating_calls);
  bool crashed() const;
  void inject(Fault fault);
  void clear_faults();
  // Bytes that all files together may hold; less than they hold now only stops growth.
  void set_capacity(uint64_t bytes);
  // Whether read_cached() finds everything; at first it finds nothing.
  void set_caches_reads(bool caches);
  uint64_t used_bytes() const;
  uint64_t mutating_calls() const;
  std::string last_call() const;  // "append /db/wal/1", "" before the first

  // A new file system as found after a power cut now; this one is left as it is. The same seed gives the same image.
  std::unique_ptr<SimulatedFileSystem> crash(CrashPolicy policy, uint64_t seed) const;
  // ... after kill -9 now: all that was written is there, what was not synced still is not, all locks are free.
  std::unique_ptr<SimulatedFileSystem> kill() const;
  // A hash of all names and bytes that are durable now.
  uint64_t durable_hash() const;

  // For tests that damage files: the bytes as read now; replaced as if they had always been there. Not counted, never
  // failing on faults; the file must exist.
  std::string content(const std::string& path) const;
  void set_content(const std::string& path, std::string bytes);

  Result<std::unique_ptr<AppendFile>> create(const std::string& path) override;
  Result<std::unique_ptr<RandomAccessFile>> open(const std::string& path) override;
  Result<bool> exists(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Status create_directories(const std::string& directory) override;
  Status remove(const std::string& path) override;
  Status remove_directory(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status link(const std::string& from, const std::string& to) override;
  Status truncate(const std::string& path, uint64_t size) override;
  Status sync_directory(const std::string& directory) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;
  Result<uint64_t> free_bytes(const std::string& directory) override;

 private:
  struct State;
  class Appender;
  class Reader;
  class Lock;
  // Shared with the open files, which may outlive this object.
  std::shared_ptr<State> state_;
};

}  // namespace sett::storage
