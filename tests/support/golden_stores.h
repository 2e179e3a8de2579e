#pragma once

#include <string>
#include <vector>

#include "storage/io/simulated_file_system.h"

namespace sett::storage {

// The two stores of tests/storage/tools/golden, as files of a simulated file system: in /golden/badger and
// /golden/simple_kv. Returns the names below /golden, sorted.
std::vector<std::string> load_golden_stores(SimulatedFileSystem& files);

// A file of that folder.
std::string golden_text(const std::string& name);

}  // namespace sett::storage
