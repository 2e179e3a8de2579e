#include "server/request_batch.h"

#include <cassert>
#include <utility>

namespace sett::server {

void RequestBatch::parse(std::string_view unread, const protocol::RequestLimits& limits, size_t requests) {
  using Outcome = protocol::RequestParser::Outcome;
  assert(empty());
  requests_.clear();
  arguments_.clear();
  if (arguments_.capacity() > arguments_kept_max) std::vector<std::string_view>().swap(arguments_);
  ranges_.clear();
  next_ = 0;
  skipped_ = 0;
  broken_ = false;
  while (requests_.size() < requests) {
    const Outcome outcome = parser_.parse(unread, limits);
    if (outcome == Outcome::incomplete) {
      skipped_ = parser_.skipped();
      break;
    }
    if (outcome == Outcome::error) {
      broken_ = true;
      break;
    }
    const auto args = parser_.arguments();
    ranges_.emplace_back(arguments_.size(), args.size());
    arguments_.insert(arguments_.end(), args.begin(), args.end());
    requests_.push_back({{}, parser_.consumed()});
    unread.remove_prefix(parser_.consumed());
    if (!parser_.arguments_in_input()) break;  // they hold until it parses again
  }
  for (size_t i = 0; i < requests_.size(); ++i)
    requests_[i].args = Arguments(arguments_).subspan(ranges_[i].first, ranges_[i].second);
}

size_t RequestBatch::take_skipped() {
  return std::exchange(skipped_, 0);
}

}  // namespace sett::server
