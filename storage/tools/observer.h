#pragma once

#include <cstdint>
#include <string>

#include "storage/base/status.h"

namespace sett::storage {

// Who runs a tool hears of what it finds and does, on the tool's thread.
class ToolObserver {
 public:
  virtual ~ToolObserver() = default;
  virtual void on_good_file(const std::string& path, const std::string& note) = 0;  // the note may be empty
  virtual void on_damage(const Status& status) = 0;  // file, offset where there is one, and what
  virtual void on_note(const std::string& text) = 0;
  virtual void on_progress(uint64_t done_bytes, uint64_t all_bytes) = 0;
};

// Adds up what a tool has gone through.
class ToolProgress {
 public:
  ToolProgress(ToolObserver& observer, uint64_t all_bytes) : observer_(observer), all_bytes_(all_bytes) {}
  void add(uint64_t bytes) {
    done_bytes_ += bytes;
    observer_.on_progress(done_bytes_ < all_bytes_ ? done_bytes_ : all_bytes_, all_bytes_);
  }

 private:
  ToolObserver& observer_;
  const uint64_t all_bytes_;
  uint64_t done_bytes_ = 0;
};

}  // namespace sett::storage
