#pragma once

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace sett::storage {

// Items that expire, soonest first: a heap with four children a node in which each item knows its place, so that it is
// exact: no leftovers of overwritten or deleted items. 16 bytes an item. Owns nothing; the owner's lock covers it.
//
// An Item has expires_at_ms(), and a uint32_t of the heap's own by heap_index() and set_heap_index().
template <typename Item>
class DueHeap {
 public:
  void add(Item* item);  // which expires
  void remove(const Item* item);
  void update(Item* item);                // after its expiry changed
  void move(const Item* from, Item* to);  // the same key at another address, maybe with another expiry
  Item* first() const { return nodes_.empty() ? nullptr : nodes_[0].item; }
  int64_t first_ms() const { return nodes_.empty() ? INT64_MAX : nodes_[0].expires_at_ms; }
  size_t size() const { return nodes_.size(); }
  // Those that expire at `now_ms` or before, exactly is_live's rule (hashtable/expiry_heap.h); in no order. Costs what
  // it finds.
  template <typename Visit>
  void for_each_due(int64_t now_ms, const Visit& visit) const;
  uint64_t due(int64_t now_ms) const;  // how many
  // The same in order of time, until is_enough(), which is asked before each.
  template <typename Visit, typename IsEnough>
  void for_each_in_order(int64_t now_ms, const Visit& visit, const IsEnough& is_enough) const;
  // Sum and number of the times left over an even sample of at most `limit` items not yet due.
  void sample_time_left(int64_t now_ms, size_t limit, int64_t& sum_ms, uint64_t& count) const;
  uint64_t overhead_bytes() const { return nodes_.capacity() * sizeof(Node); }

 private:
  static constexpr size_t arity = 4;
  struct Node {
    int64_t expires_at_ms;
    Item* item;
  };
  void place(size_t index, Node node) {
    nodes_[index] = node;
    node.item->set_heap_index(static_cast<uint32_t>(index));
  }
  void sift_up(size_t index, Node node);
  void sift_down(size_t index, Node node);
  void settle(size_t index, Node node);

  std::vector<Node> nodes_;
};

template <typename Item>
void DueHeap<Item>::sift_up(size_t index, Node node) {
  while (index > 0) {
    const size_t parent = (index - 1) / arity;
    if (nodes_[parent].expires_at_ms <= node.expires_at_ms) break;
    place(index, nodes_[parent]);
    index = parent;
  }
  place(index, node);
}

template <typename Item>
void DueHeap<Item>::sift_down(size_t index, Node node) {
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

template <typename Item>
void DueHeap<Item>::settle(size_t index, Node node) {
  if (index > 0 && nodes_[(index - 1) / arity].expires_at_ms > node.expires_at_ms)
    sift_up(index, node);
  else
    sift_down(index, node);
}

template <typename Item>
void DueHeap<Item>::add(Item* item) {
  assert(item->expires_at_ms() != 0);
  nodes_.push_back({item->expires_at_ms(), item});
  sift_up(nodes_.size() - 1, nodes_.back());
}

template <typename Item>
void DueHeap<Item>::remove(const Item* item) {
  const size_t index = item->heap_index();
  assert(index < nodes_.size() && nodes_[index].item == item);
  const Node last = nodes_.back();
  nodes_.pop_back();
  if (index < nodes_.size()) settle(index, last);
}

template <typename Item>
void DueHeap<Item>::update(Item* item) {
  assert(nodes_[item->heap_index()].item == item);
  settle(item->heap_index(), {item->expires_at_ms(), item});
}

template <typename Item>
void DueHeap<Item>::move(const Item* from, Item* to) {
  assert(nodes_[from->heap_index()].item == from);
  settle(from->heap_index(), {to->expires_at_ms(), to});
}

template <typename Item>
template <typename Visit>
void DueHeap<Item>::for_each_due(int64_t now_ms, const Visit& visit) const {
  if (nodes_.empty() || first_ms() > now_ms) return;
  std::vector<size_t> open{0};
  while (!open.empty()) {
    const size_t index = open.back();
    open.pop_back();
    visit(*nodes_[index].item);
    const size_t first_child = index * arity + 1;
    for (size_t child = first_child; child < std::min(first_child + arity, nodes_.size()); ++child)
      if (nodes_[child].expires_at_ms <= now_ms) open.push_back(child);
  }
}

template <typename Item>
template <typename Visit, typename IsEnough>
void DueHeap<Item>::for_each_in_order(int64_t now_ms, const Visit& visit, const IsEnough& is_enough) const {
  const auto is_later = [this](size_t a, size_t b) { return nodes_[a].expires_at_ms > nodes_[b].expires_at_ms; };
  // Those whose parents were visited: the soonest of them is the next.
  std::vector<size_t> open;
  const auto add = [&](size_t index) {
    if (index >= nodes_.size() || nodes_[index].expires_at_ms > now_ms) return;
    open.push_back(index);
    std::push_heap(open.begin(), open.end(), is_later);
  };
  add(0);
  while (!open.empty() && !is_enough()) {
    std::pop_heap(open.begin(), open.end(), is_later);
    const size_t index = open.back();
    open.pop_back();
    visit(*nodes_[index].item);
    for (size_t child = 1; child <= arity; ++child) add(index * arity + child);
  }
}

template <typename Item>
uint64_t DueHeap<Item>::due(int64_t now_ms) const {
  uint64_t count = 0;
  for_each_due(now_ms, [&count](const Item&) { ++count; });
  return count;
}

template <typename Item>
void DueHeap<Item>::sample_time_left(int64_t now_ms, size_t limit, int64_t& sum_ms, uint64_t& count) const {
  const size_t step = std::max<size_t>(1, (nodes_.size() + limit - 1) / limit);
  for (size_t i = 0; i < nodes_.size(); i += step) {
    if (nodes_[i].expires_at_ms <= now_ms) continue;
    sum_ms += nodes_[i].expires_at_ms - now_ms;
    ++count;
  }
}

}  // namespace sett::storage
