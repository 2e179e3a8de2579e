#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/table/table_entry.h"

namespace sett::storage {

// Entries of ascending keys to the payload of a data block (README.md#format). Used again after clear().
class BlockBuilder {
 public:
  static constexpr uint32_t restart_interval = 16;

  // `key` is greater than the one before.
  void add(std::string_view key, const TableEntry& entry);
  // The block's payload, until clear(). Only of a block that is not empty.
  const std::string& finish();
  void clear();

  bool empty() const { return entries_ == 0; }
  uint32_t entries() const { return entries_; }
  // What finish() would give now.
  uint64_t payload_bytes() const { return payload_.size() + (restarts_.size() + 1) * sizeof(uint32_t); }
  const std::string& last_key() const { return last_key_; }

 private:
  std::string payload_;
  std::vector<uint32_t> restarts_;
  std::string last_key_;
  uint32_t entries_ = 0;
};

}  // namespace sett::storage
