#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace sett::storage {

class RadixNode;

// What hangs below a byte of a key: nothing, an inner node, or an item (whatever the tree keeps; at least 2-aligned).
class RadixRef {
 public:
  RadixRef() = default;
  explicit RadixRef(RadixNode* node) : bits_(reinterpret_cast<uintptr_t>(node)) {}
  static RadixRef of_item(void* item) {
    RadixRef ref;
    ref.bits_ = reinterpret_cast<uintptr_t>(item) | 1;
    return ref;
  }
  explicit operator bool() const { return bits_ != 0; }
  bool is_item() const { return bits_ & 1; }
  void* item() const { return reinterpret_cast<void*>(bits_ & ~uintptr_t{1}); }
  RadixNode* node() const { return reinterpret_cast<RadixNode*>(bits_); }

 private:
  uintptr_t bits_ = 0;
};

// An inner node of an adaptive radix tree: up to 4, 16, 48 or 256 children by their next byte, the bytes that all keys
// below it share before that (many of them in an allocation of their own), and the item whose key ends here. One
// allocation, of the size that its kind needs.
class RadixNode {
 public:
  static RadixNode* make();
  static void free(RadixNode* node);

  // The shared bytes; until they change, or the node is freed.
  std::string_view prefix() const { return {has_long_prefix() ? long_prefix() : prefix_, prefix_bytes_}; }
  // Of a node that has none yet.
  void set_prefix(std::string_view prefix);
  // Without the first `bytes` of them. However many are left, they are not copied but for a few.
  void drop_prefix_front(size_t bytes);

  void* item_here() const { return item_here_; }
  void set_item_here(void* item) { item_here_ = item; }

  // nullptr: no child for that byte. Holds until add().
  RadixRef* find(uint8_t byte);
  // The child with the lowest byte that is at least `byte`, with the highest that is at most `byte`; empty: none.
  // `byte` may be 256, or -1.
  RadixRef first_from(int byte) const;
  RadixRef last_to(int byte) const;
  // As first_from, and `byte` becomes the child's.
  RadixRef next_child(int& byte) const;
  // In no order.
  template <typename Visit>
  void for_each_child(const Visit& visit) const {
    const auto [refs, places] = children();
    for (size_t i = 0; i < places; ++i)
      if (refs[i]) visit(refs[i]);
  }
  // Adds a child for a byte that has none. The node may move to a larger one: the result takes its place.
  [[nodiscard]] static RadixNode* add(RadixNode* node, uint8_t byte, RadixRef child);

  size_t memory_bytes() const;

 private:
  static constexpr size_t short_prefix_max = 12;
  // A long one has its own allocation, of which the front may be out of use.
  struct LongPrefix {
    char* allocation;
    uint32_t begin;
  };
  bool has_long_prefix() const { return prefix_bytes_ > short_prefix_max; }
  LongPrefix load_long_prefix() const;
  void store_long_prefix(const LongPrefix& at);
  const char* long_prefix() const;

  enum class Kind : uint8_t { n4, n16, n48, n256 };
  struct N4;
  struct N16;
  struct N48;
  struct N256;

  template <typename Node>
  static Node* make_kind(Kind kind);
  template <typename Node>
  Node& as() {
    return static_cast<Node&>(*this);
  }
  template <typename Node>
  const Node& as() const {
    return static_cast<const Node&>(*this);
  }
  std::pair<const RadixRef*, size_t> children() const;  // with empty places among them
  template <typename From, typename To>
  static RadixNode* grown(RadixNode* node, Kind kind);

  Kind kind_;
  uint16_t children_;
  char prefix_[short_prefix_max];  // of a long one: the fields of LongPrefix
  uint32_t prefix_bytes_;
  void* item_here_;
};

}  // namespace sett::storage
