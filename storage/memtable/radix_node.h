#pragma once

#include <cstddef>
#include <cstdint>
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
// below it share before that (the first few of them; the rest is in any of the keys), and the item whose key ends here.
// One allocation, of the size that its kind needs.
class RadixNode {
 public:
  static constexpr size_t stored_prefix_max = 12;

  static RadixNode* make();
  static void free(RadixNode* node);

  // The shared bytes: how many, and the first stored_prefix_max of them.
  size_t prefix_bytes() const { return prefix_bytes_; }
  std::string_view stored_prefix() const {
    return {prefix_, prefix_bytes_ < stored_prefix_max ? prefix_bytes_ : stored_prefix_max};
  }
  // `prefix`: all of the bytes.
  void set_prefix(std::string_view prefix);

  void* item_here() const { return item_here_; }
  void set_item_here(void* item) { item_here_ = item; }

  // nullptr: no child for that byte. Holds until add().
  RadixRef* find(uint8_t byte);
  // The child with the lowest byte that is at least `byte`, with the highest that is at most `byte`; empty: none.
  // `byte` may be 256, or -1.
  RadixRef first_from(int byte) const;
  RadixRef last_to(int byte) const;
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
  char prefix_[stored_prefix_max];
  uint32_t prefix_bytes_;
  void* item_here_;
};

}  // namespace sett::storage
