#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/keys/mutation.h"

namespace sett::storage {

// A batch as the parts of one log record: small values are copied behind their fields, large ones stay where they are.
// Keeps its memory for the next batch, but for what a large one took. Belongs to one thread.
class BatchEncoder {
 public:
  // Valid until the next call, and as long as the values are.
  std::span<const std::string_view> encode(std::span<const Mutation> batch);
  // Gives back what a large batch took. After it nothing that encode() returned is valid.
  void done();

 private:
  std::string encoded_;
  std::vector<std::string_view> parts_;
  std::vector<std::pair<size_t, std::string_view>> large_;  // where in encoded_, and what
};

}  // namespace sett::storage
