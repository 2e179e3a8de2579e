#include "storage/badger/caretaker.h"

#include <algorithm>
#include <utility>

#include "storage/badger/compactor.h"
#include "storage/badger/flusher.h"
#include "storage/badger/value_log_gc.h"
#include "storage/keys/tree_key.h"

namespace sett::storage {

void Caretaker::ask(Upkeep what, const std::string& bucket, Done done) {
  auto request = std::make_shared<Request>();
  request->what = what;
  request->bucket = bucket;
  request->done = std::move(done);
  {
    MutexLock lock(mutex_);
    requests_.push_back(request);
    if (requests_.size() > 1) return;
  }
  begin(request);
}

void Caretaker::begin(const RequestPtr& request) {
  request->given_back_before = given_back(request->what);
  if (request->bucket.empty()) return flush(request, &Caretaker::merge);
  engine_.post(Executor::Lane::foreground, [this, request] { find_bucket(request); });
}

// Under a lock, any one.
void Caretaker::find_bucket(const RequestPtr& request) {
  constexpr int64_t lock_retry_ms = 1;
  if (!engine_.try_lock(0)) {
    engine_.post(
        Executor::Lane::foreground, [this, request] { find_bucket(request); }, lock_retry_ms);
    return;
  }
  request->bucket_id = engine_.find_bucket(request->bucket);
  engine_.unlock(0);
  if (request->bucket_id != no_bucket) return flush(request, &Caretaker::merge);
  end(request, Status::error(ErrorKind::not_found, "there is no bucket of this name"));
}

// What is in memory only is neither needless in a file nor known to have replaced anything there.
void Caretaker::flush(const RequestPtr& request, Step then) {
  engine_.flusher_->flush_all(goes_on(request, then));
}

std::function<void(Status)> Caretaker::goes_on(const RequestPtr& request, Step then) {
  return [this, request, then](const Status& status) {
    if (!status) return end(request, status);
    engine_.post(Executor::Lane::background, [this, request, then] { (this->*then)(request); });
  };
}

// Values that were overwritten count as alive until the tables are merged that tell of it.
void Caretaker::merge(const RequestPtr& request) {
  const bool is_for_values = request->what == Upkeep::collect_values;
  MergeWish wish{.through = engine_.flusher_->flushed_through(),
                 .below_number = engine_.versions_->next_number(),
                 .smallest = {},
                 .largest = {},
                 .for_values = is_for_values};
  request->values_below = wish.below_number;
  if (request->bucket_id != no_bucket) {
    wish.smallest = tree_key(request->bucket_id, {});
    wish.largest = tree_key(request->bucket_id + 1, {});
  }
  engine_.compactor_->grant(std::move(wish), goes_on(request, &Caretaker::seal_values));
}

// The file that is written to can neither be collected nor removed: if it is worth it, it is sealed, and known as such
// after a flush.
void Caretaker::seal_values(const RequestPtr& request) {
  const bool collects = request->what == Upkeep::collect_values;
  const Step then = collects ? &Caretaker::collect : &Caretaker::remove;
  if (!engine_.gc_->rotate_dead(collects ? ValueLogGc::worth_it : 1)) return (this->*then)(request);
  engine_.prepare_values();
  engine_.post(Executor::Lane::log, [this, request, then] { flush(request, then); });
}

void Caretaker::collect(const RequestPtr& request) {
  engine_.gc_->collect_all(request->values_below, goes_on(request, &Caretaker::finish_collecting));
}

void Caretaker::finish_collecting(const RequestPtr& request) {
  flush(request, &Caretaker::remove);
}

void Caretaker::remove(const RequestPtr& request) {
  engine_.gc_->remove_dead();
  engine_.versions_->remove_needless();
  const int64_t bytes = given_back(request->what) - request->given_back_before;
  end(request, static_cast<uint64_t>(std::max<int64_t>(bytes, 0)));
}

// Since the start.
int64_t Caretaker::given_back(Upkeep what) const {
  const ValueLogGc::Stats values = engine_.gc_->stats();
  const auto of_values = static_cast<int64_t>(values.removed_bytes - values.moved_bytes);
  if (what == Upkeep::collect_values) return of_values;
  const Compactor::Stats tables = engine_.compactor_->stats();
  return of_values + static_cast<int64_t>(tables.bytes_removed - tables.bytes_written);
}

void Caretaker::end(const RequestPtr& request, Result<uint64_t> outcome) {
  RequestPtr next;
  {
    MutexLock lock(mutex_);
    requests_.pop_front();
    if (!requests_.empty()) next = requests_.front();
  }
  request->done(std::move(outcome));
  if (next) begin(next);
}

}  // namespace sett::storage
