#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "storage/io/file_system.h"

namespace sett::storage {

// Where tables lie: all in one folder, `tables/<number>.table`, or those of each bucket in one of their own,
// `tables/<id>/<number>.table`, and those of the time index in `tables/time_index/`. A setting says where new ones go;
// older ones stay where they are, so both are looked at.

// The folder of a new table, of which `tree_key` is any key.
std::string table_folder(const std::string& tables, bool by_bucket, std::string_view tree_key);

struct FoundTables {
  std::map<uint64_t, std::string> paths;  // by number
  std::vector<std::string> folders;       // of buckets and of the time index
};
// What lies in `tables` (which need not be there) and its folders.
Result<FoundTables> find_tables(FileSystem& files, const std::string& tables);

}  // namespace sett::storage
