#include "server/info/usage_walk.h"

#include <utility>

namespace sett::server {

using storage::Store;

void UsageWalk::start(const std::vector<std::unique_ptr<Store>>& stores, int64_t wall_ms, Post post, Done done) {
  const std::shared_ptr<UsageWalk> walk(new UsageWalk(stores, wall_ms, std::move(post), std::move(done)));
  walk->step();
}

UsageWalk::UsageWalk(const std::vector<std::unique_ptr<Store>>& stores, int64_t wall_ms, Post post, Done done)
    : stores_(stores), wall_ms_(wall_ms), post_(std::move(post)), done_(std::move(done)) {}

void UsageWalk::step() {
  for (int visited = 0; store_index_ < stores_.size(); ++visited) {
    Store& store = *stores_[store_index_];
    if (visited == shards_per_step) return post_([self = shared_from_this()] { self->step(); });
    if (!owned_ && !store.try_lock(shard_)) {
      if (++misses_ < misses_before_queueing) return post_([self = shared_from_this()] { self->step(); });
      // The line of waiters holds a plain reference: what keeps this alive is the task that lock_ready() posts.
      keep_alive_ = shared_from_this();
      return store.wait_for_lock(shard_, *this, true);
    }
    owned_ = false;
    misses_ = 0;
    visit(store);
    store.unlock(shard_);
    if (++shard_ < store.shard_count()) continue;
    finish_store(store);
    shard_ = 0;
    ++store_index_;
  }
  done_(std::move(totals_));
}

void UsageWalk::lock_ready(storage::ShardIndex, bool owned) {
  post_([self = std::move(keep_alive_), owned] {
    self->owned_ = owned;
    self->step();
  });
}

void UsageWalk::visit(Store& store) {
  const int64_t now_ms = store.raise_clock(shard_, wall_ms_);
  last_list_ = store.list_buckets();
  for (const storage::BucketInfo& bucket : last_list_) {
    const storage::BucketUsage usage = store.usage(bucket.id, shard_, now_ms);
    storage::BucketUsage& total = of_store_[bucket.id].usage;
    total.keys += usage.keys;
    total.expiring_keys += usage.expiring_keys;
    total.bytes += usage.bytes;
    total.operations += usage.operations;
    total.hits += usage.hits;
    total.expires_in_sum_ms += usage.expires_in_sum_ms;
    total.expires_in_count += usage.expires_in_count;
  }
}

void UsageWalk::finish_store(Store& store) {
  std::map<storage::BucketId, BucketTotal> current;
  for (const storage::BucketInfo& bucket : last_list_) {
    BucketTotal& total = current[bucket.id];
    total = std::move(of_store_[bucket.id]);
    total.store = &store;
    total.id = bucket.id;
    total.name = bucket.name;
    // Shards that were looked at one after the other may not add up.
    for (uint64_t* figure : {&total.usage.keys, &total.usage.expiring_keys, &total.usage.bytes})
      if (static_cast<int64_t>(*figure) < 0) *figure = 0;
  }
  for (auto& [id, total] : current) totals_.push_back(std::move(total));
  of_store_.clear();
  last_list_.clear();
}

}  // namespace sett::server
