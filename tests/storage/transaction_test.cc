// The overlay: many operations as one transaction show and do what they show and do one by one.
#include "storage/transaction.h"

#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/support/store_model.h"

using namespace sett::storage;
using Outcome = EngineHarness::Outcome;

namespace {
EngineOptions memory_engine(bool chaos = false) {
  EngineOptions options;
  options.chaos = chaos;
  options.starts = false;
  return options;
}
}  // namespace

TEST_CASE("transaction: many operations in one run, against the same one by one", "[transaction]") {
  const bool chaos = GENERATE(false, true);
  const uint64_t seeds = std::getenv("SETT_LONG") ? 3000 : 150;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    INFO("seed " << seed << " chaos " << chaos);
    Random random(seed);
    EngineHarness together(memory_engine(chaos)), apart(memory_engine());
    REQUIRE(together.open());
    REQUIRE(apart.open());
    const OperationMix mix{
        .keys = 2 + seed % 12, .bytes_max = 30, .large_values = seed % 10 == 0, .bucket_changes = true};
    for (int round = 0; round < 4; ++round) {
      std::vector<Operation> body;
      for (uint64_t n = random.below(60); n > 0; --n) body.push_back(draw_operation(random, mix));
      std::vector<std::string> shown, expected;
      REQUIRE(together.run([&](Transaction& txn) {
        shown.clear();
        for (const Operation& operation : body) shown.push_back(perform(txn, operation));
      }) == Outcome::committed);
      for (const Operation& operation : body) {
        std::string one;
        REQUIRE(apart.run([&](Transaction& txn) { one = perform(txn, operation); }) == Outcome::committed);
        expected.push_back(one);
      }
      REQUIRE(shown == expected);
      bool counts_agree = false;
      REQUIRE(content_of(together, counts_agree).text() == content_of(apart, counts_agree).text());
      together.clock.advance_ms(50);
      apart.clock.advance_ms(50);
    }
  }
}

TEST_CASE("transaction: a view of an entry that the batch changes in between", "[transaction]") {
  EngineHarness with(memory_engine());
  REQUIRE(with.open());
  with.put("0", "a", "original");
  SECTION("overwritten in place") {
    with.run([](Transaction& txn) {
      const auto in = txn.bucket("0");
      txn.copy(in, "b", in, txn.read(in, "a"), 0, Event::copy_to);
      txn.put(in, "a", "replaced", 0, Event::set);
      txn.copy(in, "c", in, txn.read(in, "b"), 0, Event::copy_to);
    });
    REQUIRE(with.get("0", "a") == "replaced");
    REQUIRE(with.get("0", "c") == "original");
  }
  SECTION("moved by an expiry") {
    with.run([](Transaction& txn) {
      const auto in = txn.bucket("0");
      txn.expire(in, "a", txn.now_ms() + 1000, Event::expire);
      txn.copy(in, "c", in, txn.read(in, "a"), 0, Event::copy_to);
    });
    REQUIRE(with.expiry("0", "a") > 0);
    REQUIRE(with.get("0", "c") == "original");
  }
  SECTION("moved on and on") {
    with.run([](Transaction& txn) {
      const auto in = txn.bucket("0");
      txn.move({in, "a", Event::rename_from}, txn.read(in, "a"), {in, "x", Event::rename_to});
      txn.put(in, "a", "replaced", 0, Event::set);
      txn.move({in, "x", Event::rename_from}, txn.read(in, "x"), {in, "c", Event::rename_to});
    });
    REQUIRE(with.get("0", "a") == "replaced");
    REQUIRE(with.get("0", "c") == "original");
    REQUIRE_FALSE(with.get("0", "x"));
  }
  SECTION("overwritten in part, after a copy and before another") {
    with.run([](Transaction& txn) {
      const auto in = txn.bucket("0");
      for (const char* copy : {"b", "c", "d"}) {
        txn.splice(in, "a", 0, std::string_view(copy, 1), 8, Event::setrange);
        txn.copy(in, copy, in, txn.read(in, "a"), 0, Event::copy_to);
      }
    });
    REQUIRE(with.get("0", "b") == "briginal");
    REQUIRE(with.get("0", "c") == "criginal");
    REQUIRE(with.get("0", "d") == "driginal");
    with.put("0", "b", "original");
    with.put("0", "c", "original");
  }
  REQUIRE(with.get("0", "b").value_or("original") == "original");
}

