#pragma once

#include <algorithm>
#include <cassert>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/memtable/radix_node.h"

namespace sett::storage {

// Items in the byte order of their keys: an adaptive radix tree (Leis, Kemper, Neumann: The Adaptive Radix Tree, ICDE
// 2013) with path compression. Keys are any bytes, a key may be the front of another. An Item has
// `std::string_view key() const`, keeps its key as long as it is in the tree, and belongs to the caller.
//
// No item is ever taken out: in a memtable a removal is an item too. Not for two threads at once, unless both only
// read.
template <typename Item>
class RadixTree {
 public:
  RadixTree() = default;
  RadixTree(const RadixTree&) = delete;
  RadixTree& operator=(const RadixTree&) = delete;
  ~RadixTree() { clear(); }

  // nullptr: none.
  Item* find(std::string_view key) const;
  // Puts it in the place of the item with the same key, which is returned, or adds it (nullptr).
  Item* put(Item* item) {
    Item* there = nullptr;
    upsert(item->key(), [&](Item* found) {
      there = found;
      return item;
    });
    return there;
  }
  // Goes down once: make(the item with that key, or nullptr) returns the item that takes its place, which may be the
  // same one, and may have freed the other. Called exactly once, before anything changes; must not touch the tree.
  template <typename Make>
  void upsert(std::string_view key, const Make& make);
  // The first item whose key is not less than `key`; with `after`, the first that is greater. nullptr: none.
  Item* at_or_after(std::string_view key, bool after = false) const { return forward(root_, key, 0, after); }
  // The last item whose key is less than `key`. nullptr: none.
  Item* before(std::string_view key) const { return backward(root_, key, 0); }
  Item* last() const { return root_ ? greatest(root_) : nullptr; }

  // All items in order, each once, while nobody changes the tree. Nothing is compared on the way, and what comes next
  // is asked for ahead of its turn.
  class Cursor {
   public:
    explicit Cursor(const RadixTree& tree) : ahead_(tree.root_) {}
    Item* next();  // nullptr: there is no further one

   private:
    struct Place {
      const RadixNode* node;
      int byte;  // of the next child
    };
    RadixRef ahead_;
    std::vector<Place> path_;  // a list: the depth of the tree is a client's choice
  };

  size_t size() const { return size_; }
  size_t memory_bytes() const { return memory_bytes_; }  // of the nodes
  // Forgets all items; visits each, in no order, for who wants to free them.
  template <typename Visit>
  void clear(const Visit& visit);
  void clear() {
    clear([](Item*) {});
  }

 private:
  static Item* item(RadixRef ref) { return static_cast<Item*>(ref.item()); }
  // How many bytes the two have in common at their beginnings.
  static size_t same(std::string_view a, std::string_view b) {
    const auto most = static_cast<std::ptrdiff_t>(std::min(a.size(), b.size()));
    return static_cast<size_t>(std::mismatch(a.begin(), a.begin() + most, b.begin()).first - a.begin());
  }
  static void prefetch(RadixRef ref) {
    constexpr size_t line = 64;
    const auto* bytes = static_cast<const char*>(ref.is_item() ? ref.item() : ref.node());
    __builtin_prefetch(bytes);
    __builtin_prefetch(bytes + line);
  }
  static Item* least(RadixRef ref);
  static Item* greatest(RadixRef ref);
  static Item* forward(RadixRef ref, std::string_view key, size_t depth, bool after);
  static Item* backward(RadixRef ref, std::string_view key, size_t depth);
  // Negative, 0 or positive as the node's shared bytes are less than, the same as, or greater than what the key goes on
  // with; a key that ends within them is less.
  static int compare_prefix(const RadixNode* node, std::string_view rest) {
    return node->prefix().compare(rest.substr(0, node->prefix().size()));
  }

  RadixNode* new_node(std::string_view prefix);
  void hang(RadixRef& from, RadixNode* node, Item* item, size_t depth);
  void split(RadixRef& ref, Item* item, size_t depth, size_t common);

