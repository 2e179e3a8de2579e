#pragma once

#include <map>
#include <string>
#include <vector>

#include "storage/base/random.h"
#include "storage/io/simulated_file_system.h"
#include "storage/keys/value_pointer.h"
#include "storage/lsm/version.h"
#include "storage/table/table_entry.h"

namespace sett::storage {

// A version of tables and a value log as many flushes and merges could have left them, and what it should show.
struct RandomTree {
  struct Newest {
    TableEntry::Kind kind = TableEntry::Kind::tombstone;
    Sequence sequence = 0;
    int64_t expires_at_ms = 0;
    std::string value;  // of a pointer: what lies in the value log
    ValuePointer pointer;
  };

  std::string directory;
  VersionPtr version;
  std::map<std::string, Newest> newest;  // by tree key; tombstones too
  std::vector<std::string> table_paths;
  uint64_t value_log = 0;  // its number
  uint64_t keys_max = 0;   // keys are random_tree_key(below keys_max)
};

std::string random_tree_key(uint64_t at);
// Needs the Catch2 test around it: writing that fails is a failed test.
RandomTree make_random_tree(SimulatedFileSystem& files, const std::string& directory, Random& random);
// `entry` says what it should, but for the bytes of a value that lies in the value log.
bool is_same(const TableEntry& entry, const RandomTree::Newest& newest);

}  // namespace sett::storage
