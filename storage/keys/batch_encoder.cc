#include "storage/keys/batch_encoder.h"

namespace sett::storage {

namespace {
constexpr size_t copied_value_max = 4096, encoded_kept_max = 1 << 20;
}

std::span<const std::string_view> BatchEncoder::encode(std::span<const Mutation> batch) {
  encoded_.clear();
  parts_.clear();
  large_.clear();
  for (const Mutation& mutation : batch) {
    encode_without_value(mutation, encoded_);
    if (mutation.kind == Mutation::Kind::put_pointer) continue;  // its value lies elsewhere
    if (mutation.value.size() <= copied_value_max)
      encoded_.append(mutation.value);
    else
      large_.emplace_back(encoded_.size(), mutation.value);
  }
  size_t from = 0;
  for (const auto& [at, value] : large_) {
    parts_.push_back(std::string_view(encoded_).substr(from, at - from));
    parts_.push_back(value);
    from = at;
  }
  parts_.push_back(std::string_view(encoded_).substr(from));
  return parts_;
}

void BatchEncoder::done() {
  if (encoded_.capacity() > encoded_kept_max) std::string().swap(encoded_);
}

}  // namespace sett::storage
