// How BadgerEngine looks ahead: what commands read that write nothing; most writes look at nothing below the memtable.
#include <string>
#include <utility>
#include <vector>

#include "storage/badger/engine.h"
#include "storage/keys/tree_key.h"
#include "storage/lsm/lookup_batch.h"
#include "storage/table/filter.h"

namespace sett::storage {

LookupBatch& BadgerEngine::looked_ahead() {
  thread_local LookupBatch batch;
  return batch;
}

void BadgerEngine::end_prefetch() {
  looked_ahead().clear();
}

namespace {
struct Ahead {
  ShardIndex shard;
  uint64_t hash;
  std::string_view key;
};
}  // namespace

void BadgerEngine::prefetch(std::string_view bucket_name, std::span<const Lookahead> keys) {
  thread_local std::vector<Ahead> reads;
  thread_local std::string full_key;
  reads.clear();
  VersionPtr version;
  BucketId bucket = no_bucket;
  for (const Lookahead& key : keys) {
    if (!key.is_read) continue;
    const ShardIndex index = shard_of(key.key);
    BadgerShard& at = shard(index);
    if (!at.lock.try_once()) continue;
    if (!version) {
      version = at.version;
      bucket = catalogue_.find(bucket_name);
    }
    const bool pays = bucket != no_bucket && version->entries() > options_.look_ahead_from_entries;
    if (pays) {
      full_key.clear();
      append_tree_key(full_key, bucket, key.key);
      reads.push_back({index, filter_hash(full_key), key.key});
      at.hot.prefetch(reads.back().hash);
    }
    at.lock.unlock(index);
    if (!pays) return;
  }
  LookupBatch& batch = looked_ahead();
  batch.clear();
  for (const Ahead& ahead : reads) {
    BadgerShard& at = shard(ahead.shard);
    if (!at.lock.try_once()) continue;
    full_key.clear();
    append_tree_key(full_key, bucket, ahead.key);
    const bool is_above = at.hot.prefetch_entry(ahead.hash) || at.active->find(full_key);
    at.lock.unlock(ahead.shard);
    if (!is_above) batch.add(full_key, ahead.hash);
  }
  if (!batch.empty()) batch.run(reader_.loader(), std::move(version));
}

}  // namespace sett::storage
