#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "storage/store.h"

namespace sett::storage {

// The shards that a run wants or holds, in the one order in which locks are taken: by store, then by shard. One owner.
class LockSet {
 public:
  struct Item {
    Store* store;
    ShardIndex shard;
    friend bool operator<(const Item& a, const Item& b) {
      return std::less<>()(a.store, b.store) || (a.store == b.store && a.shard < b.shard);
    }
    friend bool operator==(const Item&, const Item&) = default;
  };

  void clear() { items_.clear(); }
  void add(Store& store, ShardIndex shard) {
    const Item item{&store, shard};
    if (items_.empty() || items_.back() < item) {
      items_.push_back(item);
      return;
    }
    const auto at = std::lower_bound(items_.begin(), items_.end(), item);
    if (at == items_.end() || !(*at == item)) items_.insert(at, item);
  }
  void add_all(Store& store) {
    for (ShardIndex shard = 0; shard < store.shard_count(); ++shard) add(store, shard);
  }
  bool contains(const Store& store, ShardIndex shard) const {
    if (items_.size() == 1) return items_[0].store == &store && items_[0].shard == shard;
    return std::binary_search(items_.begin(), items_.end(), Item{const_cast<Store*>(&store), shard});
  }
  bool contains_all(const Store& store) const {
    size_t held = 0;
    for (const Item& item : items_) held += item.store == &store;
    return held == store.shard_count();
  }
  size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  const Item& operator[](size_t i) const { return items_[i]; }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }

 private:
  std::vector<Item> items_;
};

}  // namespace sett::storage
