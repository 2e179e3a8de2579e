#pragma once

#include <vector>

#include "server/request_batch.h"
#include "storage/store.h"

namespace sett::server {

inline constexpr size_t needs_together_max = 64;  // of a pipeline's reads, fetched at once

// The first request lacks these entries, which are about to be fetched: adds what reads of the same bucket behind it in
// the pipeline will look at, up to needs_together_max in all, so that one fetch brings in both. That they look at just
// their keys' entries is a guess; a wrong one costs a read.
void add_needs_behind(RequestBatch& requests, std::vector<storage::Need>& needs);

}  // namespace sett::server
