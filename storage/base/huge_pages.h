#pragma once

#include <cstddef>

namespace sett::storage {

// Memory that was just allocated and is about to be written from end to end: asks the kernel for large pages where it
// is large enough to gain by them, so that it is not got 4 KB at a time, a fault each. Whole large pages within the
// range only: no more memory is used than was asked for. A hint: what comes of it is nobody's concern.
void prefer_huge_pages(void* memory, size_t bytes);

}  // namespace sett::storage
