#include "storage/tools/store_filler.h"

#include <utility>

namespace sett::storage {

namespace {
constexpr uint64_t batch_bytes = 1 << 20, batch_entries = 1000;
}

void StoreFiller::lock_all() {
  for (ShardIndex shard = 0; shard < store_.shard_count(); ++shard)
    while (!store_.try_lock(shard)) pause_();
}

void StoreFiller::unlock_all() {
  for (ShardIndex shard = 0; shard < store_.shard_count(); ++shard) store_.unlock(shard);
}

// Until the store takes it: that it has no room in memory, or does not know yet, passes.
Status StoreFiller::run(const std::function<void(Transaction&)>& body) {
  LockSet locks;
  locks.add_all(store_);
  while (true) {
    lock_all();
    txn_.begin(locks, clock_.wall_ms());
    body(txn_);
    const bool is_good = txn_.verdict() == Transaction::Verdict::good;
    const auto kind = is_good ? txn_.commit() : CommitResult::Kind::conflict;
    unlock_all();
    if (txn_.verdict() == Transaction::Verdict::too_many_buckets)
      return Status::error(ErrorKind::no_space, "the store has more buckets than store.max_buckets allows");
    switch (kind) {
      case CommitResult::Kind::committed:
        store_.journal().write_if_small();
        pause_();
        return {};
      case CommitResult::Kind::conflict:
      case CommitResult::Kind::hold:
        pause_();
        break;
      case CommitResult::Kind::no_space:
        return Status::error(ErrorKind::no_space, "the disk is full");
      case CommitResult::Kind::behind:
      case CommitResult::Kind::failed:
        return Status::error(ErrorKind::io, "the new store cannot be written: " + store_.stats().failure);
    }
  }
}

Status StoreFiller::put(std::string_view bucket, std::string_view key, std::string_view value, int64_t expires_at_ms) {
  entries_.push_back({std::string(bucket), std::string(key), std::string(value), expires_at_ms});
  bytes_ += key.size() + value.size();
  return bytes_ < batch_bytes && entries_.size() < batch_entries ? Status() : commit();
}

Status StoreFiller::commit() {
  if (entries_.empty()) return {};
  const Status status = run([&](Transaction& txn) {
    for (const Entry& entry : entries_)
      txn.put(txn.bucket(entry.bucket), entry.key, entry.value, entry.expires_at_ms, Event::none);
  });
  entries_.clear();
  bytes_ = 0;
  return status;
}

}  // namespace sett::storage
