#include "storage/table/partition.h"

#include <algorithm>
#include <cassert>

#include "storage/base/bytes.h"
#include "storage/table/filter.h"

namespace sett::storage {

using table_format::BlockHandle;

namespace {
constexpr uint64_t index_entry_bytes = 12;
constexpr uint32_t probes_max = 16;
}  // namespace

std::string separator_between(std::string_view last, std::string_view next) {
  assert(last < next);
  size_t same = 0;
  while (same < last.size() && last[same] == next[same]) ++same;
  if (same == last.size()) return std::string(last);   // a front of `next`: nothing shorter is not less
  const auto byte = static_cast<uint8_t>(last[same]);  // less than that of `next`, so not the greatest
  std::string raised(last.substr(0, same));
  raised.push_back(static_cast<char>(byte + 1));
  if (raised < next) return raised;
  // Behind the byte that keeps it below `next`, any byte may be raised.
  for (size_t at = same + 1; at < last.size(); ++at) {
    if (static_cast<uint8_t>(last[at]) == 0xFF) continue;
    std::string shorter(last.substr(0, at + 1));
    shorter.back() = static_cast<char>(static_cast<uint8_t>(shorter.back()) + 1);
    return shorter;
  }
  return std::string(last);
}

void PartitionBuilder::add_key(std::string_view tree_key) {
  hashes_.push_back(filter_hash(tree_key));
}

void PartitionBuilder::add_block(std::string_view separator, uint64_t offset, uint64_t stored_bytes) {
  separators_.append(separator);
  blocks_.push_back(
      {static_cast<uint32_t>(separators_.size()), static_cast<uint32_t>(offset), static_cast<uint32_t>(stored_bytes)});
}

std::string PartitionBuilder::finish() const {
  const uint64_t lines = filter_lines(hashes_.size(), bits_per_key_);
  const int probes = filter_probes(bits_per_key_);
  std::string out;
  append_fixed<uint32_t>(out, static_cast<uint32_t>(lines));
  append_fixed<uint32_t>(out, static_cast<uint32_t>(probes));
  append_filter(hashes_, lines, probes, out);
  append_fixed<uint32_t>(out, blocks());
  for (const Block& block : blocks_) {
    append_fixed<uint32_t>(out, block.separator_end);
    append_fixed<uint32_t>(out, block.offset);
    append_fixed<uint32_t>(out, block.stored_bytes);
  }
  return out.append(separators_);
}

void PartitionBuilder::clear() {
  hashes_.clear();
  blocks_.clear();
  separators_.clear();
}

bool PartitionView::read_head(std::string_view payload) {
  ByteReader reader(payload);
  const uint64_t filter_bytes = reader.fixed<uint32_t>() * filter_line_bytes;
  const auto probes = reader.fixed<uint32_t>();
  if (reader.failed() || filter_bytes == 0 || filter_bytes > reader.rest().size() || probes == 0 || probes > probes_max)
    return false;
  probes_ = static_cast<int>(probes);
  filter_ = reader.rest().substr(0, filter_bytes);
  ByteReader index(reader.rest().substr(filter_bytes));
  blocks_ = index.fixed<uint32_t>();
  if (index.failed() || blocks_ == 0 || blocks_ * index_entry_bytes > index.rest().size()) return false;
  index_ = index.rest().substr(0, blocks_ * index_entry_bytes);
  separators_ = index.rest().substr(index_.size());
  return true;
}

void PartitionView::reopen(std::string_view payload) {
  const bool is_partition = read_head(payload);
  assert(is_partition);
  static_cast<void>(is_partition);
}

bool PartitionView::open(std::string_view payload) {
  if (!read_head(payload)) return false;
  uint32_t end_before = 0;
  for (uint32_t block = 0; block < blocks_; ++block) {
    const auto end = get_fixed<uint32_t>(index_.data() + block * index_entry_bytes);
    if (end < end_before || end > separators_.size()) return false;
    end_before = end;
  }
  return true;
}

bool PartitionView::may_hold(uint64_t hash) const {
  return filter_may_hold(filter_, probes_, hash);
}

// Of bytes that open() took before.
void PartitionView::prefetch_filter(std::string_view payload, uint64_t hash) {
  constexpr size_t head_bytes = 2 * sizeof(uint32_t);
  const uint64_t filter_bytes = uint64_t{get_fixed<uint32_t>(payload.data())} * filter_line_bytes;
  prefetch_filter_line(payload.substr(head_bytes, filter_bytes), hash);
  __builtin_prefetch(payload.data() + head_bytes + filter_bytes);
}

void PartitionView::prefetch_index() const {
  constexpr size_t line_bytes = 64;
  for (const std::string_view bytes : {index_, separators_})
    for (size_t at = 0; at < bytes.size(); at += line_bytes) __builtin_prefetch(bytes.data() + at);
}

std::string_view PartitionView::separator(uint32_t block) const {
  const auto end = [&](uint32_t i) { return get_fixed<uint32_t>(index_.data() + i * index_entry_bytes); };
  const uint32_t begin = block == 0 ? 0 : end(block - 1);
  return separators_.substr(begin, end(block) - begin);
}

uint32_t PartitionView::block_of(std::string_view tree_key) const {
  uint32_t low = 0, high = blocks_;
  while (low < high) {
    const uint32_t middle = low + (high - low) / 2;
    if (separator(middle) < tree_key)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

BlockHandle PartitionView::handle(uint32_t block, uint64_t section_offset) const {
  assert(block < blocks_);
  const char* at = index_.data() + block * index_entry_bytes;
  return {section_offset + get_fixed<uint32_t>(at + 4), get_fixed<uint32_t>(at + 8)};
}

}  // namespace sett::storage