TEST_CASE("transaction: a void run stages nothing and says what it lacked", "[transaction]") {
  EngineHarness with(memory_engine());
  REQUIRE(with.open());
  with.put("0", "k", "v");
  Transaction txn(with);
  LockSet none;
  txn.begin(none, with.now());
  const auto in = txn.bucket("0");
  SECTION("a read") {
    REQUIRE_FALSE(txn.read(in, "k"));
  }
  SECTION("a write without a read") {
    txn.put(in, "k", "w", 0, Event::set);
    REQUIRE_FALSE(txn.has_mutations());
  }
  SECTION("a count") {
    REQUIRE(txn.count(in, with.store().shard_of("k")) == 0);
  }
  REQUIRE(txn.verdict() == Transaction::Verdict::needs_shards);
  LockSet wanted;
  txn.add_missing_shards(wanted);
  REQUIRE(wanted.size() == 1);
  REQUIRE(wanted.contains(with.store(), with.store().shard_of("k")));
  // A new bucket takes all of them.
  txn.begin(none, with.now());
  txn.put(txn.bucket("new"), "k", "v", 0, Event::set);
  REQUIRE(txn.verdict() == Transaction::Verdict::needs_shards);
  wanted.clear();
  txn.add_missing_shards(wanted);
  REQUIRE(wanted.contains_all(with.store()));
  REQUIRE(with.store().list_buckets().size() == 1);
}

TEST_CASE("transaction: hits and misses count once, at commit", "[transaction]") {
  EngineHarness with(memory_engine(true));
  REQUIRE(with.open());
  with.put("0", "k", "v");
  with.run([](Transaction& txn) {
    const auto in = txn.bucket("0");
    txn.read(in, "k");
    txn.read(in, "k", Part::presence);
    txn.peek(in, "k");
    txn.read(in, "absent");
    if (txn.verdict() == Transaction::Verdict::good) CHECK((txn.hits() == 2 && txn.misses() == 1));
  });
  REQUIRE(with.usage("0").hits == 2);
  REQUIRE(with.usage("0").operations == 3);
}

TEST_CASE("chaos: everything happens, and a fetched need is answered until it is released", "[transaction][chaos]") {
  EngineHarness with(memory_engine(true));
  REQUIRE(with.open());
  for (int i = 0; i < 300; ++i) {
    with.put("0", "k" + std::to_string(i), "v");
    REQUIRE(with.get("0", "k" + std::to_string(i)) == "v");
  }
  auto& chaos = dynamic_cast<ChaosStore&>(with.store());
  REQUIRE(chaos.needs() > 20);
  REQUIRE(chaos.shard_needs() > 2);
  REQUIRE(chaos.missed_locks() > 20);
  REQUIRE(chaos.conflicts() > 20);
  const BucketId bucket = chaos.find_bucket("0");
  const ShardIndex shard = chaos.shard_of("k1");
  while (!chaos.try_lock(shard)) {
  }
  const auto answers = [&](ReadResult::Kind kind) {
    int times = 0;
    for (int i = 0; i < 200; ++i) times += chaos.read(bucket, "k1", Part::value, with.now()).kind == kind;
    return times;
  };
  REQUIRE(answers(ReadResult::Kind::need) > 10);
  const Need need{bucket, "k1", Part::value};
  for (const uint64_t reader : {3, 4}) chaos.fetch(reader, std::span(&need, 1), [](const Status&) {});
  with.executor.run_ready();
  REQUIRE(answers(ReadResult::Kind::need) == 0);
  chaos.release_fetched(3);
  REQUIRE(answers(ReadResult::Kind::need) == 0);
  chaos.release_fetched(4);
  REQUIRE(answers(ReadResult::Kind::need) > 10);
  REQUIRE(answers(ReadResult::Kind::needs_shards) > 0);
  chaos.unlock(shard);
}

