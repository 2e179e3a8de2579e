#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace sett::storage {

// Little-endian fields and varints (LEB128, 7 bits a byte, low bits first, at most 10 bytes): the only way in which a
// number gets to disk or back. No struct is ever copied to disk.
static_assert(std::endian::native == std::endian::little,
              "the helpers below copy; add a swap for a big-endian machine");

template <typename Integer>
inline void put_fixed(char* at, Integer value) {
  std::memcpy(at, &value, sizeof value);
}
template <typename Integer>
inline Integer get_fixed(const char* at) {
  Integer value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
template <typename Integer>
inline void append_fixed(std::string& out, Integer value) {
  char bytes[sizeof value];
  put_fixed(bytes, value);
  out.append(bytes, sizeof bytes);
}
inline void append_varint(std::string& out, uint64_t value) {
  while (value >= 0x80) {
    out.push_back(static_cast<char>(value | 0x80));
    value >>= 7;
  }
  out.push_back(static_cast<char>(value));
}
inline void append_sized(std::string& out, std::string_view bytes) {
  append_varint(out, bytes.size());
  out.append(bytes);
}

// Reads fields from the front of a view. After the first field that does not fit, failed() stays true and every further
// field is zero or empty: check once, at the end.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  template <typename Integer>
  Integer fixed() {
    if (rest_.size() < sizeof(Integer)) return fail<Integer>();
    const auto value = get_fixed<Integer>(rest_.data());
    rest_.remove_prefix(sizeof(Integer));
    return value;
  }
  uint64_t varint() {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) {
        if (shift == 63 && byte > 1) break;  // more than 64 bits
        return value;
      }
    }
    return fail<uint64_t>();
  }
  std::string_view sized() {
    const uint64_t size = varint();
    if (failed_ || size > rest_.size()) return fail<std::string_view>();
    const auto bytes = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return bytes;
  }
  bool failed() const { return failed_; }
  bool at_end() const { return rest_.empty() && !failed_; }
  std::string_view rest() const { return rest_; }

 private:
  template <typename T>
  T fail() {
    failed_ = true;
    rest_ = {};
    return T{};
  }
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace sett::storage
