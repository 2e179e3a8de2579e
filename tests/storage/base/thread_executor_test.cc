#include "storage/base/thread_executor.h"

#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <future>

using namespace sett::storage;
using Lane = Executor::Lane;

TEST_CASE("the log lane runs everything, one at a time, in order, also at stop", "[executor]") {
  std::vector<int> order;  // touched by the log lane only, read after the join
  std::atomic<int> inside = 0;
  bool overlapped = false;
  ThreadExecutor executor(2, 1, [](Executor::Task) {});
  for (int i = 0; i < 1000; ++i) {
    executor.post(Lane::log, [&, i] {
      overlapped = overlapped || inside.fetch_add(1) != 0;
      order.push_back(i);
      inside.fetch_sub(1);
    });
  }
  executor.stop();
  REQUIRE_FALSE(overlapped);
  REQUIRE(order.size() == 1000);
  REQUIRE(std::is_sorted(order.begin(), order.end()));
  executor.post(Lane::log, [&] { order.push_back(-1); });
  executor.stop();
  REQUIRE(order.size() == 1000);
}

TEST_CASE("background tasks run several at a time and nicely", "[executor]") {
  ThreadExecutor executor(2, 1, [](Executor::Task) {});
  std::promise<void> first_here, second_here;
  std::promise<int> nice;
  executor.post(Lane::background, [&] {
    first_here.set_value();
    second_here.get_future().wait();  // would hang were they not two
    nice.set_value(::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())));
  });
  executor.post(Lane::background, [&] {
    first_here.get_future().wait();
    second_here.set_value();
  });
  REQUIRE(nice.get_future().get() >= 10);
  REQUIRE(::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())) < 10);
}

TEST_CASE("foreground tasks go to the sink, timers too", "[executor]") {
  std::promise<Executor::Task> handed;
  ThreadExecutor executor(1, 1, [&](Executor::Task task) { handed.set_value(std::move(task)); });
  bool ran = false;
  executor.post_after(Lane::foreground, 1, [&] { ran = true; });
  auto task = handed.get_future().get();
  REQUIRE_FALSE(ran);
  task();
  REQUIRE(ran);
}

TEST_CASE("timers run in the order of their times; a cancelled one does not", "[executor]") {
  ThreadExecutor executor(1, 1, [](Executor::Task) {});
  std::vector<int> order;
  std::promise<void> done;
  executor.post(Lane::log, [&] {
    executor.post_after(Lane::log, 30, [&] { done.set_value(); });
    executor.post_after(Lane::log, 20, [&] { order.push_back(2); });
    executor.post_after(Lane::log, 1, [&] { order.push_back(1); });
    const auto cancelled = executor.post_after(Lane::log, 10, [&] { order.push_back(-1); });
    executor.cancel(cancelled);
    executor.cancel(cancelled);
    executor.cancel(0);
  });
  done.get_future().wait();
  REQUIRE(order == std::vector<int>{1, 2});
}

TEST_CASE("stop drops timers and background tasks that have not begun", "[executor]") {
  std::atomic<bool> ran = false;
  std::promise<void> inside, go_on;
  auto released = go_on.get_future();
  ThreadExecutor executor(1, 1, [](Executor::Task) {});
  executor.post_after(Lane::log, 3'600'000, [&] { ran = true; });
  executor.post(Lane::background, [&] {
    inside.set_value();
    released.wait();
  });
  inside.get_future().wait();
  executor.post(Lane::background, [&] { ran = true; });
  std::thread stopper([&] { executor.stop(); });
  // The log lane takes tasks until stop() has begun; a dropped task breaks its promise. Only then may the background
  // end.
  for (bool stopping = false; !stopping;) {
    auto probe = std::make_shared<std::promise<void>>();
    auto answer = probe->get_future();
    executor.post(Lane::log, [probe] { probe->set_value(); });
    probe.reset();
    try {
      answer.get();
    } catch (const std::future_error&) {
      stopping = true;
    }
  }
  go_on.set_value();
  stopper.join();
  REQUIRE_FALSE(ran);
}
