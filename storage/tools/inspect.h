#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "storage/io/file_system.h"

namespace sett::storage {

// Prints what is in one file of sett, which may be a log segment, a table, a value log, a snapshot or a manifest, as
// its first or last bytes say, or its name where these are damaged: a line for each block, record and entry, behind the
// offset of what it is in. Damage is a line too, and printing goes on behind it where the format tells where. Returns
// how many damaged places there were. Not ok: this is no file of sett, it is of a newer one, or it cannot be read.
Result<uint64_t> inspect_file(FileSystem& files, const std::string& path, std::ostream& out);

// --- By kind: inspect_<kind>.cc
Result<uint64_t> inspect_log_segment(FileSystem& files, const std::string& path, std::ostream& out);
Result<uint64_t> inspect_table(FileSystem& files, const std::string& path, std::ostream& out);
Result<uint64_t> inspect_value_log(FileSystem& files, const std::string& path, std::ostream& out);
Result<uint64_t> inspect_snapshot(FileSystem& files, const std::string& path, std::ostream& out);
Result<uint64_t> inspect_badger_manifest(FileSystem& files, const std::string& path, std::ostream& out);
Result<uint64_t> inspect_simple_kv_manifest(FileSystem& files, const std::string& path, std::ostream& out);

// Of the line of a damaged place.
void print_damage(std::ostream& out, const Status& status);

}  // namespace sett::storage
