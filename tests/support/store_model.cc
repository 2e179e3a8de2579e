#include "tests/support/store_model.h"

#include <catch2/catch.hpp>

#include "storage/keys/fnv1a_hash.h"

namespace sett::storage {

namespace {

using Kind = Operation::Kind;

std::string shown(std::string_view value, int64_t expires_at_ms) {
  std::string text = std::to_string(value.size()) + ":" + std::to_string(fnv1a_hash(value));
  if (expires_at_ms != 0) text += "@" + std::to_string(expires_at_ms);
  return text;
}

const std::string& bucket_name(uint64_t n) {
  static const std::array<std::string, 5> names{"0", "1", "a", "a,b", std::string("\0\xff\n", 3)};
  return names[n % names.size()];
}

std::string key_name(uint64_t n) {
  if (n == 0) return "";
  if (n == 1) return std::string("\0\xfe{}\r\n", 6);
  if (n == 2) return std::string(255, 'k');
  if (n == 3) return std::string(256, 'k');
  return "key:" + std::to_string(n);
}

// Where to lay which bytes, and how long the value is then.
struct Splice {
  uint64_t offset, new_length;
};
Splice splice_of(const Operation& operation, uint64_t old_bytes) {
  if (operation.kind == Kind::append) return {old_bytes, old_bytes + operation.value.size()};
  if (operation.kind == Kind::cut) return {0, std::max<uint64_t>(operation.value.size(), old_bytes / 2)};
  return {operation.offset, std::max<uint64_t>(old_bytes, operation.offset + operation.value.size())};
}

}  // namespace

void StoreModel::forget_expired(int64_t now_ms) {
  for (auto& [name, bucket] : buckets)
    std::erase_if(bucket, [&](const auto& entry) { return !is_live(entry.second.expires_at_ms, now_ms); });
}

std::string StoreModel::text() const {
  std::string all;
  for (const auto& [name, bucket] : buckets) {
    all += "[" + name + "]";
    for (const auto& [key, item] : bucket) all += " " + key + "=" + shown(item.value, item.expires_at_ms);
    all += "\n";
  }
  return all;
}

StoreModel content_of(EngineHarness& with, bool& counts_agree) {
  StoreModel model;
  std::vector<std::string> names;
  LockSet one;
  for (const auto& info : with.store().list_buckets()) names.push_back(info.name);
  counts_agree = true;
  const auto outcome = with.run([&](Transaction& txn) {
    model = {};
    counts_agree = true;
    for (const std::string& name : names) {
      auto& bucket = model.buckets[name];
      const auto in = txn.bucket(name);
      uint64_t position = 0;
      do {
        const auto visit = [&](std::string_view key, const EntryView& entry) {
          bucket[std::string(key)] = {std::string(entry.value), entry.expires_at_ms};
        };
        position = txn.scan(in, position, 50, visit, {}, true);
      } while (position != 0);
      int64_t keys = 0;
      for (ShardIndex shard = 0; shard < txn.store(in).shard_count(); ++shard) keys += txn.count(in, shard);
      counts_agree = counts_agree && keys == static_cast<int64_t>(bucket.size());
    }
  });
  REQUIRE(outcome == EngineHarness::Outcome::committed);
  return model;
}

Operation draw_operation(Random& random, const OperationMix& mix) {
  static constexpr std::array kinds{Kind::get,    Kind::get,    Kind::put,     Kind::put,    Kind::put,
                                    Kind::put,    Kind::append, Kind::append,  Kind::cut,    Kind::set_range,
                                    Kind::expire, Kind::expire, Kind::persist, Kind::remove, Kind::remove,
                                    Kind::copy,   Kind::rename};
  static constexpr std::array rare{Kind::count, Kind::scan, Kind::sample, Kind::flush, Kind::drop, Kind::swap};
  Operation operation{};
  operation.kind =
      random.one_in(12) ? rare[random.below(mix.bucket_changes ? rare.size() : 3)] : kinds[random.below(kinds.size())];
  operation.bucket = bucket_name(random.below(20) < 12 ? 0 : random.below(5));
  operation.other_bucket = bucket_name(random.below(20) < 12 ? 0 : random.below(5));
  operation.key = key_name(random.below(mix.keys));
  operation.other_key = key_name(random.below(mix.keys));
  uint64_t bytes = random.below(mix.bytes_max + 1);
  if (mix.large_values && random.one_in(25))
    bytes = random.one_in(2) ? 65'530 + random.below(12) : random.below(70'000);
  operation.value.assign(bytes, static_cast<char>('a' + random.below(26)));
  if (bytes > 0) operation.value[random.below(bytes)] = static_cast<char>(random.next());
  operation.offset = random.below(mix.bytes_max * 2);
  if (random.one_in(3)) operation.ttl_ms = 1 + static_cast<int64_t>(random.below(300));
  if (random.one_in(40)) operation.ttl_ms = -5;
  return operation;
}

void look_ahead(EngineHarness& with, const std::vector<Operation>& body, Random& random) {
  if (random.one_in(3)) with.store().end_prefetch();
  if (!random.one_in(2)) return;
  std::vector<Store::Lookahead> keys;
  for (const Operation& operation : body) keys.push_back({operation.key, !random.one_in(8)});
  with.store().prefetch(body[0].bucket, keys);
}

