#include "storage/base/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdlib>

namespace sett::storage {

void fill_from_entropy(void* out, uint64_t bytes) {
  auto* at = static_cast<unsigned char*>(out);
  while (bytes > 0) {
    const ssize_t got = ::getrandom(at, bytes, 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      std::abort();  // without entropy no secret can be drawn, and Linux has had this call since 3.17
    }
    at += got;
    bytes -= static_cast<uint64_t>(got);
  }
}

uint64_t entropy_seed() {
  uint64_t seed = 0;
  fill_from_entropy(&seed, sizeof seed);
  return seed;
}

}  // namespace sett::storage
