#pragma once

#include <atomic>
#include <memory>

#include "config/options.h"
#include "storage/base/mutex.h"

namespace sett::server {

// The options as they are now. CONFIG SET and SIGHUP put a changed copy in place; a reader keeps the one it took. From
// any thread; loops take a new one at most once a turn.
class LiveOptions {
 public:
  explicit LiveOptions(config::Options options)
      : current_(std::make_shared<const config::Options>(std::move(options))) {}

  std::shared_ptr<const config::Options> get() const {
    storage::MutexLock guard(mutex_);
    return current_;
  }
  // `change` gets a copy to alter, under the mutex: two changes never lose each other.
  template <typename Change>
  void update(const Change& change) {
    storage::MutexLock guard(mutex_);
    auto next = std::make_shared<config::Options>(*current_);
    change(*next);
    current_ = std::move(next);
    version_.fetch_add(1, std::memory_order_release);
  }
  uint64_t version() const { return version_.load(std::memory_order_acquire); }

 private:
  mutable storage::Mutex mutex_;
  std::shared_ptr<const config::Options> current_ GUARDED_BY(mutex_);
  std::atomic<uint64_t> version_{1};
};

}  // namespace sett::server
