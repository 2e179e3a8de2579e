#pragma once

#include <string_view>

#include "storage/table/table_entry.h"
#include "storage/table/table_format.h"

namespace sett::storage {

// Counts one more entry of a table, whose key is greater than those before: all of the properties but `largest`.
void count_entry(table_format::Properties& properties, std::string_view tree_key, const TableEntry& entry);

}  // namespace sett::storage
