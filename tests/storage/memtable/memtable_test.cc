#include "storage/memtable/memtable.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "storage/base/random.h"
#include "storage/keys/tree_key.h"

namespace sett::storage {
namespace {

const BucketId bucket_a = make_bucket_id(1, 0), bucket_b = make_bucket_id(1, 1), bucket_c = make_bucket_id(2, 0);
constexpr Prior unknown{};
constexpr Prior absent{Prior::Kind::absent};

std::string random_value(Random& random) {
  const uint64_t bytes_max = random.one_in(40) ? 100'000 : random.one_in(5) ? 2000 : 40;
  return std::string(random.below(bytes_max), static_cast<char>('a' + random.below(26)));
}

// A part of a memtable beside what it should say: for each key what truly lies below it, and what it truly is.
class Model {
 public:
  explicit Model(uint64_t seed) : random_(seed) {
    for (const BucketId bucket : {bucket_a, bucket_b, bucket_c})
      for (int i = 0; i < 6; ++i) {
        Key& key = keys_[tree_key(bucket, std::string(static_cast<size_t>(i), 'k') + std::to_string(i % 2))];
        if (random_.one_in(3)) continue;
        key.below = State{random_value(random_), random_ms()};
        key.now = key.below;
      }
  }

  void step() {
    auto& [name, key] = *std::next(keys_.begin(), static_cast<int64_t>(random_.below(keys_.size())));
    switch (random_.below(9)) {
      case 0:
        return put(name, key);
      case 1:
        return put_pointer(name, key);
      case 2:
        return remove(name, key);
      case 3:
      case 4:
        return expire(name, key);
      case 5:
      case 6:
        return splice(name, key);
      case 7:
        table_.learn(name, true_prior(key));
        return learnt(key);
      default:
        return complete(name, key);
    }
  }

