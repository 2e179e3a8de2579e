#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/request_parser.h"

namespace sett::protocol::test {

struct Parsed {
  std::vector<std::vector<std::string>> requests;
  std::string error;  // empty: none
  size_t left = 0;    // bytes neither taken nor skipped, if there was no error
  bool operator==(const Parsed&) const = default;
};

// A connection: bytes arrive in pieces, each request is taken as soon as it is there. The buffer moves whenever bytes
// come, and what was its old memory is overwritten, so that a view that outlived its promise shows.
class Connection {
 public:
  explicit Connection(const RequestLimits& limits = {}) : limits_(limits) {}
  void receive(std::string_view bytes);
  const Parsed& parsed() const { return parsed_; }
  size_t bytes_needed() const { return parser_.bytes_needed(); }

 private:
  RequestLimits limits_;
  RequestParser parser_;
  std::string unread_;
  Parsed parsed_;
};

// All of `input`, in pieces that end at `cuts` (ascending offsets) and at its end.
Parsed parse_in_pieces(std::string_view input, const std::vector<size_t>& cuts, const RequestLimits& limits = {});
Parsed parse_whole(std::string_view input, const RequestLimits& limits = {});
Parsed parse_byte_by_byte(std::string_view input, const RequestLimits& limits = {});
// The three above and a few random cuttings agree (checked), and this is their result.
Parsed parse_every_way(std::string_view input, const RequestLimits& limits = {});

std::string encode(const std::vector<std::string>& arguments);

}  // namespace sett::protocol::test
