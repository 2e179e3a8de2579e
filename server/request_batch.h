#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/request_parser.h"
#include "server/command.h"

namespace sett::server {

// The requests at the front of a connection's input that were parsed together, so that the memory which they need can
// be asked for ahead. Arguments are views into the input: it must not move until the batch is empty. One connection's.
class RequestBatch {
 public:
  static constexpr size_t requests_max = 32;
  struct Request {
    Arguments args;
    size_t bytes;                     // of the input, with what was skipped before it
    const CommandRow* row = nullptr;  // found by the dispatcher; nullptr: unknown command
  };

  // Only of an empty batch. `unread` begins where the last pop() or take_skipped() left off.
  void parse(std::string_view unread, const protocol::RequestLimits& limits, size_t requests);

  bool empty() const { return next_ == requests_.size(); }
  size_t size() const { return requests_.size() - next_; }
  Request& front() { return requests_[next_]; }
  auto begin() { return requests_.begin() + static_cast<std::ptrdiff_t>(next_); }
  auto end() { return requests_.end(); }
  // Ends the first request; returns how many bytes of the input it took.
  size_t pop() { return requests_[next_++].bytes; }

  // Of what follows the batch, once it is empty:
  bool broken() const { return broken_; }  // it breaks the protocol
  const std::string& error() const { return parser_.error(); }
  size_t bytes_needed() const { return broken_ ? 0 : parser_.bytes_needed(); }
  size_t take_skipped();  // bytes to drop from the input
  size_t memory_bytes() const { return parser_.memory_bytes() + arguments_.capacity() * sizeof(std::string_view); }

 private:
  static constexpr size_t arguments_kept_max = 4096;  // a client that once sent a long request need not keep its room
  protocol::RequestParser parser_;
  std::vector<Request> requests_;
  std::vector<std::string_view> arguments_;
  std::vector<std::pair<size_t, size_t>> ranges_;  // of arguments_, by request
  size_t next_ = 0;
  size_t skipped_ = 0;
  bool broken_ = false;
};

}  // namespace sett::server
