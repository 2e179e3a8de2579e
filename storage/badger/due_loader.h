#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "storage/badger/engine.h"

namespace sett::storage {

// Keeps each shard's DueKeys ahead of the clock: reads the next stretch of the time index on the read lane, and hands
// it out shard by shard on the foreground lane, as long as their version is still the one that was read.
class DueLoader {
 public:
  explicit DueLoader(BadgerEngine& engine) : engine_(engine) {}

  // All shards cover what the recovery says.
  void start();
  // Soon, not at its time. From any thread.
  void load_now();
  bool is_failing() const { return is_failing_.load(); }  // the index could not be read
  // Somebody judges by this time, which is ahead of a clock that was set back.
  void want(int64_t through_ms);
  // Whether every shard knows what is due by now, and by all that was wanted.
  bool covers_now() const;

 private:
  struct Place {
    int64_t ms = 0;
    std::string key;
    friend bool operator<(const Place& a, const Place& b) { return a.ms != b.ms ? a.ms < b.ms : a.key < b.key; }
  };
  struct Stretch {
    VersionPtr version;
    Place end;
    std::vector<std::vector<DueKeys::Due>> due;  // by shard
    ShardIndex shard = 0;                        // that is next
    size_t handed_out = 0;                       // of its due keys
  };

  void tick();
  void load(const Place& from);
  void hand_out(const std::shared_ptr<Stretch>& stretch);
  bool hand_out_some(Stretch& stretch);
  void ended();

  BadgerEngine& engine_;
  std::atomic<bool> busy_{false}, again_{false};
  std::atomic<bool> is_failing_{false};
  std::atomic<int64_t> covered_ms_{INT64_MIN}, wanted_ms_{INT64_MIN};
  std::vector<Place> ends_;  // by shard; of the one stretch that is being loaded or handed out
};

}  // namespace sett::storage
