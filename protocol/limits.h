#pragma once

#include <cstdint>

namespace sett::protocol {

// What one connection may send, before the parser gives up on it. Sizes in bytes.
struct RequestLimits {
  uint64_t bulk_bytes_max = 512ull << 20;      // proto_max_bulk_len: one argument
  uint64_t arguments_max = 1024 * 1024;        // of one request
  uint64_t inline_bytes_max = 64 * 1024;       // an inline request, and any line of the multibulk format
  uint64_t request_bytes_max = 1024ull << 20;  // all arguments of one request together
};

// Before AUTH on a server with a password, as Redis limits it.
inline constexpr RequestLimits unauthenticated_limits{
    .bulk_bytes_max = 16384, .arguments_max = 10, .inline_bytes_max = 64 * 1024, .request_bytes_max = 10 * 16384};

}  // namespace sett::protocol
