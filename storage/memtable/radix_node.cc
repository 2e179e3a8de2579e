#include "storage/memtable/radix_node.h"

#include <malloc.h>

#include <algorithm>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace sett::storage {

// Children in the order of their bytes.
struct RadixNode::N4 : RadixNode {
  static constexpr int children_max = 4;
  uint8_t bytes[children_max];
  RadixRef refs[children_max];
};
struct RadixNode::N16 : RadixNode {
  static constexpr int children_max = 16;
  uint8_t bytes[children_max];
  RadixRef refs[children_max];
};
// In the order of their coming; `places` has for each byte the place plus one.
struct RadixNode::N48 : RadixNode {
  static constexpr int children_max = 48;
  uint8_t places[256];
  RadixRef refs[children_max];
};
struct RadixNode::N256 : RadixNode {
  static constexpr int children_max = 256;
  RadixRef refs[children_max];
};

namespace {

template <typename Node>
int place_of(const Node& node, int children, int byte) {
  int place = 0;
  while (place < children && node.bytes[place] < byte) ++place;
  return place;
}

}  // namespace

template <typename Node>
Node* RadixNode::make_kind(Kind kind) {
  void* memory = std::calloc(1, sizeof(Node));
  if (!memory) throw std::bad_alloc();
  auto* node = static_cast<Node*>(memory);
  node->kind_ = kind;
  return node;
}

RadixNode* RadixNode::make() {
  return make_kind<N4>(Kind::n4);
}

void RadixNode::free(RadixNode* node) {
  if (node->has_long_prefix()) std::free(node->load_long_prefix().allocation);
  std::free(node);
}

RadixNode::LongPrefix RadixNode::load_long_prefix() const {
  LongPrefix at{};
  std::memcpy(&at.allocation, prefix_, sizeof at.allocation);
  std::memcpy(&at.begin, prefix_ + sizeof at.allocation, sizeof at.begin);
  return at;
}

void RadixNode::store_long_prefix(const LongPrefix& at) {
  static_assert(sizeof at.allocation + sizeof at.begin <= short_prefix_max);
  std::memcpy(prefix_, &at.allocation, sizeof at.allocation);
  std::memcpy(prefix_ + sizeof at.allocation, &at.begin, sizeof at.begin);
}

const char* RadixNode::long_prefix() const {
  const LongPrefix at = load_long_prefix();
  return at.allocation + at.begin;
}

void RadixNode::set_prefix(std::string_view prefix) {
  assert(prefix_bytes_ == 0 && prefix.size() <= UINT32_MAX);
  if (prefix.size() > short_prefix_max) {
    auto* bytes = static_cast<char*>(std::malloc(prefix.size()));
    if (!bytes) throw std::bad_alloc();
    std::memcpy(bytes, prefix.data(), prefix.size());
    store_long_prefix({bytes, 0});
  } else if (!prefix.empty()) {
    std::memcpy(prefix_, prefix.data(), prefix.size());
  }
  prefix_bytes_ = static_cast<uint32_t>(prefix.size());
}

void RadixNode::drop_prefix_front(size_t bytes) {
  assert(bytes <= prefix_bytes_);
  const auto left = static_cast<uint32_t>(prefix_bytes_ - bytes);
  if (!has_long_prefix()) {
    std::memmove(prefix_, prefix_ + bytes, left);
  } else if (LongPrefix at = load_long_prefix(); left > short_prefix_max) {
    at.begin += static_cast<uint32_t>(bytes);
    store_long_prefix(at);
  } else {
    if (left > 0) std::memcpy(prefix_, at.allocation + at.begin + bytes, left);
    std::free(at.allocation);
  }
  prefix_bytes_ = left;
}

RadixRef* RadixNode::find(uint8_t byte) {
  switch (kind_) {
    case Kind::n4: {
      N4& node = as<N4>();
      for (int i = 0; i < children_; ++i)
        if (node.bytes[i] == byte) return &node.refs[i];
      return nullptr;
    }
    case Kind::n16: {
      N16& node = as<N16>();
      const void* at = std::memchr(node.bytes, byte, children_);
      return at ? &node.refs[static_cast<const uint8_t*>(at) - node.bytes] : nullptr;
    }
    case Kind::n48: {
      N48& node = as<N48>();
      return node.places[byte] ? &node.refs[node.places[byte] - 1] : nullptr;
    }
    case Kind::n256: {
      N256& node = as<N256>();
      return node.refs[byte] ? &node.refs[byte] : nullptr;
    }
  }
  return nullptr;
}

RadixRef RadixNode::first_from(int byte) const {
  return next_child(byte);
}