std::string perform(Transaction& txn, const Operation& op) {
  const auto in = txn.bucket(op.bucket);
  const int64_t expires_at_ms = op.ttl_ms == 0 ? 0 : txn.now_ms() + op.ttl_ms;
  std::string out;
  switch (op.kind) {
    case Kind::get:
      if (const auto found = txn.read(in, op.key)) out = shown(found->value, found->expires_at_ms);
      break;
    case Kind::put:
      txn.put(in, op.key, op.value, expires_at_ms, Event::set);
      break;
    case Kind::append:
    case Kind::set_range:
    case Kind::cut: {
      const auto found = txn.read(in, op.key, Part::metadata);
      if (!found) {
        txn.put(in, op.key, op.value, 0, Event::set);
        break;
      }
      const auto splice = splice_of(op, found->value_bytes);
      txn.splice(in, op.key, splice.offset, op.value, splice.new_length, Event::append);
      out = std::to_string(splice.new_length);
      break;
    }
    case Kind::expire:
    case Kind::persist:
      if (txn.read(in, op.key, Part::presence))
        txn.expire(in, op.key, op.kind == Kind::persist ? 0 : expires_at_ms, Event::expire);
      break;
    case Kind::remove:
      if (txn.read(in, op.key, Part::presence)) out = "1";
      txn.remove(in, op.key, Event::del);
      break;
    case Kind::copy:
    case Kind::rename: {
      const auto to = txn.bucket(op.other_bucket);
      if (in == to && op.key == op.other_key) break;
      const auto found = txn.read(in, op.key);
      if (!found) break;
      if (op.kind == Kind::rename)
        txn.move({in, op.key, Event::rename_from}, found, {to, op.other_key, Event::rename_to});
      else
        txn.copy(to, op.other_key, in, found, found->expires_at_ms, Event::copy_to);
      out = "1";
      break;
    }
    case Kind::count: {
      int64_t keys = 0;
      for (ShardIndex shard = 0; shard < txn.store(in).shard_count(); ++shard) keys += txn.count(in, shard);
      out = std::to_string(keys);
      break;
    }
    case Kind::scan: {
      std::map<std::string, std::string> found;
      uint64_t position = 0;
      do {
        const auto visit = [&](std::string_view key, const EntryView& entry) {
          found[std::string(key)] = shown(entry.value, entry.expires_at_ms);
        };
        position = txn.scan(in, position, 5, visit, {}, true);
      } while (position != 0);
      for (const auto& [key, text] : found) out += key + "=" + text + " ";
      break;
    }
    case Kind::sample: {
      Random random(op.offset);
      for (ShardIndex shard = 0; shard < txn.store(in).shard_count(); ++shard) {
        std::string key;
        const bool found = txn.sample(in, shard, random, key);
        if (found && txn.verdict() == Transaction::Verdict::good && !txn.peek(in, key, Part::presence) &&
            txn.verdict() == Transaction::Verdict::good)
          return "a sample that is not there";
        if (found) out = "1";
      }
      break;
    }
    case Kind::flush:
      txn.flush(in);
      break;
    case Kind::drop:
      txn.drop(in);
      break;
    case Kind::swap:
      txn.swap(in, txn.bucket(op.other_bucket));
      break;
  }
  return out;
}

std::string perform(StoreModel& model, const Operation& op, int64_t now_ms) {
  model.forget_expired(now_ms);
  const int64_t expires_at_ms = op.ttl_ms == 0 ? 0 : now_ms + op.ttl_ms;
  const auto put = [&](const std::string& bucket, const std::string& key, StoreModel::Item item) {
    if (is_live(item.expires_at_ms, now_ms))
      model.buckets[bucket][key] = std::move(item);
    else if (model.buckets.contains(bucket))
      model.buckets[bucket].erase(key);
  };
  StoreModel::Bucket none;
  const auto at = model.buckets.find(op.bucket);
  StoreModel::Bucket& bucket = at == model.buckets.end() ? none : at->second;
  const auto found = bucket.find(op.key);
  const bool present = found != bucket.end();
  std::string out;
  switch (op.kind) {
    case Kind::get:
      if (present) out = shown(found->second.value, found->second.expires_at_ms);
      break;
    case Kind::put:
      put(op.bucket, op.key, {op.value, expires_at_ms});
      break;
    case Kind::append:
    case Kind::set_range:
    case Kind::cut: {
      if (!present) {
        put(op.bucket, op.key, {op.value, 0});
        break;
      }
      std::string& value = found->second.value;
      const auto splice = splice_of(op, value.size());
      value.resize(splice.new_length);
      value.replace(splice.offset, op.value.size(), op.value);
      out = std::to_string(splice.new_length);
      break;
    }
    case Kind::expire:
    case Kind::persist:
      if (present) put(op.bucket, op.key, {found->second.value, op.kind == Kind::persist ? 0 : expires_at_ms});
      break;
    case Kind::remove:
      if (present) out = "1";
      bucket.erase(op.key);
      break;
    case Kind::copy:
    case Kind::rename:
      if ((op.bucket == op.other_bucket && op.key == op.other_key) || !present) break;
      put(op.other_bucket, op.other_key, StoreModel::Item(found->second));
      if (op.kind == Kind::rename) model.buckets[op.bucket].erase(op.key);
      out = "1";
      break;
    case Kind::count:
      out = std::to_string(bucket.size());
      break;
    case Kind::scan:
      for (const auto& [key, item] : bucket) out += key + "=" + shown(item.value, item.expires_at_ms) + " ";
      break;
    case Kind::sample:
      if (!bucket.empty()) out = "1";
      break;
    case Kind::flush:
      bucket.clear();
      break;
    case Kind::drop:
      model.buckets.erase(op.bucket);
      break;
    case Kind::swap:
      if (op.bucket != op.other_bucket) {  // what is absent under one name is so under the other afterwards
        auto one = model.buckets.extract(op.bucket), other = model.buckets.extract(op.other_bucket);
        if (one) one.key() = op.other_bucket;
        if (other) other.key() = op.bucket;
        model.buckets.insert(std::move(one));
        model.buckets.insert(std::move(other));
      }
      break;
  }
  return out;
}

}  // namespace sett::storage
