#include "storage/log/log_reader.h"
#include "storage/tools/verify.h"

namespace sett::storage {

namespace {

std::string note_of(const LogScan& scan, const LogScan::Segment& segment) {
  const bool is_last = &segment == &scan.segments.back();
  if (!is_last || scan.cut_bytes == 0) return {};
  return "torn tail of " + std::to_string(scan.cut_bytes) + " bytes from byte " + std::to_string(scan.cut_offset) +
         " on: the next start cuts it";
}

}  // namespace

void verify_log(FileSystem& files, const LogToVerify& log,
                const std::function<Status(Sequence, std::string_view)>& visit, ToolObserver& observer,
                ToolProgress& progress) {
  const auto scan = scan_log(files, log.directory, log.after, [&](Sequence sequence, std::string_view record) {
    progress.add(record.size());
    return visit(sequence, record);
  });
  if (!scan.is_ok() && scan.status().kind() == ErrorKind::not_found && !log.must_exist) return;
  if (!scan.is_ok()) return observer.on_damage(scan.status());
  const Status reach = check_reach(scan.value(), log.directory, log.must_exist, log.after, log.must_reach);
  if (!reach) observer.on_damage(reach);
  for (const LogScan::Segment& segment : scan.value().segments)
    observer.on_good_file(segment.path, note_of(scan.value(), segment));
}

}  // namespace sett::storage