RadixRef RadixNode::next_child(int& byte) const {
  const auto of_sorted = [&](const auto& node) {
    const int place = place_of(node, children_, byte);
    if (place == children_) return RadixRef();
    byte = node.bytes[place];
    return node.refs[place];
  };
  switch (kind_) {
    case Kind::n4:
      return of_sorted(as<N4>());
    case Kind::n16:
      return of_sorted(as<N16>());
    case Kind::n48:
      for (; byte < 256; ++byte)
        if (const uint8_t place = as<N48>().places[byte]) return as<N48>().refs[place - 1];
      return {};
    case Kind::n256:
      for (; byte < 256; ++byte)
        if (as<N256>().refs[byte]) return as<N256>().refs[byte];
      return {};
  }
  return {};
}

RadixRef RadixNode::last_to(int byte) const {
  switch (kind_) {
    case Kind::n4: {
      const int place = place_of(as<N4>(), children_, byte + 1);
      return place > 0 ? as<N4>().refs[place - 1] : RadixRef();
    }
    case Kind::n16: {
      const int place = place_of(as<N16>(), children_, byte + 1);
      return place > 0 ? as<N16>().refs[place - 1] : RadixRef();
    }
    case Kind::n48:
      for (; byte >= 0; --byte)
        if (const uint8_t place = as<N48>().places[byte]) return as<N48>().refs[place - 1];
      return {};
    case Kind::n256:
      for (; byte >= 0; --byte)
        if (as<N256>().refs[byte]) return as<N256>().refs[byte];
      return {};
  }
  return {};
}

std::pair<const RadixRef*, size_t> RadixNode::children() const {
  switch (kind_) {
    case Kind::n4:
      return {as<N4>().refs, children_};
    case Kind::n16:
      return {as<N16>().refs, children_};
    case Kind::n48:
      return {as<N48>().refs, children_};
    case Kind::n256:
      return {as<N256>().refs, N256::children_max};
  }
  return {nullptr, 0};
}

// A node of the next kind with all that `node` has, in whose place it comes.
template <typename From, typename To>
RadixNode* RadixNode::grown(RadixNode* node, Kind kind) {
  To* larger = make_kind<To>(kind);
  larger->children_ = 0;
  std::memcpy(larger->prefix_, node->prefix_, sizeof node->prefix_);
  larger->prefix_bytes_ = std::exchange(node->prefix_bytes_, 0);  // with an allocation of their own, if they have one
  larger->item_here_ = node->item_here_;
  RadixNode* result = larger;
  const From& from = node->as<From>();
  if constexpr (requires { from.places; }) {
    for (int byte = 0; byte < 256; ++byte)
      if (from.places[byte]) result = add(result, static_cast<uint8_t>(byte), from.refs[from.places[byte] - 1]);
  } else {
    for (int i = 0; i < node->children_; ++i) result = add(result, from.bytes[i], from.refs[i]);
  }
  assert(result == larger);
  free(node);
  return result;
}

RadixNode* RadixNode::add(RadixNode* node, uint8_t byte, RadixRef child) {
  const auto insert_sorted = [&](auto& sorted) {
    const int place = place_of(sorted, node->children_, byte);
    const auto behind = static_cast<size_t>(node->children_ - place);
    std::memmove(sorted.bytes + place + 1, sorted.bytes + place, behind);
    std::copy_backward(sorted.refs + place, sorted.refs + node->children_, sorted.refs + node->children_ + 1);
    sorted.bytes[place] = byte;
    sorted.refs[place] = child;
  };
  switch (node->kind_) {
    case Kind::n4:
      if (node->children_ == N4::children_max) return add(grown<N4, N16>(node, Kind::n16), byte, child);
      insert_sorted(node->as<N4>());
      break;
    case Kind::n16:
      if (node->children_ == N16::children_max) return add(grown<N16, N48>(node, Kind::n48), byte, child);
      insert_sorted(node->as<N16>());
      break;
    case Kind::n48: {
      if (node->children_ == N48::children_max) return add(grown<N48, N256>(node, Kind::n256), byte, child);
      N48& wide = node->as<N48>();
      wide.refs[node->children_] = child;
      wide.places[byte] = static_cast<uint8_t>(node->children_ + 1);
      break;
    }
    case Kind::n256:
      node->as<N256>().refs[byte] = child;
      break;
  }
  ++node->children_;
  return node;
}

size_t RadixNode::memory_bytes() const {
  const size_t beside = has_long_prefix() ? malloc_usable_size(load_long_prefix().allocation) : 0;
  return beside + malloc_usable_size(const_cast<RadixNode*>(this));
}

}  // namespace sett::storage
