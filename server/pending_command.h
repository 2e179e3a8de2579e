#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "server/command.h"
#include "storage/lock_set.h"

namespace sett::server {

// What is kept of a command that could not finish in one go. It begins anew with each command. Belongs to the
// connection's loop, but lock_ready, which only posts there.
class PendingCommand final : public storage::LockWaiter {
 public:
  void lock_ready(storage::ShardIndex shard, bool owned) override { on_lock_ready(shard, owned); }

  void reset() {
    row = nullptr;
    locks.clear();
    held = 0;
    misses = fetch_rounds = conflicts = holds = 0;
    extra_shards.clear();
    progress = {};
    store_index = 0;
    reply.clear();
    prepared.clear();
    waits_for_room = nullptr;
    apart = false;
    unsynced = {};
    fetched_from.clear();
    fetch_failure.clear();
    dependencies.clear();
  }
  void depend_on(const storage::Transaction::Dependency& dependency) {
    for (auto& known : dependencies) {
      if (known.store != dependency.store) continue;
      known.sequence = std::max(known.sequence, dependency.sequence);
      return;
    }
    dependencies.push_back(dependency);
  }

  // A part of it has happened: it goes on, though its client has gone.
  bool is_half_done() const { return progress.committed != 0; }

  std::function<void(storage::ShardIndex, bool)> on_lock_ready;  // set once by the connection

  const CommandRow* row = nullptr;
  storage::LockSet locks;  // of the run; the first `held` are ours while it waits with keep
  size_t held = 0;
  uint32_t misses = 0, fetch_rounds = 0, conflicts = 0, holds = 0;
  storage::LockSet extra_shards;                   // found to be needed by a void run
  Progress progress;                               // of a keyspace command, or one that runs apart
  bool apart = false;                              // the row's `apart` runs
  storage::Transaction::Dependency unsynced;       // ... and waits until this is on disk; no store: it does not
  size_t store_index = 0;                          // of one that goes through all stores
  size_t step_begin = 0;                           // where in `reply` the present step writes
  std::string reply;                               // of a keyspace command, until it is done
  std::string prepared;                            // by the row's `prepare`, for all its runs
  const storage::Store* waits_for_room = nullptr;  // resumed by the progress of its log; nullptr: waits for none
  std::vector<storage::Store*> fetched_from;
  std::string fetch_failure;                                   // why the disk did not give what the command reads
  std::vector<storage::Transaction::Dependency> dependencies;  // of a stepped command: of all its steps
};

}  // namespace sett::server
