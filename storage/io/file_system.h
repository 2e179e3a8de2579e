#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/status.h"

namespace sett::storage {

// Every file of sett goes through this interface: posix_file_system.h in the daemon, simulated_file_system.h (which
// remembers what was synced) in tests. Paths are plain strings; '/' separates. All calls may block on the disk, so no
// event loop makes them but for the log's bounded small write. Implementations are safe for use from several threads;
// one file object belongs to one thread at a time, except RandomAccessFile's reads, which any number may make at once,
// and AppendFile::sync.

// Writes at its end only. Never reads.
class AppendFile {
 public:
  virtual ~AppendFile() = default;
  // Writes all of `bytes` behind what was appended before, retrying short writes and EINTR. On failure an unknown part
  // of `bytes` is in the file; the caller treats the file as finished.
  virtual Status append(std::string_view bytes) = 0;
  // Data and size reach the disk (fdatasync): all that was appended before the call. Another thread may append
  // meanwhile; what of that reaches the disk is open. A failed sync is final: never retried by callers.
  virtual Status sync() = 0;
  // Reserves blocks so that the file can hold `bytes` in all without running out of space; it is that long afterwards
  // (for good after the next sync), the new part reads as zeroes. Where the file system reserves nothing (EOPNOTSUPP)
  // the file is made that long all the same.
  virtual Status allocate(uint64_t bytes) = 0;
  // Gives back what was allocated behind the appended bytes.
  virtual Status trim() = 0;
  virtual uint64_t size() const = 0;  // bytes appended
  // The result of close(2). Further calls are errors of the caller. The destructor closes too, unheard.
  virtual Status close() = 0;
};

// Reads anywhere. Never writes.
class RandomAccessFile {
 public:
  virtual ~RandomAccessFile() = default;
  // Reads up to `bytes` from `offset` into `out`, retrying short reads; returns how many there were (fewer only at the
  // end of the file).
  virtual Result<uint64_t> read(uint64_t offset, char* out, uint64_t bytes) const = 0;
  // The same without waiting for the disk: what of it the system has in memory, from `offset` on; 0 where it has
  // nothing, or cannot tell, or fails.
  virtual uint64_t read_cached(uint64_t /*offset*/, char* /*out*/, uint64_t /*bytes*/) const { return 0; }
  virtual uint64_t size() const = 0;  // when opened
  // A hint: reads will be anywhere, and what is wanted is asked for as a whole; nothing need be read ahead.
  virtual void expect_random_reads() const {}
  // A hint: these bytes are asked for soon. The system may bring them, or some of them, into its memory meanwhile; that
  // they are there is not waited for.
  virtual void will_read(uint64_t /*offset*/, uint64_t /*bytes*/) const {}
};

// Holds an advisory lock on a file (flock) until destroyed; the kernel lets go of it when the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

class FileSystem {
 public:
  virtual ~FileSystem() = default;

  // A new file; fails with already_exists. The name is durable only after sync_directory of its folder.
  virtual Result<std::unique_ptr<AppendFile>> create(const std::string& path) = 0;
  virtual Result<std::unique_ptr<RandomAccessFile>> open(const std::string& path) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  // Names (not paths) in a folder, sorted, without "." and "..".
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  // Creates the folder and its missing parents, each synced into its own parent. Ok if it exists.
  virtual Status create_directories(const std::string& directory) = 0;
  virtual Status remove(const std::string& path) = 0;                         // a file
  virtual Status remove_directory(const std::string& path) = 0;               // an empty folder
  virtual Status rename(const std::string& from, const std::string& to) = 0;  // replaces `to` atomically
  // Another name for the same file; fails with already_exists. `unsupported`: not between these two places (another
  // file system), or not here at all. The name is durable only after sync_directory of its folder.
  virtual Status link(const std::string& from, const std::string& to) = 0;
  virtual Status truncate(const std::string& path, uint64_t size) = 0;  // and syncs the file
  // Creates, renames and removals in the folder reach the disk.
  virtual Status sync_directory(const std::string& directory) = 0;
  // Creates the file where missing; `busy` when another process (or another FileLock) holds it.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
  virtual Result<uint64_t> free_bytes(const std::string& directory) = 0;
};

inline std::string join_path(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.empty() && path.back() != '/') path += '/';
  return path.append(name);
}

// The folder that holds `path`: "a/b" -> "a", "/a" -> "/", "a" -> ".".
std::string parent_path(const std::string& path);

// The whole file in memory; `limit_bytes` bounds it (corruption when larger).
Result<std::string> read_file(FileSystem& files, const std::string& path, uint64_t limit_bytes);
// Writes `bytes` under a temporary name beside `path`, syncs, renames over it, syncs the folder: afterwards the file is
// the old one or the new one, whole.
Status replace_file(FileSystem& files, const std::string& path, std::string_view bytes);

}  // namespace sett::storage
