#include "storage/tools/inspect.h"

#include <string_view>

#include "storage/log/log_format.h"
#include "storage/lsm/manifest.h"
#include "storage/simple_kv/manifest.h"
#include "storage/simple_kv/snapshot_format.h"
#include "storage/table/table_format.h"
#include "storage/vlog/vlog_format.h"

namespace sett::storage {

namespace {

using Inspector = Result<uint64_t> (*)(FileSystem&, const std::string&, std::ostream&);

struct Kind {
  std::string_view magic, suffix;
  Inspector inspect;
};
// A table has its magic at its end.
constexpr Kind kinds[] = {
    {log_format::magic, log_format::segment_suffix, inspect_log_segment},
    {vlog_format::magic, ".vlog", inspect_value_log},
    {table_format::magic, ".table", inspect_table},
    {snapshot_magic, ".snapshot", inspect_snapshot},
    {tree_manifest_magic, "", inspect_badger_manifest},
    {manifest_magic, "", inspect_simple_kv_manifest},
};

Result<const Kind*> find_kind(FileSystem& files, const std::string& path) {
  auto file = files.open(path);
  if (!file) return file.status();
  char front[8], end[table_format::footer_bytes];
  const uint64_t size = (*file)->size();
  auto got = (*file)->read(0, front, sizeof front);
  if (!got) return got.status();
  const std::string_view begins(front, *got);
  std::string_view ends;
  if (size >= sizeof end) {
    got = (*file)->read(size - sizeof end, end, sizeof end);
    if (!got) return got.status();
    ends = {end, *got};
  }
  for (const Kind& kind : kinds)
    if (begins == kind.magic || ends.starts_with(kind.magic)) return &kind;
  for (const Kind& kind : kinds)
    if (!kind.suffix.empty() && path.ends_with(kind.suffix)) return &kind;
  return Status::error(ErrorKind::invalid_argument,
                       path + ": this is neither a log segment nor a table, value log, snapshot or manifest of sett");
}

}  // namespace

Result<uint64_t> inspect_file(FileSystem& files, const std::string& path, std::ostream& out) {
  const auto kind = find_kind(files, path);
  if (!kind.is_ok()) return kind.status();
  return kind.value()->inspect(files, path, out);
}

void print_damage(std::ostream& out, const Status& status) {
  out << status.offset().value_or(0) << " DAMAGED: " << status.message() << "\n";
}

}  // namespace sett::storage
