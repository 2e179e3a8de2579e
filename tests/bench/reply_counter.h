#pragma once
// Counts the replies in a stream of RESP2 without keeping any: simple texts, errors, integers and bulks.

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace sett::bench {

class ReplyCounter {
 public:
  // How many replies are complete now that were not before.
  uint64_t feed(std::string_view bytes) {
    const uint64_t before = done_;
    while (!bytes.empty()) {
      if (skip_ > 0) {
        const uint64_t taken = std::min<uint64_t>(skip_, bytes.size());
        bytes.remove_prefix(taken);
        skip_ -= taken;
        if (skip_ == 0) ++done_;
        continue;
      }
      constexpr std::string_view ok = "+OK\r\n";
      if (line_.empty() && bytes.starts_with(ok)) {
        bytes.remove_prefix(ok.size());
        ++done_;
        continue;
      }
      const size_t end = bytes.find('\n');
      line_.append(bytes.substr(0, end == bytes.npos ? bytes.size() : end));
      if (end == bytes.npos) break;
      bytes.remove_prefix(end + 1);
      take_line();
      line_.clear();
    }
    return done_ - before;
  }
  uint64_t errors() const { return errors_; }
  uint64_t absent() const { return absent_; }
  uint64_t integer_sum() const { return integer_sum_; }
  uint64_t bulk_bytes() const { return bulk_bytes_; }
  const std::string& first_error() const { return first_error_; }

 private:
  void take_line() {
    const char kind = line_.empty() ? '-' : line_[0];
    if (kind == '$') {
      const long long bytes = std::stoll(line_.substr(1));
      if (bytes >= 0) {
        skip_ = static_cast<uint64_t>(bytes) + 2;
        bulk_bytes_ += static_cast<uint64_t>(bytes);
        return;
      }
      ++absent_;
    } else if (kind == ':') {
      integer_sum_ += static_cast<uint64_t>(std::stoll(line_.substr(1)));
    } else if (kind == '-') {
      if (errors_++ == 0) first_error_ = line_;
    }
    ++done_;
  }

  std::string line_;
  uint64_t skip_ = 0, done_ = 0, errors_ = 0, absent_ = 0, integer_sum_ = 0, bulk_bytes_ = 0;
  std::string first_error_;
};

}  // namespace sett::bench
