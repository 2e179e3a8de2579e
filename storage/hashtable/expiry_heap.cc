#include "storage/hashtable/expiry_heap.h"

#include <algorithm>
#include <cassert>

namespace sett::storage {

void ExpiryHeap::place(size_t index, Node node) {
  nodes_[index] = node;
  node.entry->set_heap_index(static_cast<uint32_t>(index));
}

void ExpiryHeap::sift_up(size_t index, Node node) {
  while (index > 0) {
    const size_t parent = (index - 1) / arity;
    if (nodes_[parent].expires_at_ms <= node.expires_at_ms) break;
    place(index, nodes_[parent]);
    index = parent;
  }
  place(index, node);
}

void ExpiryHeap::sift_down(size_t index, Node node) {
  while (true) {
    const size_t first_child = index * arity + 1;
    if (first_child >= nodes_.size()) break;
    size_t soonest = first_child;
    const size_t end = std::min(first_child + arity, nodes_.size());
    for (size_t child = first_child + 1; child < end; ++child)
      if (nodes_[child].expires_at_ms < nodes_[soonest].expires_at_ms) soonest = child;
    if (nodes_[soonest].expires_at_ms >= node.expires_at_ms) break;
    place(index, nodes_[soonest]);
    index = soonest;
  }
  place(index, node);
}

void ExpiryHeap::settle(size_t index, Node node) {
  if (index > 0 && nodes_[(index - 1) / arity].expires_at_ms > node.expires_at_ms)
    sift_up(index, node);
  else
    sift_down(index, node);
}

void ExpiryHeap::add(Entry* entry) {
  assert(entry->expiring());
  nodes_.push_back({entry->expires_at_ms(), entry});
  sift_up(nodes_.size() - 1, nodes_.back());
}

void ExpiryHeap::remove(const Entry* entry) {
  const size_t index = entry->heap_index();
  assert(index < nodes_.size() && nodes_[index].entry == entry);
  const Node last = nodes_.back();
  nodes_.pop_back();
  if (index < nodes_.size()) settle(index, last);
}

void ExpiryHeap::update(Entry* entry) {
  assert(nodes_[entry->heap_index()].entry == entry);
  settle(entry->heap_index(), {entry->expires_at_ms(), entry});
}

void ExpiryHeap::move(const Entry* from, Entry* to) {
  assert(nodes_[from->heap_index()].entry == from);
  settle(from->heap_index(), {to->expires_at_ms(), to});
}

uint64_t ExpiryHeap::due(int64_t now_ms) const {
  if (first_ms() > now_ms) return 0;
  uint64_t count = 0;
  std::vector<size_t> open{0};
  while (!open.empty()) {
    const size_t index = open.back();
    open.pop_back();
    ++count;
    const size_t first_child = index * arity + 1;
    for (size_t child = first_child; child < std::min(first_child + arity, nodes_.size()); ++child)
      if (nodes_[child].expires_at_ms <= now_ms) open.push_back(child);
  }
  return count;
}

void ExpiryHeap::sample_time_left(int64_t now_ms, size_t limit, int64_t& sum_ms, uint64_t& count) const {
  const size_t step = std::max<size_t>(1, (nodes_.size() + limit - 1) / limit);
  for (size_t i = 0; i < nodes_.size(); i += step) {
    if (nodes_[i].expires_at_ms <= now_ms) continue;
    sum_ms += nodes_[i].expires_at_ms - now_ms;
    ++count;
  }
}

}  // namespace sett::storage
