#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/limits.h"

namespace sett::protocol {

// An incremental parser of requests: RESP arrays of bulk strings, and inline commands. It owns no input: the caller
// keeps the unread bytes of its connection in one contiguous buffer, and the arguments are views into that buffer
// (inline arguments with quotes: into the parser). One connection, one parser, one thread.
//
// Use: call parse(unread) whenever bytes came or after a request was taken. `incomplete`: append more behind the same
// bytes (which may have moved in memory) and call again; nothing is scanned twice. `request`: arguments() are valid
// until the buffer moves or parse() is called again; the caller then drops consumed() bytes from the front. `error`:
// error() is the text of the reply (without '-' and line end); the connection is to be closed after it, as Redis does.
// An empty request ("\r\n", "*0", "*-1") is skipped silently, as Redis does: its bytes count in consumed() of what
// follows, or, with `incomplete`, in skipped(), which the caller drops.
class RequestParser {
 public:
  enum class Outcome : uint8_t { incomplete, request, error };

  Outcome parse(std::string_view unread, const RequestLimits& limits);

  std::span<const std::string_view> arguments() const { return arguments_; }
  // False of an inline request, whose arguments may lie in the parser.
  bool arguments_in_input() const { return arguments_in_input_; }
  size_t consumed() const { return consumed_; }
  size_t skipped() const { return skipped_; }
  const std::string& error() const { return error_; }
  // After `incomplete`: how many bytes the request is known to need in all, from the front of `unread` (as it was
  // passed, skipped() included); 0 if unknown. Lets the connection make room for a large argument at once.
  size_t bytes_needed() const { return bytes_needed_; }
  // Allocated by the parser itself: where the arguments are.
  size_t memory_bytes() const {
    return arguments_.capacity() * sizeof(std::string_view) + saved_.capacity() * sizeof(Saved) + unquoted_.capacity();
  }

 private:
  enum class Step : uint8_t { incomplete, complete, empty, error };
  // An argument of an unfinished request; offset from the request's first byte.
  struct Saved {
    size_t offset, length;
  };
  // A line of the multibulk format: `first` its type byte, `digits` the text up to CR, `next` the offset behind LF.
  struct Line {
    char first;
    std::string_view digits;
    size_t next;
  };

  bool arguments_in_input_ = true;

  void begin_request();
  Step parse_inline(std::string_view request, const RequestLimits& limits);
  Step parse_multibulk(std::string_view request, const RequestLimits& limits);
  Step parse_header(std::string_view request, const RequestLimits& limits);
  Step parse_bulk_header(std::string_view request, const RequestLimits& limits);
  Step read_line(std::string_view request, const RequestLimits& limits, std::string_view too_long, Line* line);
  std::optional<size_t> find_line_end(std::string_view request, char end, uint64_t limit);
  Step pause(std::string_view request);
  void restore_saved(std::string_view request);
  bool split_inline(std::string_view line);
  Step fail(std::string_view what);  // leaves the words in error_

  std::vector<std::string_view> arguments_;
  size_t consumed_ = 0, skipped_ = 0, bytes_needed_ = 0;
  std::string error_;

  // The request under way. Offsets count from its first byte.
  std::vector<Saved> saved_;     // arguments found by earlier calls: their bytes may have moved since
  std::string unquoted_;         // what the quoted inline arguments mean; reserved at once, so views into it hold
  size_t position_ = 0;          // where the next line or payload begins
  size_t scanned_ = 0;           // no line end from position_ up to here
  uint64_t arguments_left_ = 0;  // 0: at the header
  uint64_t payload_bytes_ = 0;   // declared so far
  uint64_t bulk_bytes_ = 0;      // of the argument at position_, if in_bulk_
  bool in_bulk_ = false;
  bool resuming_ = false;  // the last call ended within a request
};

}  // namespace sett::protocol
