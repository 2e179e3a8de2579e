// Random bodies of many operations against ordered maps, through restarts of all kinds, with other numbers of shards
// and other hashes each time.
#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/support/store_model.h"

using namespace sett::storage;
using Outcome = EngineHarness::Outcome;

namespace {

struct State {
  Sequence sequence;  // the last of it
  StoreModel model;
};

class ModelRun {
 public:
  explicit ModelRun(const EngineOptions& options, uint64_t seed) : with_(options), random_(seed) {
    with_.options.seed = seed;
    draw_layout();
    REQUIRE(with_.open());
    history_.push_back({0, {}});
  }

  void step() {
    std::vector<Operation> body;
    for (uint64_t n = 1 + random_.below(random_.one_in(4) ? 12 : 3); n > 0; --n)
      body.push_back(draw_operation(random_, mix_));
    std::string shown;
    look_ahead(with_, body, random_);
    const auto outcome = with_.run([&](Transaction& txn) {
      shown.clear();
      for (const Operation& operation : body) shown += perform(txn, operation) + "|";
    });
    REQUIRE(outcome == Outcome::committed);
    StoreModel next = history_.back().model;
    std::string expected;
    for (const Operation& operation : body) expected += perform(next, operation, with_.last_now_ms()) + "|";
    REQUIRE(shown == expected);
    forget_safe();
    history_.push_back({with_.store().journal().last(), std::move(next)});
    if (random_.one_in(3)) with_.executor.run_ready();
    if (random_.one_in(4)) with_.executor.run_for(static_cast<int64_t>(random_.below(60)));
    if (random_.one_in(30)) {
      compare();  // under all locks: afterwards no shard's time is behind another's, which the model could not tell
      with_.clock.jump_wall_ms(-static_cast<int64_t>(random_.below(200)));
    }
    if (random_.one_in(40)) with_.store().snapshot([](const Status&) {});
    latest_ms_ = std::max({latest_ms_, with_.last_now_ms(), with_.now()});
  }

  void compare() {
    bool counts_agree = false;
    const StoreModel found = content_of(with_, counts_agree);
    REQUIRE(counts_agree);
    StoreModel expected = history_.back().model;
    expected.forget_expired(with_.last_now_ms());
    REQUIRE(found.text() == expected.text());
  }

  void restart() {
    // A clock that goes back over a restart has its own tests: here the model would have to know who judged when.
    with_.clock.jump_wall_ms(std::max<int64_t>(0, latest_ms_ - with_.now()));
    Sequence promised = with_.store().journal().safe();
    switch (random_.below(3)) {
      case 0:
        promised = history_.back().sequence;
        REQUIRE(with_.close());
        break;
      case 1:
        with_.kill();
        break;
      default:
        promised = with_.store().journal().synced();
        with_.power_cut(crash_policies[random_.below(crash_policies.size())], random_.next());
        break;
    }
    draw_layout();
    const auto status = with_.open();
    INFO(status.to_string());
    REQUIRE(status);
    find_in_history(promised);
  }
  EngineHarness& with() { return with_; }

 private:
  void draw_layout() {
    const uint64_t shards[] = {0, 1, 2, 3, 7, 16};
    const char* hashes[] = {"xxh3", "fnv1a", "crc16"};
    with_.options.kv.shards = static_cast<ShardIndex>(shards[random_.below(6)]);
    with_.options.kv.hash = hashes[random_.below(3)];
    with_.options.kv.compress_values = random_.one_in(2);
    with_.options.badger.tables_by_bucket = random_.one_in(2);
  }
  // States that no crash can go back to.
  void forget_safe() {
    const Sequence synced = with_.store().journal().synced();
    size_t needless = 0;
    while (needless + 1 < history_.size() && history_[needless + 1].sequence <= synced) ++needless;
    history_.erase(history_.begin(), history_.begin() + static_cast<std::ptrdiff_t>(needless));
  }
  // What is found is a state of the past, no older than what was promised.
  void find_in_history(Sequence promised) {
    bool counts_agree = false;
    const StoreModel found = content_of(with_, counts_agree);
    REQUIRE(counts_agree);
    std::string candidates;
    for (size_t i = history_.size(); i-- > 0;) {
      if (i + 1 < history_.size() && history_[i + 1].sequence <= promised) break;
      StoreModel expected = history_[i].model;
      expected.forget_expired(with_.last_now_ms());
      if (found == expected) {
        history_ = {{with_.store().journal().last(), history_[i].model}};
        return;
      }
      candidates += "--- " + std::to_string(history_[i].sequence) + "\n" + expected.text();
    }
    FAIL("promised " << promised << ", found\n" << found.text() << "expected one of\n" << candidates);
  }

  EngineHarness with_;
  Random random_;
  OperationMix mix_;
  std::vector<State> history_;
  int64_t latest_ms_ = 0;
};

}  // namespace

TEST_CASE("model: every engine is an ordered map, restarts included", "[engine][model]") {
  auto options = GENERATE(from_range(all_engines()));
  const uint64_t seeds = std::getenv("SETT_LONG") ? 60 : 4;
  for (uint64_t seed = 1; seed <= seeds; ++seed) {
    options.kv.sync_writes = seed % 3 == 0;
    INFO("seed " << seed << " " << describe(options));
    ModelRun run(options, seed);
    for (int life = 0; life < 8; ++life) {
      INFO("life " << life << " " << describe(run.with().options));
      for (int i = 0; i < 40; ++i) {
        INFO("step " << i);
        run.step();
      }
      run.compare();
      if (run.with().is_durable()) run.restart();
    }
  }
}
