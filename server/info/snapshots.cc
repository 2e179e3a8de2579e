#include "server/info/snapshots.h"

#include <algorithm>

#include "server/event_loop.h"
#include "server/services.h"

namespace sett::server {

SnapshotState snapshot_state(const Services& services) {
  SnapshotState state;
  state.last_ms = services.facts.started_ms;
  if (!services.stores.ready()) return state;
  for (const auto& store : services.stores.stores()) {
    if (!store->capabilities().durable) continue;
    const storage::StoreStats stats = store->stats();
    const int64_t last_ms = stats.last_snapshot_ms > 0 ? stats.last_snapshot_ms : services.facts.started_ms;
    state.last_ms = state.durable ? std::min(state.last_ms, last_ms) : last_ms;
    state.durable = true;
    state.running = state.running || stats.snapshot_running;
    state.failed = state.failed || stats.snapshot_failed;
    state.changes += stats.changes_since_snapshot;
    state.last_duration_ms = std::max(state.last_duration_ms, stats.last_snapshot_duration_ms);
  }
  return state;
}

}  // namespace sett::server
