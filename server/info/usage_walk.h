#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "storage/store.h"

namespace sett::server {

// What one bucket holds, over all its shards, each as of the moment it was visited.
struct BucketTotal {
  storage::Store* store = nullptr;
  storage::BucketId id = storage::no_bucket;
  std::string name;
  storage::BucketUsage usage;
};

// Goes through all shards of some stores and adds up what their buckets hold, a few shards at a time and each under its
// own lock for a moment, so that neither the loop that does it nor anybody else waits. It keeps itself alive until
// done. The stores must outlive it.
class UsageWalk final : public storage::LockWaiter, public std::enable_shared_from_this<UsageWalk> {
 public:
  // Runs a task later on the thread that the walk belongs to; may be called from any thread.
  using Post = std::function<void(std::function<void()>)>;
  // Gets the buckets in the order of the stores, then by id. On the walk's thread.
  using Done = std::function<void(std::vector<BucketTotal>)>;

  // Begins at once, on the caller's thread, which is the walk's.
  static void start(const std::vector<std::unique_ptr<storage::Store>>& stores, int64_t wall_ms, Post post, Done done);

 private:
  UsageWalk(const std::vector<std::unique_ptr<storage::Store>>& stores, int64_t wall_ms, Post post, Done done);
  void step();
  void visit(storage::Store& store);
  void finish_store(storage::Store& store);
  void lock_ready(storage::ShardIndex shard, bool owned) override;

  static constexpr int shards_per_step = 8;
  static constexpr uint32_t misses_before_queueing = 3;  // then it waits in the shard's line

  const std::vector<std::unique_ptr<storage::Store>>& stores_;
  const int64_t wall_ms_;
  const Post post_;
  const Done done_;
  size_t store_index_ = 0;
  storage::ShardIndex shard_ = 0;
  uint32_t misses_ = 0;
  bool owned_ = false;                     // the lock of shard_, handed over while we waited
  std::shared_ptr<UsageWalk> keep_alive_;  // while in line for a lock
  std::map<storage::BucketId, BucketTotal> of_store_;
  std::vector<storage::BucketInfo> last_list_;  // of the store's buckets: those that are there at the end count
  std::vector<BucketTotal> totals_;
};

}  // namespace sett::server
