#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/io/file_system.h"

namespace sett::storage {

// A folder with all that is in it. Blocks on the disk.

// The files in it and in its folders, as names from there; `folders`, if given, gets these, each behind what holds it.
// Empty where it does not exist.
Result<std::vector<std::string>> list_tree(FileSystem& files, const std::string& directory,
                                           std::vector<std::string>* folders = nullptr);
// All of it, the folder too; each folder is synced. `last`, if not empty, is a name of a file in it that goes when all
// else is gone for good. Ok where it does not exist.
Status remove_tree(FileSystem& files, const std::string& directory, std::string_view last = {});

}  // namespace sett::storage
