#include "storage/base/huge_pages.h"

#include <sys/mman.h>

#include <cstdint>

namespace sett::storage {

void prefer_huge_pages(void* memory, size_t bytes) {
  // Below this an allocator may give the same pages to small allocations later, which then cost 2 MB each.
  constexpr size_t bytes_min = 8u << 20;
  constexpr uintptr_t page_bytes = 2u << 20;
  if (bytes < bytes_min) return;
  const auto at = reinterpret_cast<uintptr_t>(memory);
  const uintptr_t begin = (at + page_bytes - 1) / page_bytes * page_bytes;
  const uintptr_t end = (at + bytes) / page_bytes * page_bytes;
  [[maybe_unused]] const int ignored = ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

}  // namespace sett::storage
