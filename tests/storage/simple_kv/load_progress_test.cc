#include "storage/simple_kv/load_progress.h"

#include <catch2/catch.hpp>

namespace sett::storage {

TEST_CASE("progress is the share of the bytes that were read, and never more than all") {
  std::atomic<double> shown{0};
  LoadProgress progress(&shown, 200);
  progress.add(50);
  CHECK(shown == Approx(0.25));
  progress.add(100);
  CHECK(shown == Approx(0.75));
  progress.add(1000);
  CHECK(shown == 1.0);
  LoadProgress nothing_to_read(&shown, 0);
  shown = 0;
  nothing_to_read.add(1);
  CHECK(shown == 0);
  nothing_to_read.finish();
  CHECK(shown == 1.0);
}

}  // namespace sett::storage
