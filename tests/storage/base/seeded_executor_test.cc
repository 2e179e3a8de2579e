#include "tests/support/seeded_executor.h"

#include <catch2/catch.hpp>
#include <set>
#include <string>

using namespace sett::storage;
using Lane = Executor::Lane;

namespace {
std::string order_with(uint64_t seed) {
  ManualClock clock;
  SeededExecutor executor(seed, clock);
  std::string order;
  for (const char c : {'1', '2', '3'}) executor.post(Lane::log, [&order, c] { order += c; });
  for (const char c : {'a', 'b'}) executor.post(Lane::background, [&order, c] { order += c; });
  executor.post(Lane::foreground, [&order] { order += 'f'; });
  REQUIRE(executor.run_ready() == 6);
  return order;
}
}  // namespace

TEST_CASE("the seed draws the order, the log lane keeps its own", "[executor]") {
  std::set<std::string> orders;
  for (uint64_t seed = 0; seed < 50; ++seed) {
    INFO("seed " << seed);
    const auto order = order_with(seed);
    REQUIRE(order == order_with(seed));
    REQUIRE(order.find('1') < order.find('2'));
    REQUIRE(order.find('2') < order.find('3'));
    orders.insert(order);
  }
  REQUIRE(orders.size() > 10);
}

TEST_CASE("timers run at their time and not after a cancel", "[executor]") {
  ManualClock clock;
  SeededExecutor executor(1, clock);
  const int64_t start = clock.steady_ms();
  std::vector<int64_t> times;
  executor.post_after(Lane::log, 20, [&] { times.push_back(clock.steady_ms() - start); });
  executor.post_after(Lane::background, 10, [&] {
    times.push_back(clock.steady_ms() - start);
    executor.post_after(Lane::log, 5, [&] { times.push_back(clock.steady_ms() - start); });
  });
  const auto cancelled = executor.post_after(Lane::log, 12, [&] { times.push_back(-1); });
  executor.cancel(cancelled);
  executor.run_for(9);
  REQUIRE(times.empty());
  executor.run_for(100);
  REQUIRE(times == std::vector<int64_t>{10, 15, 20});
  REQUIRE(clock.steady_ms() - start == 109);
  const int64_t wall = clock.wall_ms();
  clock.jump_wall_ms(-5000);
  REQUIRE(clock.wall_ms() == wall - 5000);
  REQUIRE(clock.steady_ms() - start == 109);
  executor.post_after(Lane::log, 1'000'000, [&] { times.push_back(0); });
  REQUIRE(executor.run_until_idle());
  REQUIRE(times.size() == 4);
}

TEST_CASE("a task that never ends its work does not hang a test", "[executor]") {
  ManualClock clock;
  SeededExecutor executor(1, clock);
  std::function<void()> again = [&] { executor.post(Lane::log, again); };
  again();
  REQUIRE(executor.run_ready() == SeededExecutor::steps_max);
  REQUIRE_FALSE(executor.run_until_idle());
  executor.drop_all();
  REQUIRE(executor.run_until_idle());
}
