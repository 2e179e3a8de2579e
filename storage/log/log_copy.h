#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/io/file_system.h"
#include "storage/log/journal.h"

namespace sett::storage {

// Reads the records behind `after` up to `through`, all of which are on disk, of a log that may be written to meanwhile
// and of which nothing behind `after` is released: as scan_log, which minds what is behind them.
Status read_live_log(FileSystem& files, const std::string& directory, Sequence after, Sequence through,
                     const std::function<Status(Sequence, std::string_view)>& visit);

struct LogCopy {
  Sequence last_record = 0;        // 0: none
  std::vector<std::string> names;  // of the segments
};
// A log of its own with these records, in `to`, which is made and has no log yet: as one that was closed behind them,
// and goes on behind `through`. Its files are synced, their names are not. `epoch_seed`: random.
Result<LogCopy> copy_live_log(FileSystem& files, const std::string& from, Sequence after, Sequence through,
                              const std::string& to, uint64_t epoch_seed);

}  // namespace sett::storage
