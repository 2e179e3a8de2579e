#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "storage/io/file_system.h"

namespace sett::storage {

// A file that keeps a little of the disk for the one who can free the rest: it goes when a snapshot finds no room, and
// is made anew afterwards. Rule in README.md ("A full disk"). Nobody reads what is in it. One call of make() at a time;
// give_up() may come at the same time, from another thread.
class DiskReserve {
 public:
  static constexpr std::string_view file_name = "RESERVE";

  // In `directory`; of `bytes_max` (0: there is never one), on a small disk less.
  DiskReserve(FileSystem& files, std::string directory, uint64_t bytes_max)
      : files_(files), directory_(std::move(directory)), bytes_max_(bytes_max) {}

  bool is_there() const { return is_there_; }
  // 0 while it is not there.
  uint64_t bytes() const { return is_there_ ? bytes_.load() : 0; }
  // Makes it unless it is there; `own_bytes` is what the store has on this disk already. That there is no room for it
  // now is no error, it just is not there then.
  Status make(uint64_t own_bytes);
  // Gives its bytes back, also those of one that make() has not seen yet. False: there was none, or it is just being
  // made.
  bool give_up();

 private:
  Status make_file(uint64_t own_bytes);
  Result<uint64_t> size_of_file() const;

  FileSystem& files_;
  const std::string directory_;
  const uint64_t bytes_max_;
  std::atomic<bool> is_there_{false};
  std::atomic<uint64_t> bytes_{0};   // of the file, when it is there
  std::atomic<bool> in_use_{false};  // by make() or give_up()
};

}  // namespace sett::storage
