#pragma once

#include <array>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/random.h"
#include "storage/transaction.h"
#include "tests/support/engine_harness.h"

namespace sett::storage {

// What a store should be: ordered maps, one thread, no disk.
struct StoreModel {
  struct Item {
    std::string value;
    int64_t expires_at_ms = 0;
    friend bool operator==(const Item&, const Item&) = default;
  };
  using Bucket = std::map<std::string, Item>;
  std::map<std::string, Bucket> buckets;

  void forget_expired(int64_t now_ms);
  std::string text() const;  // all of it, values by size and hash
  friend bool operator==(const StoreModel&, const StoreModel&) = default;
};

// What the store shows, by listing its buckets and scanning them, as of one moment; and whether the counts agree.
StoreModel content_of(EngineHarness& with, bool& counts_agree);

// One step of a body. The same for a transaction and for the model.
struct Operation {
  enum class Kind : uint8_t {
    get,
    put,
    append,
    set_range,
    cut,
    expire,
    persist,
    remove,
    copy,
    rename,
    count,
    scan,
    sample,
    flush,
    drop,
    swap,
  };
  Kind kind;
  std::string bucket, other_bucket;
  std::string key, other_key;
  std::string value;
  int64_t ttl_ms = 0;  // 0: none
  uint64_t offset = 0;
};

struct OperationMix {
  uint64_t keys = 12;
  uint64_t bytes_max = 40;   // of most values
  bool large_values = true;  // now and then, over the borders of the short header
  bool bucket_changes = true;
};
Operation draw_operation(Random& random, const OperationMix& mix);

// Now and then, for what the body will read: as a connection does that has several requests, but what is looked ahead
// may stay for bodies to come, past flushes and merges.
void look_ahead(EngineHarness& with, const std::vector<Operation>& body, Random& random);

// Performs it and returns what it showed. Both must show the same.
std::string perform(Transaction& txn, const Operation& operation);
std::string perform(StoreModel& model, const Operation& operation, int64_t now_ms);

}  // namespace sett::storage
