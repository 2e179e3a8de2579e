#include "tests/bench/scan_walk.h"

#include <sys/socket.h>

#include <charconv>

#include "tests/bench/monotonic_ns.h"

namespace sett::bench {
namespace {

constexpr uint64_t receive_bytes = 1 << 18;

}  // namespace

bool ScanWalk::run(LatencyHistogram& latencies) {
  std::string cursor = "0";
  do {
    const uint64_t begin_ns = monotonic_ns();
    if (!request(cursor) || !read_reply(cursor)) return false;
    latencies.add(monotonic_ns() - begin_ns, 1);
  } while (cursor != "0");
  return true;
}

bool ScanWalk::request(std::string_view cursor) {
  std::string text = "*4\r\n$4\r\nSCAN\r\n$" + std::to_string(cursor.size()) + "\r\n";
  text.append(cursor).append("\r\n$5\r\nCOUNT\r\n$4\r\n1000\r\n");
  buffer_.erase(0, position_);
  position_ = 0;
  return ::send(socket_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

bool ScanWalk::read_reply(std::string& cursor) {
  uint64_t count = 0;
  std::string_view text;
  if (!read_count('*', count) || count != 2 || !read_bulk(text)) return false;
  cursor = text;
  if (!read_count('*', count)) return false;
  for (uint64_t i = 0; i < count; ++i) {
    if (!read_bulk(text)) return false;
  }
  keys_ += count;
  return true;
}

bool ScanWalk::read_count(char kind, uint64_t& count) {
  std::string_view line;
  if (!read_line(line) || line.empty() || line[0] != kind) return false;
  return std::from_chars(line.data() + 1, line.data() + line.size(), count).ec == std::errc();
}

bool ScanWalk::read_bulk(std::string_view& bulk) {
  uint64_t bytes = 0;
  if (!read_count('$', bytes)) return false;
  while (buffer_.size() - position_ < bytes + 2) {
    if (!fill()) return false;
  }
  bulk = std::string_view(buffer_).substr(position_, bytes);
  position_ += bytes + 2;
  return true;
}

bool ScanWalk::read_line(std::string_view& line) {
  uint64_t end = 0;
  while ((end = buffer_.find("\r\n", position_)) == buffer_.npos) {
    if (!fill()) return false;
  }
  line = std::string_view(buffer_).substr(position_, end - position_);
  position_ = end + 2;
  return true;
}

bool ScanWalk::fill() {
  const uint64_t before = buffer_.size();
  buffer_.resize(before + receive_bytes);
  const ssize_t received = ::recv(socket_, buffer_.data() + before, receive_bytes, 0);
  buffer_.resize(before + static_cast<uint64_t>(received > 0 ? received : 0));
  return received > 0;
}

}  // namespace sett::bench
