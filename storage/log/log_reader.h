#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/io/file_system.h"
#include "storage/log/log_format.h"

namespace sett::storage {

// What was found in the folder of a log. Nothing was changed.
struct LogScan {
  struct Segment {
    std::string path;
    uint64_t file_bytes = 0;
    log_format::SegmentHeader header;
    uint64_t limit = 0;  // where the next segment says that this one ends; of the last one file_bytes
  };
  std::vector<Segment> segments;        // with a header, by number
  std::vector<std::string> leftovers;   // files that were made ready and never written to, by number
  std::vector<std::string> unfinished;  // files that were not made ready

  uint64_t records = 0;
  Sequence first_record = 0, last_record = 0;  // whole ones, as visited; 0: none
  Sequence last_whole = 0;                     // ... or known to have been whole before the first segment read
  Sequence highest = 0;                        // anywhere, cut tail included

  uint64_t cut_offset = 0;  // of the last segment: what counts ends here (segment_header_bytes: nothing in it counts)
  uint64_t cut_bytes = 0;   // behind it, up to the last byte that is not zero
};

// Reads a log: hands each whole record with a sequence > `after` to `visit`, in order. Segments that by their
// successors' headers hold only older records are not read. A bad chunk that was synced, as a later chunk or segment
// tells, is corruption; otherwise it starts a torn tail. The first Status of `visit` that is not ok ends the reading.
Result<LogScan> scan_log(FileSystem& files, const std::string& directory, Sequence after,
                         const std::function<Status(Sequence, std::string_view)>& visit);

// Whether the log that was read is all that its store knows of: with `must_exist` it is not empty, and it has the
// record `must_reach`, if records up to `after` were known without it.
Status check_reach(const LogScan& scan, const std::string& directory, bool must_exist, Sequence after,
                   Sequence must_reach);

}  // namespace sett::storage
