#include "storage/lz4_frame.h"

#include <lz4frame.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace sett::storage {
namespace {

struct FreeContext {
  void operator()(LZ4F_dctx* context) const { LZ4F_freeDecompressionContext(context); }
};
using Context = std::unique_ptr<LZ4F_dctx, FreeContext>;

Status lz4_error(LZ4F_errorCode_t code) {
  return Status::error(ErrorKind::invalid_argument, LZ4F_getErrorName(code));
}

Status not_a_frame(std::string why) {
  return Status::error(ErrorKind::invalid_argument, std::move(why));
}

Status too_large() {
  return Status::error(ErrorKind::unsupported, "the content is larger than allowed");
}

// Reads the header; `position` moves behind it.
Status read_header(LZ4F_dctx* context, std::string_view frame, size_t& position, LZ4F_frameInfo_t& info) {
  size_t taken = frame.size();
  const size_t hint = LZ4F_getFrameInfo(context, &info, frame.data(), &taken);
  if (LZ4F_isError(hint)) return lz4_error(hint);
  if (info.frameType != LZ4F_frame) return not_a_frame("a skippable frame");
  position = taken;
  return Status();
}

}  // namespace

Result<std::string> compress_lz4_frame(std::string_view content) {
  LZ4F_preferences_t preferences = LZ4F_INIT_PREFERENCES;
  preferences.frameInfo.contentSize = content.size();
  preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
  std::string frame(LZ4F_compressFrameBound(content.size(), &preferences), '\0');
  const size_t bytes = LZ4F_compressFrame(frame.data(), frame.size(), content.data(), content.size(), &preferences);
  if (LZ4F_isError(bytes)) return lz4_error(bytes);
  frame.resize(bytes);
  return frame;
}

Result<std::string> decompress_lz4_frame(std::string_view frame, uint64_t content_bytes_max) {
  constexpr size_t piece_bytes = 64 << 10;
  constexpr size_t ratio_max =
      255;  // of the format: memory is taken for what the frame can hold, not for what it claims
  LZ4F_dctx* raw = nullptr;
  if (const auto code = LZ4F_createDecompressionContext(&raw, LZ4F_VERSION); LZ4F_isError(code)) return lz4_error(code);
  const Context context(raw);
  if (frame.size() < LZ4F_MIN_SIZE_TO_KNOW_HEADER_LENGTH) return not_a_frame("too short");
  size_t position = 0;
  LZ4F_frameInfo_t info = LZ4F_INIT_FRAMEINFO;
  if (const Status status = read_header(context.get(), frame, position, info); !status.is_ok()) return status;
  if (info.contentSize > content_bytes_max) return too_large();

  std::string content;
  content.reserve(std::min<uint64_t>(info.contentSize, frame.size() * ratio_max));
  std::vector<char> piece(piece_bytes);
  size_t hint = 1;
  while (hint != 0) {
    size_t taken = frame.size() - position, given = piece.size();
    hint = LZ4F_decompress(context.get(), piece.data(), &given, frame.data() + position, &taken, nullptr);
    if (LZ4F_isError(hint)) return lz4_error(hint);
    if (given > content_bytes_max - content.size()) return too_large();
    content.append(piece.data(), given);
    position += taken;
    if (hint != 0 && taken == 0 && given == 0) return not_a_frame("the end is missing");
  }
  if (position != frame.size()) return not_a_frame("something follows the frame");
  return content;
}

}  // namespace sett::storage
