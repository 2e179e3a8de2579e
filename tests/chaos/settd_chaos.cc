// settd over chaos_store: everything that a store may ask of its callers it asks at random. For the suites that run
// against a daemon; SETT_CHAOS_SEED repeats a run.
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "server/process.h"
#include "storage/chaos/chaos_store.h"

int main(int argc, char** argv) {
  using namespace sett;
  const char* given = std::getenv("SETT_CHAOS_SEED");
  const uint64_t seed = given ? std::strtoull(given, nullptr, 10) : storage::entropy_seed();
  std::fprintf(stderr, "chaos seed %llu\n", static_cast<unsigned long long>(seed));
  return server::run_process(argc, argv, [seed](std::unique_ptr<storage::Store> inner, storage::Executor& executor) {
    return std::make_unique<storage::ChaosStore>(std::move(inner), executor, storage::ChaosOptions{.seed = seed});
  });
}
