#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/io/file_system.h"

namespace sett::storage {

// The folder of a store, from outside.

// Takes the store's LOCK, so that no process opens it meanwhile. nullptr: it has none (a copy, or nothing): nobody has
// it open, and nothing is made. busy: somebody has it open.
Result<std::unique_ptr<FileLock>> lock_store(FileSystem& files, const std::string& path);
// Names in a folder, which need not be there.
Result<std::vector<std::string>> list_names(FileSystem& files, const std::string& directory);
// "00000000000000000007.table" -> 7; 0: no such name.
uint64_t number_of_file(std::string_view name, std::string_view suffix);
uint64_t size_of_file(FileSystem& files, const std::string& path);  // 0: it is not there
uint64_t bytes_in(FileSystem& files, const std::string& directory, std::string_view suffix);

}  // namespace sett::storage