  RadixRef root_;
  size_t size_ = 0, memory_bytes_ = 0;
};

template <typename Item>
Item* RadixTree<Item>::find(std::string_view key) const {
  RadixRef ref = root_;
  size_t depth = 0;
  while (ref) {
    if (ref.is_item()) return item(ref)->key() == key ? item(ref) : nullptr;
    RadixNode* node = ref.node();
    // The shared bytes are not compared: the item at the end has them.
    depth += node->prefix().size();
    if (depth > key.size()) return nullptr;
    if (depth == key.size()) {
      auto* here = static_cast<Item*>(node->item_here());
      return here && here->key() == key ? here : nullptr;
    }
    const RadixRef* child = node->find(static_cast<uint8_t>(key[depth++]));
    if (!child) return nullptr;
    ref = *child;
  }
  return nullptr;
}

template <typename Item>
Item* RadixTree<Item>::least(RadixRef ref) {
  while (!ref.is_item()) {
    if (void* here = ref.node()->item_here()) return static_cast<Item*>(here);
    ref = ref.node()->first_from(0);
  }
  return item(ref);
}

template <typename Item>
Item* RadixTree<Item>::greatest(RadixRef ref) {
  while (!ref.is_item()) {
    const RadixRef child = ref.node()->last_to(255);
    if (!child) return static_cast<Item*>(ref.node()->item_here());
    ref = child;
  }
  return item(ref);
}

template <typename Item>
RadixNode* RadixTree<Item>::new_node(std::string_view prefix) {
  RadixNode* node = RadixNode::make();
  node->set_prefix(prefix);
  memory_bytes_ += node->memory_bytes();
  return node;
}

// Adds the item to a node whose shared bytes it has, as it goes on at `depth`.
template <typename Item>
void RadixTree<Item>::hang(RadixRef& from, RadixNode* node, Item* item, size_t depth) {
  const std::string_view key = item->key();
  if (depth == key.size()) {
    node->set_item_here(item);
    return;
  }
  memory_bytes_ -= node->memory_bytes();
  node = RadixNode::add(node, static_cast<uint8_t>(key[depth]), RadixRef::of_item(item));
  memory_bytes_ += node->memory_bytes();
  from = RadixRef(node);
}

// Puts a node above what `ref` points to, for the `common` bytes that it shares with the item, and adds both to it.
template <typename Item>
void RadixTree<Item>::split(RadixRef& ref, Item* added, size_t depth, size_t common) {
  const RadixRef below = ref;
  RadixNode* above = new_node(added->key().substr(depth, common));
  const size_t fork = depth + common;
  ref = RadixRef(above);
  if (below.is_item()) {
    hang(ref, above, item(below), fork);
  } else {
    RadixNode* node = below.node();
    const std::string_view prefix = node->prefix();
    const auto byte = static_cast<uint8_t>(prefix[common]);
    memory_bytes_ -= node->memory_bytes();
    node->drop_prefix_front(common + 1);
    memory_bytes_ += node->memory_bytes();
    [[maybe_unused]] const RadixNode* same = RadixNode::add(above, byte, below);
    assert(same == above);
  }
  hang(ref, ref.node(), added, fork);
}

template <typename Item>
template <typename Make>
void RadixTree<Item>::upsert(std::string_view key, const Make& make) {
  RadixRef* ref = &root_;
  size_t depth = 0;
  while (*ref) {
    if (ref->is_item()) {
      Item* there = item(*ref);
      const std::string_view other = there->key();
      if (other == key) {
        *ref = RadixRef::of_item(make(there));
        return;
      }
      const auto [a, b] = std::mismatch(key.begin() + static_cast<ptrdiff_t>(depth),
                                        key.begin() + static_cast<ptrdiff_t>(std::min(key.size(), other.size())),
                                        other.begin() + static_cast<ptrdiff_t>(depth));
      const size_t common = static_cast<size_t>(a - key.begin()) - depth;
      split(*ref, make(nullptr), depth, common);
      ++size_;
      return;
    }
    RadixNode* node = ref->node();
    const size_t common = same(node->prefix(), key.substr(depth));
    if (common < node->prefix().size()) {
      split(*ref, make(nullptr), depth, common);
      ++size_;
      return;
    }
    depth += common;
    if (depth == key.size()) {
      auto* there = static_cast<Item*>(node->item_here());
      node->set_item_here(make(there));
      size_ += there == nullptr;
      return;
    }
    RadixRef* child = node->find(static_cast<uint8_t>(key[depth]));
    if (!child) {
      hang(*ref, node, make(nullptr), depth);
      ++size_;
      return;
    }
    ref = child;
    ++depth;
  }
  *ref = RadixRef::of_item(make(nullptr));
  ++size_;
}

template <typename Item>
Item* RadixTree<Item>::forward(RadixRef ref, std::string_view key, size_t depth, bool after) {
  RadixRef beside;  // the nearest greater of what lies beside the path
  while (ref) {
    if (ref.is_item()) {
      const int order = item(ref)->key().compare(key);
      if (order > 0 || (order == 0 && !after)) return item(ref);
      break;
    }
    RadixNode* node = ref.node();
    const int order = compare_prefix(node, key.substr(depth));
    if (order > 0) return least(ref);
    if (order < 0) break;
    depth += node->prefix().size();
    if (depth == key.size()) {
      if (node->item_here() && !after) return static_cast<Item*>(node->item_here());
      if (const RadixRef child = node->first_from(0)) return least(child);
      break;
    }
    const auto byte = static_cast<uint8_t>(key[depth++]);
    if (const RadixRef greater = node->first_from(byte + 1)) beside = greater;
    const RadixRef* child = node->find(byte);
    ref = child ? *child : RadixRef();
  }
  return beside ? least(beside) : nullptr;
}

template <typename Item>
Item* RadixTree<Item>::backward(RadixRef ref, std::string_view key, size_t depth) {
  Item* here = nullptr;  // the greatest beside the path that is no subtree
  RadixRef beside;
  while (ref) {
    if (ref.is_item()) {
      if (item(ref)->key() < key) return item(ref);
      break;
    }
    RadixNode* node = ref.node();
    const int order = compare_prefix(node, key.substr(depth));
    if (order < 0) return greatest(ref);
    if (order > 0) break;
    depth += node->prefix().size();
    if (depth == key.size()) break;
    const auto byte = static_cast<uint8_t>(key[depth++]);
    if (const RadixRef less = node->last_to(byte - 1)) {
      beside = less;
      here = nullptr;
    } else if (node->item_here()) {
      here = static_cast<Item*>(node->item_here());
      beside = RadixRef();
    }
    const RadixRef* child = node->find(byte);
    ref = child ? *child : RadixRef();
  }
  return beside ? greatest(beside) : here;
}

template <typename Item>
Item* RadixTree<Item>::Cursor::next() {
  while (true) {
    const RadixRef at = std::exchange(ahead_, RadixRef());
    if (at && !at.is_item()) path_.push_back({at.node(), 0});
    if (path_.empty()) return at ? item(at) : nullptr;
    Place& place = path_.back();
    ahead_ = place.byte < 256 ? place.node->next_child(place.byte) : RadixRef();
    ++place.byte;
    if (!ahead_) path_.pop_back();
    if (ahead_) prefetch(ahead_);
    if (at && at.is_item()) return item(at);
    if (at && at.node()->item_here()) return static_cast<Item*>(at.node()->item_here());
  }
}

template <typename Item>
template <typename Visit>
void RadixTree<Item>::clear(const Visit& visit) {
  // With a list of its own: the depth of the tree is a client's choice.
  std::vector<RadixNode*> nodes;
  const auto take = [&](RadixRef ref) {
    if (ref.is_item())
      visit(item(ref));
    else
      nodes.push_back(ref.node());
  };
  if (root_) take(root_);
  while (!nodes.empty()) {
    RadixNode* node = nodes.back();
    nodes.pop_back();
    if (void* here = node->item_here()) visit(static_cast<Item*>(here));
    node->for_each_child(take);
    RadixNode::free(node);
  }
  root_ = RadixRef();
  size_ = memory_bytes_ = 0;
}

}  // namespace sett::storage
