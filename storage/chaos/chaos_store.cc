#include "storage/chaos/chaos_store.h"

#include <algorithm>

namespace sett::storage {

// Stands in line for another waiter and keeps the record of who holds what. Frees itself when its turn has come.
class ChaosStore::Waiter final : public LockWaiter {
 public:
  Waiter(ChaosStore& store, LockWaiter& behind) : store_(store), behind_(behind) {}
  void lock_ready(ShardIndex shard, bool owned) override {
    const std::unique_ptr<Waiter> self(this);
    if (owned) store_.held_[shard].store(true);
    behind_.lock_ready(shard, owned);
  }

 private:
  ChaosStore& store_;
  LockWaiter& behind_;
};

ChaosStore::ChaosStore(std::unique_ptr<Store> inner, Executor& executor, const ChaosOptions& options)
    : inner_(std::move(inner)),
      executor_(executor),
      options_(options),
      held_(inner_->shard_count()),
      random_(options.seed) {
  capabilities_ = inner_->capabilities();
  capabilities_.may_refuse = capabilities_.may_refuse || options.conflict_one_in != 0;
}

ChaosStore::~ChaosStore() = default;

bool ChaosStore::try_lock(ShardIndex shard) {
  {
    MutexLock guard(mutex_);
    if (happens(options_.missed_lock_one_in)) {
      missed_locks_.fetch_add(1);
      return false;
    }
  }
  if (!inner_->try_lock(shard)) return false;
  held_[shard].store(true);
  return true;
}

void ChaosStore::unlock(ShardIndex shard) {
  held_[shard].store(false);
  inner_->unlock(shard);
}

void ChaosStore::wait_for_lock(ShardIndex shard, LockWaiter& waiter, bool keep) {
  inner_->wait_for_lock(shard, *std::make_unique<Waiter>(*this, waiter).release(), keep);
}

bool ChaosStore::holds_all() const {
  return std::all_of(held_.begin(), held_.end(), [](const std::atomic<bool>& held) { return held.load(); });
}

bool ChaosStore::is_fetched(BucketId bucket, std::string_view key, Part part) const {
  const auto at = fetched_.find(Fetched{bucket, key});
  return at != fetched_.end() &&
         std::any_of(at->second.begin(), at->second.end(), [&](const auto& reader) { return reader.second >= part; });
}

ReadResult ChaosStore::read(BucketId bucket, std::string_view key, Part part, int64_t now_ms) {
  {
    MutexLock guard(mutex_);
    if (happens(options_.needs_shards_one_in) && !holds_all()) {
      shard_needs_.fetch_add(1);
      return {.kind = ReadResult::Kind::needs_shards, .entry = {}};
    }
    if (happens(options_.need_one_in) && !is_fetched(bucket, key, part)) {
      needs_.fetch_add(1);
      return {.kind = ReadResult::Kind::need, .entry = {}};
    }
  }
  return inner_->read(bucket, key, part, now_ms);
}

// Once fetched, all of the bucket is there: places of a scan are numbered anew in each run.
uint64_t ChaosStore::scan(const Scan& scan, const ScanVisitor& visit, std::vector<Need>& needs) {
  Scan shorter = scan;
  {
    MutexLock guard(mutex_);
    if (happens(options_.need_one_in) && !is_fetched(scan.bucket, {}, Part::range)) {
      needs_.fetch_add(1);
      needs.push_back({scan.bucket, {}, Part::range});
      return scan.position;
    }
    if (happens(options_.need_one_in)) shorter.entries_max = 1 + random_.below(std::max<uint64_t>(1, scan.entries_max));
  }
  return inner_->scan(shorter, visit, needs);
}

CommitResult ChaosStore::commit(std::span<const Mutation> batch) {
  {
    MutexLock guard(mutex_);
    if (conflicts_in_row_ + 1 < conflicts_max && happens(options_.conflict_one_in)) {
      ++conflicts_in_row_;
      conflicts_.fetch_add(1);
      return {CommitResult::Kind::conflict};
    }
    conflicts_in_row_ = 0;
    if (happens(options_.no_space_one_in)) return {CommitResult::Kind::no_space};
  }
  return inner_->commit(batch);
}

void ChaosStore::fetch(uint64_t reader, std::span<const Need> needs, std::function<void(Status)> done) {
  bool later = false;
  {
    MutexLock guard(mutex_);
    for (const Need& need : needs) {
      Part& part = fetched_[Fetched{need.bucket, need.key}].try_emplace(reader, need.part).first->second;
      part = std::max(part, need.part);
    }
    later = random_.one_in(2);
  }
  auto told = [this, later, done = std::move(done)](const Status& status) {
    if (!later) return done(status);
    executor_.post(Executor::Lane::background, [done, status] { done(status); });
  };
  inner_->fetch(reader, needs, std::move(told));
}

void ChaosStore::release_fetched(uint64_t reader) {
  {
    MutexLock guard(mutex_);
    for (auto at = fetched_.begin(); at != fetched_.end();) {
      at->second.erase(reader);
      at = at->second.empty() ? fetched_.erase(at) : std::next(at);
    }
  }
  inner_->release_fetched(reader);
}

}  // namespace sett::storage
