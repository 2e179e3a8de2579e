#include "storage/backup/store_replacement.h"

namespace sett::storage {

Status check_replaced(FileSystem& files, const std::string& store_path) {
  for (const std::string_view name : {restore_marker_name, repair_is_made_name, repair_is_empty_name}) {
    const std::string marker = join_path(store_path, name);
    const auto is_there = files.exists(marker);
    if (!is_there.is_ok()) return is_there.status();
    if (is_there.value())
      return Status::corruption(marker, 0,
                                name == restore_marker_name
                                    ? "a restore of this store has not ended: run settd restore again"
                                    : "a repair of this store has not ended: run settd repair again");
  }
  return {};
}

}  // namespace sett::storage
