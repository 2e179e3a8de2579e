#include "protocol/request_parser.h"

#include <algorithm>
#include <cassert>
#include <climits>
#include <cstring>

#include "protocol/number_text.h"

namespace sett::protocol {
namespace {

// A request with more arguments than this gives its room back afterwards.
constexpr size_t kept_arguments_max = 4096;
// Lengths with more digits than this take the slow way.
constexpr size_t quick_digits_max = 9;

bool is_unauthenticated(const RequestLimits& limits) {
  return limits.arguments_max == unauthenticated_limits.arguments_max &&
         limits.bulk_bytes_max == unauthenticated_limits.bulk_bytes_max;
}

// The usual line: the type byte, a few digits, CR and one byte more, all of it there. Returns the length of the line
// with its end, 0 if it is anything else; what exactly, the slow way finds out.
size_t quick_line(std::string_view rest, char type, uint64_t* value) {
  const char* text = rest.data();
  const size_t limit = std::min(rest.size(), quick_digits_max + 2);
  if (limit < 4 || text[0] != type) return 0;
  const unsigned first = static_cast<unsigned char>(text[1]) - static_cast<unsigned>('0');
  if (first > 9) return 0;
  uint64_t number = first;
  size_t at = 2;
  for (; at < limit; ++at) {
    const unsigned digit = static_cast<unsigned char>(text[at]) - static_cast<unsigned>('0');
    if (digit > 9) break;
    number = number * 10 + digit;
  }
  if (at == limit || text[at] != '\r' || at + 1 >= rest.size() || (first == 0 && at != 2)) return 0;
  *value = number;
  return at + 2;
}

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

// What ends an inline argument outside of quotes: fewer bytes than what is skipped between two.
bool ends_argument(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

char escaped(char c) {
  switch (c) {
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'b':
      return '\b';
    case 'a':
      return '\a';
    default:
      return c;
  }
}

// The rest of a quoted piece, `at` behind its opening quote: appends what it means to `out` and moves `at` behind the
// closing one. False: it does not end, or something follows without a space.
bool take_quotes(std::string_view line, size_t* at, char quote, std::string& out) {
  size_t i = *at;
  for (; i < line.size() && line[i] != quote; ++i) {
    if (line[i] != '\\' || i + 1 == line.size()) {
      out.push_back(line[i]);
      continue;
    }
    if (quote == '\'') {
      if (line[i + 1] == '\'') ++i;
      out.push_back(line[i]);
      continue;
    }
    if (line[i + 1] == 'x' && i + 3 < line.size() && hex_value(line[i + 2]) >= 0 && hex_value(line[i + 3]) >= 0) {
      out.push_back(static_cast<char>(hex_value(line[i + 2]) * 16 + hex_value(line[i + 3])));
      i += 3;
      continue;
    }
    out.push_back(escaped(line[++i]));
  }
  if (i == line.size()) return false;
  *at = i + 1;
  return *at == line.size() || is_space(line[*at]);
}

}  // namespace

void RequestParser::begin_request() {
  arguments_.clear();
  saved_.clear();
  if (arguments_.capacity() > kept_arguments_max) {
    arguments_.shrink_to_fit();
    saved_.shrink_to_fit();
  }
  unquoted_.clear();
  position_ = scanned_ = 0;
  arguments_left_ = payload_bytes_ = bulk_bytes_ = 0;
  in_bulk_ = false;
  resuming_ = false;
}

RequestParser::Outcome RequestParser::parse(std::string_view unread, const RequestLimits& limits) {
  consumed_ = skipped_ = bytes_needed_ = 0;
  if (!resuming_) begin_request();
  assert(position_ <= unread.size() && scanned_ <= unread.size());
  size_t start = 0;
  while (start < unread.size()) {
    const std::string_view request = unread.substr(start);
    switch (request.front() == '*' ? parse_multibulk(request, limits) : parse_inline(request, limits)) {
      case Step::incomplete:
        resuming_ = true;
        skipped_ = start;
        if (bytes_needed_ != 0) bytes_needed_ += start;
        return Outcome::incomplete;
      case Step::complete:
        consumed_ = start + position_;
        arguments_in_input_ = request.front() == '*';
        resuming_ = false;
        return Outcome::request;
      case Step::empty:
        start += position_;
        begin_request();
        break;
      case Step::error:
        resuming_ = false;
        return Outcome::error;
    }
  }
  skipped_ = start;
  return Outcome::incomplete;
}

RequestParser::Step RequestParser::fail(std::string_view what) {
  error_ = "ERR Protocol error: ";
  error_ += what;
  return Step::error;
}

// The bytes may have moved by the next call, so what was found by now is kept as offsets.
RequestParser::Step RequestParser::pause(std::string_view request) {
  for (size_t i = saved_.size(); i < arguments_.size(); ++i) {
    saved_.push_back({static_cast<size_t>(arguments_[i].data() - request.data()), arguments_[i].size()});
  }
  return Step::incomplete;
}

void RequestParser::restore_saved(std::string_view request) {
  for (size_t i = 0; i < saved_.size(); ++i) {
    arguments_[i] = std::string_view(request.data() + saved_[i].offset, saved_[i].length);
  }
}

// Looks for `end` from position_ on, among the first `limit` + 1 bytes: the offset where it stands.
std::optional<size_t> RequestParser::find_line_end(std::string_view request, char end, uint64_t limit) {
  const size_t rest = request.size() - position_;
  const size_t window_end = position_ + (rest > limit ? static_cast<size_t>(limit) + 1 : rest);
  const size_t from = std::max(position_, scanned_);
  const void* found = from < window_end ? std::memchr(request.data() + from, end, window_end - from) : nullptr;
  if (found != nullptr) return static_cast<size_t>(static_cast<const char*>(found) - request.data());
  scanned_ = request.size();
  return std::nullopt;
}

RequestParser::Step RequestParser::read_line(std::string_view request, const RequestLimits& limits,
                                             std::string_view too_long, Line* line) {
  const std::optional<size_t> end = find_line_end(request, '\r', limits.inline_bytes_max);
  if (!end) return request.size() - position_ > limits.inline_bytes_max ? fail(too_long) : Step::incomplete;
  if (*end + 1 == request.size()) {
    scanned_ = *end;
    return Step::incomplete;
  }
  line->first = request[position_];
  line->digits = *end == position_ ? std::string_view() : request.substr(position_ + 1, *end - position_ - 1);
  position_ = *end + 2;
  return Step::complete;
}

RequestParser::Step RequestParser::parse_header(std::string_view request, const RequestLimits& limits) {
  uint64_t count = 0;
  if (const size_t length = scanned_ == 0 ? quick_line(request, '*', &count) : 0; length != 0) {
    position_ = length;
  } else {
    Line line;
    const Step step = read_line(request, limits, "too big mbulk count string", &line);
    if (step != Step::complete) return step;
    const std::optional<int64_t> number = parse_int64(line.digits);
    if (!number || *number > INT_MAX) return fail("invalid multibulk length");
    count = static_cast<uint64_t>(std::max<int64_t>(*number, 0));
  }
  if (count == 0) return Step::empty;
  if (count > limits.arguments_max) {
    return fail(is_unauthenticated(limits) && count <= INT_MAX ? "unauthenticated multibulk length"
                                                               : "invalid multibulk length");
  }
  arguments_left_ = count;
  return Step::complete;
}

RequestParser::Step RequestParser::parse_bulk_header(std::string_view request, const RequestLimits& limits) {
  uint64_t bytes = 0;
  const size_t quick = scanned_ > position_ ? 0 : quick_line(request.substr(position_), '$', &bytes);
  if (quick != 0) {
    position_ += quick;
  } else {
    Line line;
    const Step step = read_line(request, limits, "too big bulk count string", &line);
    if (step != Step::complete) return step;
    if (line.first != '$') return fail(std::string("expected '$', got '") + line.first + '\'');
    const std::optional<int64_t> number = parse_int64(line.digits);
    if (!number || *number < 0) return fail("invalid bulk length");
    bytes = static_cast<uint64_t>(*number);
  }
  if (bytes > limits.bulk_bytes_max) {
    return fail(is_unauthenticated(limits) && bytes <= RequestLimits{}.bulk_bytes_max ? "unauthenticated bulk length"
                                                                                      : "invalid bulk length");
  }
  if (bytes > limits.request_bytes_max - std::min(payload_bytes_, limits.request_bytes_max)) {
    return fail("too big request");
  }
  payload_bytes_ += bytes;
  bulk_bytes_ = bytes;
  in_bulk_ = true;
  return Step::complete;
}

// The two bytes behind a payload are taken for its line end unseen, as Redis does.
RequestParser::Step RequestParser::parse_multibulk(std::string_view request, const RequestLimits& limits) {
  if (arguments_left_ == 0) {
    const Step step = parse_header(request, limits);
    if (step != Step::complete) return step;
  }
  for (; arguments_left_ > 0; --arguments_left_) {
    if (!in_bulk_) {
      const Step step = parse_bulk_header(request, limits);
      if (step == Step::incomplete) return pause(request);
      if (step != Step::complete) return step;
    }
    const size_t rest = request.size() - position_;
    if (rest < 2 || rest - 2 < bulk_bytes_) {
      bytes_needed_ = position_ + static_cast<size_t>(bulk_bytes_) + 2;
      return pause(request);
    }
    arguments_.emplace_back(request.data() + position_, static_cast<size_t>(bulk_bytes_));
    position_ += static_cast<size_t>(bulk_bytes_) + 2;
    in_bulk_ = false;
  }
  restore_saved(request);
  return Step::complete;
}

RequestParser::Step RequestParser::parse_inline(std::string_view request, const RequestLimits& limits) {
  const std::optional<size_t> end = find_line_end(request, '\n', limits.inline_bytes_max);
  if (!end) return request.size() > limits.inline_bytes_max ? fail("too big inline request") : Step::incomplete;
  std::string_view line = request.substr(0, *end);
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (!split_inline(line)) return fail("unbalanced quotes in request");
  position_ = *end + 1;
  return arguments_.empty() ? Step::empty : Step::complete;
}

bool RequestParser::split_inline(std::string_view line) {
  size_t at = 0;
  for (;;) {
    while (at < line.size() && is_space(line[at])) ++at;
    if (at == line.size()) return true;
    size_t end = at;
    while (end < line.size() && !ends_argument(line[end]) && line[end] != '"' && line[end] != '\'') ++end;
    if (end == line.size() || ends_argument(line[end])) {
      arguments_.push_back(line.substr(at, end - at));
      at = end;
      continue;
    }
    unquoted_.reserve(line.size());
    const size_t start = unquoted_.size();
    unquoted_.append(line.substr(at, end - at));
    at = end + 1;
    if (!take_quotes(line, &at, line[end], unquoted_)) return false;
    arguments_.emplace_back(unquoted_.data() + start, unquoted_.size() - start);
  }
}

}  // namespace sett::protocol
