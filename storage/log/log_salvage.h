#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "storage/io/file_system.h"
#include "storage/log/log_format.h"

namespace sett::storage {

struct LogSalvageVisitor {
  std::function<Status(Sequence, std::string_view record)> record;  // not ok: ends the reading
  std::function<void(uint64_t bytes)> progress;                     // of the files
};

// For repair, where scan_log() has refused: every whole record with a sequence > `after` that can be found, in order,
// whatever lies between. Segments without a good header are passed over, since it seeds the checksums of all that is in
// them, and so are records whose beginning or end is lost. Not ok: what the visitor said, or a file cannot be read.
// Blocks on the disk; changes nothing.
Status salvage_log(FileSystem& files, const std::string& directory, Sequence after, const LogSalvageVisitor& visitor);

}  // namespace sett::storage
