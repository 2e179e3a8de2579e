#include "storage/lsm/part_merger.h"

#include <utility>

namespace sett::storage {

PartMerger::PartMerger(const std::vector<Parts>& memtables) {
  for (size_t age = 0; age < memtables.size(); ++age)
    for (const Memtable* part : memtables[age]) {
      Head head{.key = {}, .age = age, .entry = nullptr, .cursor = Memtable::Cursor(*part)};
      if (step(head)) heads_.push_back(std::move(head));
    }
  for (size_t i = heads_.size() / 2; i-- > 0;) sink(i);
}

bool PartMerger::step(Head& head) {
  head.entry = head.cursor.next();
  if (head.entry) head.key = head.entry->key();
  return head.entry != nullptr;
}

const std::vector<const MemEntry*>& PartMerger::next() {
  next_.clear();
  if (heads_.empty()) return next_;
  const std::string_view key = heads_.front().key;
  do take_first();
  while (!heads_.empty() && heads_.front().key == key);
  return next_;
}

void PartMerger::take_first() {
  next_.push_back(heads_.front().entry);
  if (!step(heads_.front())) {
    std::swap(heads_.front(), heads_.back());
    heads_.pop_back();
  }
  if (!heads_.empty()) sink(0);
}

// The first of the heap has changed: it goes down to its place, most often not far.
void PartMerger::sink(size_t at) {
  while (true) {
    size_t least = at;
    for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < heads_.size(); ++child)
      if (is_before(heads_[child], heads_[least])) least = child;
    if (least == at) return;
    std::swap(heads_[at], heads_[least]);
    at = least;
  }
}

}  // namespace sett::storage
