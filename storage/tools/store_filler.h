#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/clock.h"
#include "storage/transaction.h"

namespace sett::storage {

// Puts keys into an open store that nobody else uses, many at a time. One thread; it waits with `pause`, which returns
// after a moment in which the store's background work has gone on.
class StoreFiller {
 public:
  StoreFiller(Store& store, Clock& clock, std::function<void()> pause)
      : router_(store), store_(store), clock_(clock), pause_(std::move(pause)), txn_(router_) {}

  // no_space: the disk is full, or the store has as many buckets as it may. io: the store's log failed.
  Status put(std::string_view bucket, std::string_view key, std::string_view value, int64_t expires_at_ms);
  // What was put is in the store, and all of it on disk once that is closed.
  Status finish() { return commit(); }

 private:
  struct Router final : StoreRouter {
    explicit Router(Store& its_store) : store(its_store) {}
    Store& store_of(std::string_view) override { return store; }
    Store& store;
  };
  struct Entry {
    std::string bucket, key, value;
    int64_t expires_at_ms;
  };

  Status commit();
  Status run(const std::function<void(Transaction&)>& body);
  void lock_all();
  void unlock_all();

  Router router_;
  Store& store_;
  Clock& clock_;
  const std::function<void()> pause_;
  Transaction txn_;
  std::vector<Entry> entries_;
  uint64_t bytes_ = 0;
};

}  // namespace sett::storage
