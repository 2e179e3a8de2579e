#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "storage/badger/engine.h"

namespace sett::storage {

// Store::keep_up: has the memtable flushed, tables merged and value logs collected by those who do that anyway, step
// after step on the background lane, and adds up what has given back bytes since it was asked. One request after the
// other, as each is about everything. From any thread.
class Caretaker {
 public:
  using Done = std::function<void(Result<uint64_t>)>;

  explicit Caretaker(BadgerEngine& engine) : engine_(engine) {}
  void ask(Upkeep what, const std::string& bucket, Done done);

 private:
  struct Request {
    Upkeep what = Upkeep::merge_tables;
    std::string bucket;
    BucketId bucket_id = no_bucket;
    Done done;
    int64_t given_back_before = 0;
    uint64_t values_below = 0;  // files with higher numbers were begun since
  };
  using RequestPtr = std::shared_ptr<Request>;
  using Step = void (Caretaker::*)(const RequestPtr&);

  void begin(const RequestPtr& request);
  void find_bucket(const RequestPtr& request);
  void flush(const RequestPtr& request, Step then);
  std::function<void(Status)> goes_on(const RequestPtr& request, Step then);
  void merge(const RequestPtr& request);
  void seal_values(const RequestPtr& request);
  void collect(const RequestPtr& request);
  void finish_collecting(const RequestPtr& request);
  void remove(const RequestPtr& request);
  int64_t given_back(Upkeep what) const;
  void end(const RequestPtr& request, Result<uint64_t> outcome);

  BadgerEngine& engine_;
  Mutex mutex_;
  std::deque<RequestPtr> requests_ GUARDED_BY(mutex_);  // the first is under way; each has a client that waits for it
};

}  // namespace sett::storage
