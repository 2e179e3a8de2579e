#include "storage/table/block_builder.h"

#include <algorithm>
#include <cassert>

namespace sett::storage {

void BlockBuilder::add(std::string_view key, const TableEntry& entry) {
  assert(entries_ == 0 || key > last_key_);
  size_t shared = 0;
  if (entries_ % restart_interval == 0) {
    restarts_.push_back(static_cast<uint32_t>(payload_.size()));
  } else {
    const size_t most = std::min(key.size(), last_key_.size());
    while (shared < most && key[shared] == last_key_[shared]) ++shared;
  }
  append_varint(payload_, shared);
  append_varint(payload_, key.size() - shared);
  append_table_entry(payload_, entry);
  payload_.append(key.substr(shared));
  last_key_.assign(key);
  ++entries_;
}

const std::string& BlockBuilder::finish() {
  assert(entries_ > 0);
  for (const uint32_t restart : restarts_) append_fixed<uint32_t>(payload_, restart);
  append_fixed<uint32_t>(payload_, static_cast<uint32_t>(restarts_.size()));
  return payload_;
}

void BlockBuilder::clear() {
  payload_.clear();
  restarts_.clear();
  last_key_.clear();
  entries_ = 0;
}

}  // namespace sett::storage
