#pragma once

#include <algorithm>
#include <optional>
#include <string>

#include "storage/lsm/table_file.h"
#include "storage/tools/observer.h"

namespace sett::storage {

// Tree keys that a damaged part of a table may have said something of: between two that are there.
struct LostRange {
  std::string after;                   // "": no key of the table before it is there
  std::optional<std::string> before;   // nullopt: none behind it
  std::string smallest;                // of the table; "": not known
  std::optional<std::string> largest;  // nullopt: not known
  Sequence last_sequence = UINT64_MAX;

  const std::string& begin() const { return std::max(after, smallest); }
  bool begins_before(std::string_view tree_key) const { return begin() <= tree_key; }
  bool ends_before(std::string_view tree_key) const {
    return (before && *before <= tree_key) || (largest && *largest < tree_key);
  }
  bool may_hide(std::string_view tree_key, Sequence sequence) const {
    return sequence < last_sequence && after < tree_key && smallest <= tree_key && (!before || tree_key < *before) &&
           (!largest || tree_key <= *largest);
  }
};

struct SalvagedTable {
  TableFilePtr table;  // nullptr: there is nothing in it
  std::vector<LostRange> lost;
};

// What the footer says of the file's name. corruption: it is damaged, or there is none.
Result<uint64_t> table_number(FileSystem& files, const std::string& path);

// A table of which everything can be read: the one at `path`, if it is good, else a copy in `folder` with all entries
// that are in order and have their checksums; nothing of one that is whole and another than `expected`, which is what
// the manifest says, if it is known. Not ok: a file cannot be read or written.
Result<SalvagedTable> salvage_table(FileSystem& files, const std::string& path, uint64_t number,
                                    const TableMeta* expected, const std::string& folder, ToolObserver& observer,
                                    ToolProgress& progress);

}  // namespace sett::storage
