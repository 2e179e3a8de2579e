#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "storage/lsm/table_file.h"
#include "storage/table/table_entry.h"
#include "storage/tools/observer.h"

namespace sett::storage {

// One table: every block, the order of its keys, its filters and indexes, its properties against its entries, and all
// of that against what the manifest says (`expected`, may be null). `entry` sees all entries that can be read. True:
// nothing is wrong with it; else each damage was told.
bool verify_table(FileSystem& files, const std::string& path, const TableMeta* expected,
                  const std::function<void(std::string_view tree_key, const TableEntry& entry)>& entry,
                  ToolObserver& observer, ToolProgress& progress);

}  // namespace sett::storage
