#include "storage/base/status.h"

#include <cerrno>
#include <cstring>

namespace sett::storage {

namespace {
const std::string empty_text;

ErrorKind kind_of_errno(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:  // RLIMIT_FSIZE, or the file system's own limit
      return ErrorKind::no_space;
    case ENOENT:
      return ErrorKind::not_found;
    case EEXIST:
      return ErrorKind::already_exists;
    default:
      return ErrorKind::io;
  }
}
}  // namespace

Status Status::error(ErrorKind kind, std::string message) {
  assert(kind != ErrorKind::ok);
  return Status(Detail{kind, std::move(message), {}, std::nullopt});
}

Status Status::from_errno(std::string what, std::string file, int error_number) {
  return Status(
      Detail{kind_of_errno(error_number), what + ": " + std::strerror(error_number), std::move(file), std::nullopt});
}

Status Status::corruption(std::string file, uint64_t offset, std::string message) {
  return Status(Detail{ErrorKind::corruption, std::move(message), std::move(file), offset});
}

const std::string& Status::message() const {
  return detail_ ? detail_->message : empty_text;
}
const std::string& Status::file() const {
  return detail_ ? detail_->file : empty_text;
}
std::optional<uint64_t> Status::offset() const {
  return detail_ ? detail_->offset : std::nullopt;
}

std::string Status::to_string() const {
  if (is_ok()) return "ok";
  std::string text;
  if (!file().empty()) text += file();
  if (offset()) text += " at byte " + std::to_string(*offset());
  if (!text.empty()) text += ": ";
  return text + message();
}

}  // namespace sett::storage
