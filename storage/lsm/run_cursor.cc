#include "storage/lsm/run_cursor.h"

#include <algorithm>
#include <cassert>

#include "storage/keys/tree_key.h"

namespace sett::storage {

using Block = BlockCache::Block;

bool RunCursor::stop(State state) {
  state_ = state;
  cursor_.reset();
  data_block_ = nullptr;
  partition_block_ = nullptr;
  return false;
}

bool RunCursor::fail(Status status) {
  status_ = std::move(status);
  return stop(State::failed);
}

bool RunCursor::damaged(const char* what) {
  return fail(Status::corruption(table_->path(), table_->sections()[section_].offset, what));
}

void RunCursor::begin() {
  stop(State::end);
  status_ = {};
}

bool RunCursor::arrived(Result<Block> block, Block& held) {
  if (!block.is_ok()) return fail(block.status());
  if (!block.value()) return stop(State::missing);
  held = std::move(block).value();
  if (pins_) pins_->push_back(held);
  return true;
}

bool RunCursor::open_table(size_t at) {
  const auto opened = loader_->table(*run_[at], access_);
  if (!opened.is_ok()) return fail(opened.status());
  if (!opened.value()) return stop(State::missing);
  table_at_ = at;
  table_ = opened.value();
  return true;
}

bool RunCursor::open_section(size_t at) {
  section_ = at;
  cursor_.reset();
  return arrived(loader_->partition(*table_, section_, access_, partition_), partition_block_);
}

bool RunCursor::open_block(uint32_t at) {
  block_ = at;
  cursor_.reset();
  if (!arrived(loader_->data(*table_, section_, partition_, block_, access_), data_block_)) return false;
  cursor_.emplace(*data_block_);
  return true;
}

bool RunCursor::open_next_block() {
  if (block_ + 1 < partition_.blocks()) return open_block(block_ + 1);
  if (section_ + 1 < table_->sections().size()) return open_section(section_ + 1) && open_block(0);
  if (table_at_ + 1 < run_.size()) return open_table(table_at_ + 1) && open_section(0) && open_block(0);
  return stop(State::end);
}

bool RunCursor::open_previous_block() {
  if (block_ > 0) return open_block(block_ - 1);
  if (section_ > 0) {
    if (!open_section(section_ - 1)) return false;
  } else {
    if (table_at_ == 0) return stop(State::end);
    if (!open_table(table_at_ - 1) || !open_section(table_->sections().size() - 1)) return false;
  }
  return open_block(partition_.blocks() - 1);
}

RunCursor::State RunCursor::check_key() {
  if (cursor_->key().size() < bucket_prefix_bytes) {
    damaged("a key has no bucket");
  } else {
    state_ = State::at_entry;
  }
  return state_;
}

RunCursor::State RunCursor::settle_forward() {
  while (!cursor_->valid()) {
    if (cursor_->damaged()) return damaged("a block cannot be read"), state_;
    if (!open_next_block()) return state_;
    cursor_->seek_first();
  }
  return check_key();
}

RunCursor::State RunCursor::settle_backward() {
  while (!cursor_->valid()) {
    if (cursor_->damaged()) return damaged("a block cannot be read"), state_;
    if (!open_previous_block()) return state_;
    cursor_->seek_last();
  }
  return check_key();
}

RunCursor::State RunCursor::seek(std::string_view tree_key) {
  begin();
  const auto at =
      std::lower_bound(run_.begin(), run_.end(), tree_key,
                       [](const TableFilePtr& table, std::string_view key) { return table->meta().largest < key; });
  if (at == run_.end() || !open_table(static_cast<size_t>(at - run_.begin()))) return state_;
  // The last section ends with the table's largest key, which is not less: there is such a section.
  if (!open_section(table_->section_of(tree_key))) return state_;
  const uint32_t block = partition_.block_of(tree_key);
  if (block == partition_.blocks()) return damaged("a partition ends before its section does"), state_;
  if (!open_block(block)) return state_;
  cursor_->seek(tree_key);
  return settle_forward();
}

RunCursor::State RunCursor::seek_before(std::string_view tree_key) {
  begin();
  const auto behind =
      std::lower_bound(run_.begin(), run_.end(), tree_key,
                       [](const TableFilePtr& table, std::string_view key) { return table->meta().smallest < key; });
  if (behind == run_.begin() || !open_table(static_cast<size_t>(behind - run_.begin()) - 1)) return state_;
  if (!open_section(std::min(table_->section_of(tree_key), table_->sections().size() - 1))) return state_;
  if (!open_block(std::min(partition_.block_of(tree_key), partition_.blocks() - 1))) return state_;
  cursor_->seek_before(tree_key);
  return settle_backward();
}

RunCursor::State RunCursor::next() {
  assert(state_ == State::at_entry);
  cursor_->next();
  return settle_forward();
}

RunCursor::State RunCursor::prev() {
  assert(state_ == State::at_entry);
  left_key_ = cursor_->key();
  cursor_->seek_before(left_key_);
  return settle_backward();
}

}  // namespace sett::storage
