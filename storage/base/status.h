#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace sett::storage {

enum class ErrorKind : uint8_t {
  ok,
  invalid_argument,
  not_found,
  already_exists,
  io,          // a call of the operating system failed
  no_space,    // ENOSPC, EDQUOT, EFBIG: may pass once there is room again
  corruption,  // bytes on disk are not what was written; carries file and offset
  busy,        // somebody else holds it
  unsupported,
  closed,
  incomplete,  // of a record: what belongs to it never reached the disk
};

// The outcome of an operation. A value: cheap when ok (one null pointer), never thrown, never ignored.
class [[nodiscard]] Status {
 public:
  Status() = default;
  static Status error(ErrorKind kind, std::string message);
  // `what` names the failed call; ENOSPC, EDQUOT and EFBIG become no_space, ENOENT not_found, EEXIST already_exists.
  static Status from_errno(std::string what, std::string file, int error_number);
  static Status corruption(std::string file, uint64_t offset, std::string message);

  bool is_ok() const { return detail_ == nullptr; }
  explicit operator bool() const { return is_ok(); }
  ErrorKind kind() const { return detail_ ? detail_->kind : ErrorKind::ok; }
  const std::string& message() const;
  const std::string& file() const;         // empty where none is concerned
  std::optional<uint64_t> offset() const;  // only of corruption
  std::string to_string() const;           // one line for a log or a user

 private:
  struct Detail {
    ErrorKind kind;
    std::string message;
    std::string file;
    std::optional<uint64_t> offset;
  };
  explicit Status(Detail detail) : detail_(std::make_shared<const Detail>(std::move(detail))) {}
  std::shared_ptr<const Detail> detail_;
};

// A value or the Status that says why there is none.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(Status status) : status_(std::move(status)) { assert(!status_.is_ok()); }

  bool is_ok() const { return value_.has_value(); }
  explicit operator bool() const { return is_ok(); }
  const Status& status() const { return status_; }
  T& value() & {
    assert(value_);
    return *value_;
  }
  const T& value() const& {
    assert(value_);
    return *value_;
  }
  T&& value() && {
    assert(value_);
    return std::move(*value_);
  }
  T& operator*() & { return value(); }
  T* operator->() { return &value(); }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace sett::storage
