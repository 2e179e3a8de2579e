#pragma once

#include <cassert>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

namespace sett::server {

// The unread bytes of a connection, in one piece. Views into it hold until room(), release() or the end of the unread
// bytes.
class InputBuffer {
 public:
  std::string_view unread() const { return {data_.get() + begin_, end_ - begin_}; }
  size_t size() const { return end_ - begin_; }
  size_t capacity() const { return capacity_; }

  // Room for at least `bytes` behind the unread ones; may move them.
  char* room(size_t bytes) {
    if (capacity_ - end_ >= bytes) return data_.get() + end_;
    const size_t unread_bytes = size();
    if (capacity_ - unread_bytes >= bytes && unread_bytes <= capacity_ / 2) {
      std::memmove(data_.get(), data_.get() + begin_, unread_bytes);
    } else {
      size_t wanted = capacity_ == 0 ? smallest : capacity_ * 2;
      while (wanted < unread_bytes + bytes) wanted *= 2;
      auto larger = std::make_unique_for_overwrite<char[]>(wanted);
      if (unread_bytes > 0) std::memcpy(larger.get(), data_.get() + begin_, unread_bytes);
      data_ = std::move(larger);
      capacity_ = wanted;
    }
    begin_ = 0;
    end_ = unread_bytes;
    return data_.get() + end_;
  }
  size_t free_bytes() const { return capacity_ - end_; }
  void wrote(size_t bytes) { end_ += bytes; }
  void consume(size_t bytes) {
    assert(bytes <= size());
    begin_ += bytes;
    if (begin_ < end_) return;
    begin_ = end_ = 0;
    if (capacity_ > kept_max) release();
  }
  // Gives the memory back if nothing is unread.
  void release() {
    if (size() > 0) return;
    data_.reset();
    capacity_ = begin_ = end_ = 0;
  }

 private:
  static constexpr size_t smallest = 16 * 1024;
  static constexpr size_t kept_max = 1 << 20;  // what a large request took goes with it
  std::unique_ptr<char[]> data_;
  size_t capacity_ = 0, begin_ = 0, end_ = 0;
};

}  // namespace sett::server
