#include "storage/io/io_limiter.h"

#include <catch2/catch.hpp>

#include "tests/support/manual_clock.h"

using namespace sett::storage;

namespace {
constexpr uint64_t kb = 1 << 10, mb = 1 << 20;
constexpr int64_t second_us = 1'000'000;
}  // namespace

TEST_CASE("who waits as told moves as many bytes a second as it may", "[io]") {
  ManualClock clock;
  IoLimiter limiter(10 * mb, clock);
  const int64_t begin_us = clock.steady_us();
  for (int i = 0; i < 1000; ++i) clock.advance_us(limiter.take(64 * kb));
  const int64_t wanted_us = 1000 * 64 * second_us / 10240;
  REQUIRE(clock.steady_us() - begin_us > wanted_us - second_us / 100);
  REQUIRE(clock.steady_us() - begin_us < wanted_us + second_us / 100);
}

TEST_CASE("what is large waits for all of it, at the lowest limit too", "[io]") {
  ManualClock clock;
  IoLimiter limiter(1 * mb, clock);
  REQUIRE(limiter.take(4 * mb) == 4 * second_us);
  clock.advance_us(4 * second_us);
  REQUIRE(limiter.take(1 * mb) == second_us);
}

TEST_CASE("what does not wait makes others wait, but not for long", "[io]") {
  ManualClock clock;
  IoLimiter limiter(10 * mb, clock);
  limiter.take(1000 * mb);
  REQUIRE(limiter.take(10 * mb) == IoLimiter::debt_us_max + second_us);
  clock.advance_us(10 * second_us);  // time that nobody used is not kept
  REQUIRE(limiter.take(10 * mb) == second_us);
}

TEST_CASE("without a limit nobody waits", "[io]") {
  ManualClock clock;
  IoLimiter limiter(0, clock);
  REQUIRE(limiter.take(1000 * mb) == 0);
}