  void check() const {
    std::map<BucketId, Memtable::Delta> deltas;
    std::vector<const MemEntry*> due;
    uint64_t entries = 0, memory_bytes = 0;
    const MemEntry* before = nullptr;
    for (const auto& [name, key] : keys_) {
      const MemEntry* entry = table_.find(name);
      REQUIRE((entry != nullptr) == key.is_here);
      REQUIRE(table_.before(name) == before);
      REQUIRE(table_.at_or_after(before ? before->key() : std::string_view(), before != nullptr) ==
              table_.at_or_after(name));
      if (!entry) continue;
      before = entry;
      check_entry(*entry, key);
      ++entries;
      memory_bytes += entry->memory_bytes();
      if (entry->expires_at_ms() != 0) due.push_back(entry);
      add_to(deltas[bucket_of(name)], name, key);
    }
    CHECK(table_.size() == entries);
    CHECK(table_.memory_bytes() > memory_bytes);
    CHECK(table_.memory_bytes() < memory_bytes + 100'000);
    CHECK(table_.last_sequence() == last_sequence_);
    check_deltas(deltas);
    check_due(due);
  }

 private:
  struct State {
    std::string value;
    int64_t expires_at_ms = 0;
    friend bool operator==(const State&, const State&) = default;
  };
  struct Key {
    std::optional<State> below, now;
    bool is_here = false, is_known = false, is_tombstone = false;
    Sequence sequence = 0;
  };

  int64_t random_ms() { return random_.one_in(2) ? 0 : static_cast<int64_t>(1 + random_.below(1000)); }
  static Prior true_prior(const Key& key) {
    return key.below ? Prior{Prior::Kind::present, key.below->value.size(), key.below->expires_at_ms} : absent;
  }
  // What is told of below: nothing, the truth, or, where it must not matter, anything.
  Prior told(const Key& key) {
    if (key.is_here) return Prior{static_cast<Prior::Kind>(random_.below(3)), random_.below(9), 5};
    return random_.one_in(2) ? unknown : true_prior(key);
  }
  // A write got through that was told this.
  void written(Key& key, const Prior& below) {
    if (!key.is_here) key.is_known = below.kind != Prior::Kind::unknown;
    key.is_here = true;
    key.sequence = sequence_;
    last_sequence_ = sequence_;
  }
  static bool is_known_absent(const Key& key, const Prior& below) {
    return key.is_here ? key.is_tombstone : below.kind == Prior::Kind::absent;
  }

  void put(const std::string& name, Key& key) {
    const Prior below = told(key);
    key.now = State{random_value(random_), random_ms()};
    table_.put(name, key.now->value, key.now->expires_at_ms, ++sequence_, below);
    written(key, below);
    key.is_tombstone = false;
  }
  void put_pointer(const std::string& name, Key& key) {
    const Prior below = told(key);
    key.now = State{random_value(random_), random_ms()};
    const ValuePointer pointer{random_.next(), random_.next(), key.now->value.size()};
    table_.put_pointer(name, pointer, key.now->value, key.now->expires_at_ms, ++sequence_, below);
    CHECK(table_.find(name)->pointer() == pointer);
    written(key, below);
    key.is_tombstone = false;
  }
  void remove(const std::string& name, Key& key) {
    const Prior below = told(key);
    ++sequence_;
    REQUIRE(table_.remove(name, sequence_, below) != is_known_absent(key, below));
    if (is_known_absent(key, below)) return;
    written(key, below);
    key.is_tombstone = true;
    key.now.reset();
  }
  void expire(const std::string& name, Key& key) {
    const Prior below = told(key);
    const int64_t expires_at_ms = random_ms();
    ++sequence_;
    REQUIRE(table_.expire(name, expires_at_ms, sequence_, below) != is_known_absent(key, below));
    if (is_known_absent(key, below)) return;
    written(key, below);
    if (key.now) key.now->expires_at_ms = expires_at_ms;
  }
  void splice(const std::string& name, Key& key) {
    const Prior below = told(key);
    const std::string bytes = random_value(random_);
    const uint64_t length = key.now ? key.now->value.size() : 10;
    const uint64_t offset = random_.one_in(2) ? length : random_.below(length + 20);
    const uint64_t most = std::max(offset + bytes.size(), length);
    const uint64_t new_length = random_.one_in(4) ? offset + bytes.size() + random_.below(5) : most;
    ++sequence_;
    REQUIRE(table_.splice(name, offset, bytes, new_length, sequence_, below) != is_known_absent(key, below));
    if (is_known_absent(key, below)) return;
    written(key, below);
    if (!key.now) return;
    key.now->value.resize(new_length);
    key.now->value.replace(offset, bytes.size(), bytes);
  }
  void learnt(Key& key) {
    if (!key.is_here || key.is_known) return;
    key.is_known = true;
    const MemEntry::Kind kind = key.now ? MemEntry::Kind::value : MemEntry::Kind::tombstone;
    if (kind == MemEntry::Kind::tombstone) key.is_tombstone = true;
  }
  void complete(const std::string& name, Key& key) {
    const MemEntry* entry = table_.find(name);
    if (!entry || entry->kind() != MemEntry::Kind::patch) {
      table_.complete(name, "unasked for", 3);
    } else if (key.below) {
      table_.complete(name, key.below->value, key.below->expires_at_ms);
      key.is_known = true;
      CHECK(table_.find(name)->kind() != MemEntry::Kind::patch);
    }
  }

  std::optional<State> materialised(const MemEntry& entry, const Key& key) const {
    switch (entry.kind()) {
      case MemEntry::Kind::tombstone:
        return {};
      case MemEntry::Kind::value:
      case MemEntry::Kind::pointer:
        CHECK(entry.has_value());
        return State{std::string(entry.value()), entry.expires_at_ms()};
      case MemEntry::Kind::patch:
        break;
    }
    std::optional<State> state = key.below;
    if (!state) return {};
    entry.lay_over(state->value);
    if (entry.sets_expiry()) state->expires_at_ms = entry.expires_at_ms();
    if (entry.spliced()) CHECK(entry.new_length() == state->value.size());
    return state;
  }

  void check_entry(const MemEntry& entry, const Key& key) const {
    CHECK(entry.sequence() == key.sequence);
    CHECK(entry.prior() == (key.is_known ? true_prior(key) : unknown));
    CHECK((entry.kind() == MemEntry::Kind::tombstone) == key.is_tombstone);
    CHECK((materialised(entry, key) == key.now));  // not spelt out: they are large
    const bool says_size = entry.kind() != MemEntry::Kind::patch || entry.spliced() || key.is_known;
    if (key.now && says_size) CHECK(entry.value_bytes() == key.now->value.size());
  }

  static void add_to(Memtable::Delta& delta, const std::string& name, const Key& key) {
    if (!key.is_known) {
      ++delta.unknown;
      return;
    }
    const auto add = [&](const std::optional<State>& state, int64_t sign) {
      if (!state) return;
      delta.keys += sign;
      delta.bytes += sign * static_cast<int64_t>(user_key(name).size() + state->value.size());
      delta.expiring += sign * (state->expires_at_ms != 0);
    };
    add(key.now, 1);
    add(key.below, -1);
  }

  void check_deltas(std::map<BucketId, Memtable::Delta>& deltas) const {
    for (const BucketId bucket : {bucket_a, bucket_b, bucket_c}) {
      CHECK(table_.delta(bucket) == deltas[bucket]);
      std::vector<std::string> found;
      const auto collect = [&](const MemEntry& entry) {
        CHECK(entry.prior().kind == Prior::Kind::unknown);
        CHECK(bucket_of(entry.key()) == bucket);
        found.emplace_back(entry.key());
      };
      table_.collect_unknown(bucket, 1000, collect);
      std::sort(found.begin(), found.end());
      CHECK(std::unique(found.begin(), found.end()) == found.end());
      CHECK(found.size() == deltas[bucket].unknown);
      found.clear();
      table_.collect_unknown(bucket, 2, collect);
      CHECK(found.size() == std::min<uint64_t>(2, deltas[bucket].unknown));
    }
  }

  void check_due(const std::vector<const MemEntry*>& due) const {
    const auto time_of = [](const MemEntry* entry) { return entry->expires_at_ms(); };
    const auto soonest =
        std::min_element(due.begin(), due.end(), [&](auto* a, auto* b) { return time_of(a) < time_of(b); });
    CHECK(table_.first_due() == (due.empty() ? INT64_MAX : time_of(*soonest)));
    CHECK((table_.first_due_entry() == nullptr) == due.empty());
    if (!due.empty()) CHECK(time_of(table_.first_due_entry()) == time_of(*soonest));
    for (const int64_t through_ms : {int64_t{0}, int64_t{300}, int64_t{700}, INT64_MAX}) {
      std::vector<const MemEntry*> visited;
      const auto visit = [&](const MemEntry& entry) { visited.push_back(&entry); };
      table_.for_each_due(through_ms, visit, [&] { return visited.size() == 3; });
      const std::vector<const MemEntry*> first = visited;
      visited.clear();
      table_.for_each_due(through_ms, visit);
      REQUIRE(first.size() == std::min<size_t>(3, visited.size()));
      CHECK(std::equal(first.begin(), first.end(), visited.begin()));
      for (size_t i = 1; i < visited.size(); ++i) CHECK(time_of(visited[i - 1]) <= time_of(visited[i]));
      std::vector<const MemEntry*> expected;
      for (const MemEntry* entry : due)
        if (time_of(entry) <= through_ms) expected.push_back(entry);
      CHECK(std::is_permutation(visited.begin(), visited.end(), expected.begin(), expected.end()));
    }
  }

  Random random_;
  Memtable table_;
  std::map<std::string, Key> keys_;
  Sequence sequence_ = 0, last_sequence_ = 0;
};

}  // namespace

TEST_CASE("a memtable part says what a model of base and results says") {
  const auto seed = GENERATE(range(1u, 25u));
  INFO("seed " << seed);
  Model model(seed);
  model.check();
  for (int step = 0; step < 300; ++step) {
    INFO("step " << step);
    model.step();
    model.check();
  }
}

TEST_CASE("a value that is appended to a byte at a time does not move each time") {
  Memtable table;
  const std::string key = tree_key(bucket_a, "k");
  table.put(key, "", 0, 1, absent);
  std::string expected;
  int moves = 0;
  const char* was = nullptr;
  for (uint64_t i = 0; i < 20'000; ++i) {
    const char byte = static_cast<char>(i);
    REQUIRE(table.splice(key, i, {&byte, 1}, i + 1, i + 2, unknown));
    expected += byte;
    const char* is = table.find(key)->value().data();
    moves += is != was;
    was = is;
  }
  CHECK((table.find(key)->value() == expected));
  CHECK(moves < 100);
  CHECK(table.delta(bucket_a) == Memtable::Delta{1, 20'001, 0, 0});
  CHECK(table.memory_bytes() < 100'000);
}

TEST_CASE("values may be views into entries of the part itself") {
  Memtable table;
  const std::string one = tree_key(bucket_a, "one"), two = tree_key(bucket_b, "two");
  const std::string text = "0123456789" + std::string(900, 'x');
  table.put(one, text, 0, 1, absent);
  table.put(two, table.find(one)->value().substr(0, 10), 0, 2, absent);
  CHECK(table.find(two)->value() == "0123456789");
  table.put(two, table.find(two)->value().substr(3), 5, 3, unknown);
  CHECK(table.find(two)->value() == "3456789");
  table.put(one, table.find(one)->value().substr(2, 6), 0, 4, unknown);
  CHECK(table.find(one)->value() == "234567");
  REQUIRE(table.splice(one, 4, table.find(one)->value(), 10, 5, unknown));
  CHECK(table.find(one)->value() == "2345234567");
  REQUIRE(table.splice(one, 0, table.find(one)->value().substr(5), 5, 6, unknown));
  CHECK(table.find(one)->value() == "34567");
  REQUIRE(table.remove(table.find(one)->key(), 7, unknown));
  CHECK(table.find(one)->kind() == MemEntry::Kind::tombstone);
}

TEST_CASE("entries of one byte and of megabytes, and keys of both kinds") {
  Memtable table;
  const std::string large(5 << 20, 'v'), long_key = tree_key(bucket_a, std::string(1 << 20, 'k'));
  const std::string empty_key = tree_key(bucket_a, "");
  table.put(long_key, large, 7, 1, unknown);
  table.put(empty_key, "v", 0, 2, absent);
  CHECK((table.find(long_key)->value() == large));
  CHECK(table.find(empty_key)->value() == "v");
  const uint64_t with_both = table.memory_bytes();
  CHECK(with_both > (6u << 20));
  table.learn(long_key, {Prior::Kind::present, 3, 4});
  CHECK((table.find(long_key)->value() == large));
  CHECK(table.delta(bucket_a) == Memtable::Delta{1, 1 + (5 << 20) - 3, 0, 0});
  REQUIRE(table.expire(long_key, 0, 3, unknown));
  CHECK(table.memory_bytes() == with_both);
  REQUIRE(table.splice(long_key, 5 << 20, "w", (5 << 20) + 1, 4, unknown));
  CHECK(table.find(long_key)->value_bytes() == (5 << 20) + 1);
  CHECK(table.find(long_key)->value().back() == 'w');
  REQUIRE(table.remove(long_key, 5, unknown));
  CHECK(table.memory_bytes() < (2u << 20));
  CHECK(table.first_due() == INT64_MAX);
  CHECK(table.find(long_key)->sequence() == 5);
}

TEST_CASE("what is learnt moves nothing") {
  Memtable table;
  const std::string value = tree_key(bucket_a, "value"), patch = tree_key(bucket_a, "patch");
  table.put(value, "v", 0, 1, unknown);
  REQUIRE(table.splice(patch, 100, "x", 5000, 2, unknown));
  const MemEntry* value_entry = table.find(value);
  const MemEntry* patch_entry = table.find(patch);
  const std::string_view view = value_entry->value();
  table.learn(value, {Prior::Kind::present, 10, 77});
  table.learn(patch, absent);
  CHECK(table.find(value) == value_entry);
  CHECK(view == "v");
  CHECK(value_entry->prior() == Prior{Prior::Kind::present, 10, 77});
  CHECK(table.find(patch) == patch_entry);
  CHECK(patch_entry->kind() == MemEntry::Kind::tombstone);
  CHECK(table.delta(bucket_a) == Memtable::Delta{0, 1 - 10, -1, 0});
  CHECK_FALSE(table.expire(patch, 5, 3, unknown));
  // Known once, known for ever.
  table.learn(value, absent);
  CHECK(value_entry->prior() == Prior{Prior::Kind::present, 10, 77});
}

TEST_CASE("a pointer keeps its place when its expiry changes, and loses it to a splice") {
  Memtable table;
  const std::string key = tree_key(bucket_a, "k");
  table.put_pointer(key, {7, 100, 5}, "hello", 33, 1, absent);
  REQUIRE(table.expire(key, 44, 2, unknown));
  const MemEntry* entry = table.find(key);
  REQUIRE(entry->kind() == MemEntry::Kind::pointer);
  CHECK(entry->pointer() == ValuePointer{7, 100, 5});
  CHECK(entry->expires_at_ms() == 44);
  CHECK(entry->value() == "hello");
  REQUIRE(table.splice(key, 4, "y!", 6, 3, unknown));
  entry = table.find(key);
  CHECK(entry->kind() == MemEntry::Kind::value);
  CHECK(entry->value() == "helly!");
  CHECK(entry->expires_at_ms() == 44);
  CHECK(table.delta(bucket_a) == Memtable::Delta{1, 7, 1, 0});
}

}  // namespace sett::storage
