#pragma once

#include <functional>
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
// Whether the name is one of a file in the folder, or below it.
bool is_in_folder(std::string_view name, std::string_view folder);
// Moves all files to the same names in `to`, but for those that stay; folders stay, empty. Every folder that has
// changed is synced. What was moved when the power went is moved, the rest is not.
Status move_tree(FileSystem& files, const std::string& from, const std::string& to,
                 const std::function<bool(std::string_view name)>& stays = {});
// Whether move_tree() could: every folder is tried with a file of no bytes. Else it is on another file system.
Status check_moves(FileSystem& files, const std::string& from, const std::string& to,
                   const std::function<bool(std::string_view name)>& stays = {});
// All of it, the folder too; each folder is synced. `last`, if not empty, is a name of a file in it that goes when all
// else is gone for good. Ok where it does not exist.
Status remove_tree(FileSystem& files, const std::string& directory, std::string_view last = {});

}  // namespace sett::storage
