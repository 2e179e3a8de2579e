#include "storage/io/io_limiter.h"

#include <catch2/catch.hpp>

#include "tests/support/manual_clock.h"

using namespace sett::storage;

namespace {
constexpr uint64_t kb = 1 << 10, mb = 1 << 20;

struct Fixture {
  ManualClock clock;
  int64_t slept_us = 0;
  IoLimiter limited(uint64_t bytes_per_s) {
    return {bytes_per_s, clock, [this](int64_t us) {
              slept_us += us;
              clock.advance_us(us);
            }};
  }
};
}  // namespace

TEST_CASE("work that waits moves as many bytes a second as it may", "[io]") {
  Fixture with;
  IoLimiter limiter = with.limited(10 * mb);
  for (int i = 0; i < 1000; ++i) limiter.wait(64 * kb);
  const int64_t wanted_us = 1000ll * 64 * 1'000'000 / 10240;
  REQUIRE(with.slept_us > wanted_us - 10'000);
  REQUIRE(with.slept_us < wanted_us + 10'000);
}

TEST_CASE("what cannot wait makes others wait, but not for long", "[io]") {
  Fixture with;
  IoLimiter limiter = with.limited(10 * mb);
  limiter.charge(1000 * mb);
  REQUIRE(with.slept_us == 0);
  int waits = 0;
  while (with.slept_us < 1'900'000 && waits < 100) {
    limiter.wait(0);
    ++waits;
  }
  REQUIRE(waits < 25);
  const int64_t before = with.slept_us;
  limiter.wait(0);
  REQUIRE(with.slept_us - before <= IoLimiter::slice_us);
}

TEST_CASE("without a limit nobody waits", "[io]") {
  Fixture with;
  IoLimiter limiter = with.limited(0);
  limiter.charge(1000 * mb);
  limiter.wait(1000 * mb);
  REQUIRE(with.slept_us == 0);
}
