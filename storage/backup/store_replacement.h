#pragma once

#include <string>
#include <string_view>

#include "storage/io/file_system.h"

namespace sett::storage {

// Marks in the folder of a store while another content takes the place of what was there (storage/tools): the store is
// not opened meanwhile.
inline constexpr std::string_view restore_marker_name = "RESTORING";
// Of a repair: the new files are whole, the damaged ones go out; and: they are out, the new ones come in.
inline constexpr std::string_view repair_is_made_name = "REPAIRING", repair_is_empty_name = "REPAIR_MOVES_IN";
// What was damaged, in the store's folder: kept until somebody removes it.
inline constexpr std::string_view damaged_folder_name = "damaged";

// Of a store that is to be opened: whether a restore or a repair of it has begun and not ended (corruption).
Status check_replaced(FileSystem& files, const std::string& store_path);

}  // namespace sett::storage
