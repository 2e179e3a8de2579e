#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "storage/badger/engine.h"
#include "storage/lsm/table_folders.h"

namespace sett::storage {

// What the engine does before it serves: the manifest, then the log behind it. On the opening thread; nobody else has
// the store yet.
class Recovery {
 public:
  explicit Recovery(BadgerEngine& engine) : engine_(engine) {}

  Status run(std::atomic<double>* progress);

 private:
  Status read_manifest(bool& is_known);
  Status find_files();
  Status open_log(bool is_known, std::atomic<double>* progress);
  Status replay(Sequence sequence, std::string_view record);
  Status check_values(Sequence sequence, std::vector<Mutation>& batch);
  Status replay_pass(int64_t pass_ms, Sequence sequence);
  void lock_all();
  Status sync_values();
  Status tidy_values(bool is_known);
  Status remove_orphans();
  std::string folder(std::string_view name) const { return join_path(engine_.options_.path, name); }

  BadgerEngine& engine_;
  TreeManifest manifest_;
  FoundTables found_tables_;
  std::vector<uint64_t> found_values_;
  std::map<uint64_t, uint64_t> value_ends_;  // of the value logs that are in use: where what counts ends
  std::set<uint64_t> replayed_values_;       // of these, what records of the log point into
  std::vector<std::string> values_;          // of the batch at hand, as they lie in value logs
};

}  // namespace sett::storage
