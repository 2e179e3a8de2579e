#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/limits.h"

namespace sett::protocol {

// An incremental parser of requests: RESP arrays of bulk strings, and inline commands. It owns no input: the caller keeps
// the unread bytes of its connection in one contiguous buffer, and the arguments are views into that buffer (inline
// arguments with quotes: into the parser). One connection, one parser, one thread.
//
// Use: call parse(unread) whenever bytes came or after a request was taken. `incomplete`: append more behind the same bytes
// (which may have moved in memory) and call again; nothing is scanned twice. `request`: arguments() are valid until the
// buffer moves or parse() is called again; the caller then drops consumed() bytes from the front. `error`: error() is the
// text of the reply (without '-' and line end); the connection is to be closed after it, as Redis does.
// An empty request ("\r\n", "*0", "*-1") is skipped silently, as Redis does: its bytes count in consumed() of what follows,
// or, with `incomplete`, in skipped(), which the caller drops.
class RequestParser {
 public:
  enum class Outcome : uint8_t { incomplete, request, error };

  Outcome parse(std::string_view unread, const RequestLimits& limits);

  std::span<const std::string_view> arguments() const { return arguments_; }
  size_t consumed() const { return consumed_; }
  size_t skipped() const { return skipped_; }
  const std::string& error() const { return error_; }
  // After `incomplete`: how many bytes the request is known to need in all, from the front of `unread`; 0 if unknown.
  // Lets the connection make room for a large argument at once.
  size_t bytes_needed() const { return bytes_needed_; }

 private:
  std::vector<std::string_view> arguments_;
  size_t consumed_ = 0, skipped_ = 0, bytes_needed_ = 0;
  std::string error_;
};

}  // namespace sett::protocol
