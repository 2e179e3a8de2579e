#pragma once

#include "storage/base/status.h"

namespace sett::storage {

// Bytes that records point to and that lie elsewhere: in a value log. Whoever appends a record hands them over before,
// and the log sees to it that they are written and synced with or before the record. write() and sync() are called by
// whoever has the log's writer role or syncs the log: never two at once.
class LogCompanion {
 public:
  virtual ~LogCompanion() = default;
  virtual bool has_unwritten() const = 0;  // from any thread: then no event loop writes the log itself
  virtual Status write() = 0;              // all that was handed over before this call
  virtual Status sync() = 0;               // all that was written before this call
};

}  // namespace sett::storage
