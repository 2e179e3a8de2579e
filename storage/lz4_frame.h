#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "storage/base/status.h"

namespace sett::storage {

// LZ4 frames as `lz4 -d` and every lz4 library read them (github.com/lz4/lz4, lz4_Frame_format.md). Pure functions,
// safe from any thread.

// One frame with the size of the content (unless it is empty) and its checksum.
Result<std::string> compress_lz4_frame(std::string_view content);

// The content of exactly one complete frame. invalid_argument: the bytes are anything else, damaged or with something
// behind the frame; unsupported: the content is larger than `content_bytes_max`, which is known before anything is
// allocated if the frame declares its size, and else as soon as it is passed.
Result<std::string> decompress_lz4_frame(std::string_view frame, uint64_t content_bytes_max);

}  // namespace sett::storage