namespace {

// A bucket that begins with 'm' is in memory that never refuses, with 'a' or 'b' in one of two stores that often do.
struct ThreeStores final : StoreRouter {
  ThreeStores() {
    const MemoryStoreOptions options{.shards = 2, .hash = find_key_hash("xxh3")};
    const ChaosOptions refusing{
        .need_one_in = 0, .needs_shards_one_in = 0, .missed_lock_one_in = 0, .conflict_one_in = 2};
    for (auto& store : stores) {
      store = std::make_unique<MemoryStore>(options, &journal, executor, clock);
      if (&store != &stores[0]) store = std::make_unique<ChaosStore>(std::move(store), executor, refusing);
    }
  }
  Store& store_of(std::string_view bucket) override { return *stores[bucket[0] == 'm' ? 0 : bucket[0] == 'a' ? 1 : 2]; }

  // Runs the body until it is committed, or says why it is not.
  template <typename Body>
  Transaction::Verdict run(const Body& body) {
    LockSet all;
    for (const auto& store : stores) all.add_all(*store);
    for (const auto& item : all) REQUIRE(item.store->try_lock(item.shard));
    Transaction txn(*this);
    do {
      txn.begin(all, clock.wall_ms());
      body(txn);
    } while (txn.verdict() == Transaction::Verdict::good && txn.commit() != CommitResult::Kind::committed && ++reruns);
    for (const auto& item : all) item.store->unlock(item.shard);
    return txn.verdict();
  }
  std::string get(std::string_view bucket) {
    std::string value;
    run([&](Transaction& txn) { value = txn.read(txn.bucket(bucket), "k")->value; });
    return value;
  }

  ManualClock clock;
  SeededExecutor executor{1, clock};
  CountingJournal journal;
  std::array<std::unique_ptr<Store>, 3> stores;
  uint64_t reruns = 0;
};

void append_one(Transaction& txn, std::string_view bucket) {
  const auto in = txn.bucket(bucket);
  const auto old = txn.peek(in, "k", Part::metadata);
  if (old)
    txn.splice(in, "k", old->value_bytes, "x", old->value_bytes + 1, Event::append);
  else
    txn.put(in, "k", "x", 0, Event::set);
}

}  // namespace

TEST_CASE("transaction: over two stores, a run taken again is applied once", "[transaction]") {
  ThreeStores with;
  for (int i = 1; i <= 100; ++i) {
    const bool memory_first = i % 2 == 0;
    REQUIRE(with.run([&](Transaction& txn) {
      for (const char* bucket : {memory_first ? "m" : "a", memory_first ? "a" : "m"}) append_one(txn, bucket);
    }) == Transaction::Verdict::good);
    REQUIRE(with.get("m") == std::string(static_cast<size_t>(i), 'x'));
    REQUIRE(with.get("a") == with.get("m"));
  }
  REQUIRE(with.reruns > 50);
}

TEST_CASE("transaction: two stores that may refuse are not written to in one run", "[transaction]") {
  ThreeStores with;
  for (const char* bucket : {"m", "a", "b"}) with.run([&](Transaction& txn) { append_one(txn, bucket); });
  for (const auto& order : {"ab", "ba", "mab", "amb", "abm", "aba"}) {
    INFO(order);
    REQUIRE(with.run([&](Transaction& txn) {
      for (const char* bucket = order; *bucket; ++bucket) append_one(txn, std::string_view(bucket, 1));
    }) == Transaction::Verdict::several_stores);
    for (const char* bucket : {"m", "a", "b"}) REQUIRE(with.get(bucket) == "x");
  }
  // To read from one and write to another is no such thing.
  REQUIRE(with.run([](Transaction& txn) {
    const auto a = txn.bucket("a"), b = txn.bucket("b");
    txn.copy(b, "copy", a, txn.read(a, "k"), 0, Event::copy_to);
  }) == Transaction::Verdict::good);
}
