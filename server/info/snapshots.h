#pragma once

#include <cstdint>

namespace sett::server {

struct Services;

// The snapshots of all durable backends as one: what SAVE, LASTSAVE and INFO say.
struct SnapshotState {
  bool durable = false;  // some backend keeps anything on disk
  bool running = false;
  bool failed = false;            // some last one
  uint64_t changes = 0;           // since them
  int64_t last_ms = 0;            // wall clock; everything of that time is in them. As long as there is none: the start
  int64_t last_duration_ms = -1;  // the longest
};

SnapshotState snapshot_state(const Services& services);

}  // namespace sett::server
