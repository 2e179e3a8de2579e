#include "storage/lsm/block_cache.h"

#include <array>
#include <utility>
#include <vector>

#include "storage/base/mutex.h"

namespace sett::storage {

namespace {

constexpr size_t shard_bits = 6, shard_count = size_t{1} << shard_bits;
constexpr uint8_t uses_max = 3;
constexpr uint64_t young_share = 10;  // of the low blocks, one in so many bytes may be young
// About what a block takes beside its bytes: node, place in the table, control block, string, allocator.
constexpr uint64_t overhead_bytes = 200;
constexpr size_t ghosts = 1024;  // a shard remembers about so many of those that it evicted young

struct Key {
  uint64_t file, offset;
  friend bool operator==(const Key&, const Key&) = default;
};
uint64_t hash_of(const Key& key) {
  uint64_t hash = key.file * 0x9E3779B97F4A7C15ULL + key.offset;
  hash = (hash ^ (hash >> 32)) * 0xBF58476D1CE4E5B9ULL;
  return hash ^ (hash >> 29);
}

struct Queue;
struct Node {
  std::unique_ptr<Node> next;  // of those in the same place of the table
  Key key{};
  BlockCache::Block block;
  uint8_t uses = 0;  // since it came or was last passed over
  uint64_t charged_bytes = 0;
  Queue* queue = nullptr;
  Node *newer = nullptr, *older = nullptr;
};

// Nodes by their keys. A find touches the table, the node and hardly anything else.
class NodeTable {
 public:
  size_t size() const { return size_; }
  Node* find(const Key& key, uint64_t hash) const {
    Node* node = places_[hash & (places_.size() - 1)].get();
    while (node && !(node->key == key)) node = node->next.get();
    return node;
  }
  // What a find() of this hash touches first behind the place itself.
  void prefetch(uint64_t hash) const { __builtin_prefetch(places_[hash & (places_.size() - 1)].get()); }
  // `key` is not in it.
  Node& add(const Key& key, uint64_t hash) {
    if (size_ == places_.size()) grow();
    auto node = std::make_unique<Node>();
    node->key = key;
    Node& added = *node;
    push(std::move(node), hash);
    ++size_;
    return added;
  }
  void erase(const Node& node) {
    std::unique_ptr<Node>* link = &places_[hash_of(node.key) & (places_.size() - 1)];
    while (link->get() != &node) link = &(*link)->next;
    const std::unique_ptr<Node> erased = std::move(*link);
    *link = std::move(erased->next);
    --size_;
  }
  template <typename Visit>
  void for_each(const Visit& visit) const {
    for (const auto& place : places_)
      for (Node* node = place.get(); node; node = node->next.get()) visit(*node);
  }

 private:
  void push(std::unique_ptr<Node> node, uint64_t hash) {
    std::unique_ptr<Node>& place = places_[hash & (places_.size() - 1)];
    node->next = std::move(place);
    place = std::move(node);
  }
  void grow() {
    std::vector<std::unique_ptr<Node>> before(places_.size() * 2);
    before.swap(places_);
    for (auto& place : before)
      while (place) {
        std::unique_ptr<Node> node = std::move(place);
        place = std::move(node->next);
        push(std::move(node), hash_of(node->key));
      }
  }
  std::vector<std::unique_ptr<Node>> places_ = std::vector<std::unique_ptr<Node>>(16);
  size_t size_ = 0;
};

// Nodes in the order in which they came.
struct Queue {
  Node* newest = nullptr;
  Node* oldest = nullptr;
  uint64_t bytes = 0, count = 0;

  void push(Node& node) {
    node.queue = this;
    node.newer = nullptr;
    node.older = newest;
    (newest ? newest->newer : oldest) = &node;
    newest = &node;
    bytes += node.charged_bytes;
    ++count;
  }
  void remove(Node& node) {
    (node.newer ? node.newer->older : newest) = node.older;
    (node.older ? node.older->newer : oldest) = node.newer;
    bytes -= node.charged_bytes;
    --count;
  }
};

}  // namespace

struct alignas(64) BlockCache::Shard {
  Mutex mutex;
  NodeTable nodes GUARDED_BY(mutex);
  // Low blocks begin young; those that are used again before they would go become settled, and so do those that come
  // back soon after they went. High ones have a queue of their own.
  Queue young GUARDED_BY(mutex), settled GUARDED_BY(mutex), high GUARDED_BY(mutex);
  std::array<uint32_t, ghosts> ghost GUARDED_BY(mutex){};
  uint64_t hits GUARDED_BY(mutex) = 0, misses GUARDED_BY(mutex) = 0;
  uint64_t inserted GUARDED_BY(mutex) = 0, evicted GUARDED_BY(mutex) = 0;

  static uint32_t mark_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 24) | 1; }  // 0: none

  Block find(const Key& key, uint64_t hash) REQUIRES(mutex) {
    Node* node = nodes.find(key, hash);
    if (!node) return nullptr;
    ++hits;
    if (node->uses < uses_max) ++node->uses;
    return node->block;
  }
  Queue& queue_for(uint64_t hash, Priority priority) REQUIRES(mutex) {
    if (priority == Priority::high) return high;
    return ghost[hash % ghosts] == mark_of(hash) ? settled : young;
  }
  // What left; nullptr: all that is in the queue is held.
  Node* find_victim(Queue& queue) REQUIRES(mutex) {
    for (uint64_t left = queue.count * (uses_max + 1); left > 0 && queue.oldest; --left) {
      Node& node = *queue.oldest;
      const bool is_young = &queue == &young;
      // Loading a block and then reading it from memory is one use.
      const bool stays = is_young ? node.uses > 1 : node.uses > 0;
      // Only who has the lock can begin to hold a block that nobody holds.
      if (!stays && node.block.use_count() == 1) return &node;
      queue.remove(node);
      if (stays) node.uses = is_young ? uint8_t{0} : static_cast<uint8_t>(node.uses - 1);
      (is_young && stays ? settled : queue).push(node);
    }
    return nullptr;
  }
  Node* find_victim(Priority priority) REQUIRES(mutex) {
    if (priority == Priority::high) return find_victim(high);
    const bool too_young = young.bytes * young_share >= young.bytes + settled.bytes;
    Node* victim = find_victim(too_young ? young : settled);
    return victim ? victim : find_victim(too_young ? settled : young);
  }
  Block take(Node& node) REQUIRES(mutex) {
    Block block = std::move(node.block);
    node.queue->remove(node);
    nodes.erase(node);
    return block;
  }
};

BlockCache::BlockCache(uint64_t capacity_bytes)
    : shards_(std::make_unique<Shard[]>(shard_count)), capacity_(capacity_bytes) {}

BlockCache::~BlockCache() = default;

BlockCache::Shard& BlockCache::shard_of(uint64_t hash) const {
  return shards_[hash >> (64 - shard_bits)];
}

BlockCache::Block BlockCache::find(uint64_t file, uint64_t offset) {
  const Key key{file, offset};
  const uint64_t hash = hash_of(key);
  Shard& shard = shard_of(hash);
  const MutexLock lock(shard.mutex);
  Block found = shard.find(key, hash);
  if (!found) ++shard.misses;
  return found;
}

BlockCache::Block BlockCache::find_ahead(uint64_t file, uint64_t offset) const {
  const Key key{file, offset};
  const uint64_t hash = hash_of(key);
  Shard& shard = shard_of(hash);
  const MutexLock lock(shard.mutex);
  return shard.find(key, hash);
}

void BlockCache::prefetch_place(uint64_t file, uint64_t offset) const {
  const uint64_t hash = hash_of({file, offset});
  Shard& shard = shard_of(hash);
  const MutexLock lock(shard.mutex);
  shard.nodes.prefetch(hash);
}

void BlockCache::prefetch_block(uint64_t file, uint64_t offset) const {
  const Key key{file, offset};
  const uint64_t hash = hash_of(key);
  Shard& shard = shard_of(hash);
  const MutexLock lock(shard.mutex);
  if (const Node* node = shard.nodes.find(key, hash)) __builtin_prefetch(node->block.get());
}

BlockCache::Block BlockCache::insert(uint64_t file, uint64_t offset, std::string&& bytes, Priority priority) {
  const Key key{file, offset};
  const uint64_t hash = hash_of(key);
  Block block = std::make_shared<const std::string>(std::move(bytes));
  Shard& shard = shard_of(hash);
  {
    const MutexLock lock(shard.mutex);
    if (const Node* present = shard.nodes.find(key, hash)) return present->block;
    Node& node = shard.nodes.add(key, hash);
    node.block = block;
    node.charged_bytes = block->capacity() + overhead_bytes;
    shard.queue_for(hash, priority).push(node);
    ++shard.inserted;
    // Under the lock: whoever takes the block out has to find it counted.
    bytes_.fetch_add(node.charged_bytes, std::memory_order_relaxed);
    if (priority == Priority::high) high_bytes_.fetch_add(node.charged_bytes, std::memory_order_relaxed);
  }
  if (!fits()) make_room(static_cast<size_t>(&shard - shards_.get()));
  return block;
}

bool BlockCache::evict_until_it_fits(Shard& shard, Priority priority) {
  while (!fits()) {
    Block gone;  // freed without the lock
    const MutexLock lock(shard.mutex);
    Node* victim = shard.find_victim(priority);
    if (!victim) return false;
    const uint64_t hash = hash_of(victim->key);
    if (victim->queue == &shard.young) shard.ghost[hash % ghosts] = Shard::mark_of(hash);
    bytes_.fetch_sub(victim->charged_bytes, std::memory_order_relaxed);
    if (priority == Priority::high) high_bytes_.fetch_sub(victim->charged_bytes, std::memory_order_relaxed);
    gone = shard.take(*victim);
    ++shard.evicted;
  }
  return true;
}

// In this part first: on average each part then loses what it gets.
void BlockCache::make_room(size_t first_shard) {
  const uint64_t share = capacity() - capacity() / 8;
  std::array order = {Priority::low, Priority::high};
  if (high_bytes_.load(std::memory_order_relaxed) > share) std::swap(order[0], order[1]);
  for (const Priority priority : order)
    for (size_t i = 0; i < shard_count; ++i)
      if (evict_until_it_fits(shards_[(first_shard + i) % shard_count], priority)) return;
}

void BlockCache::forget(uint64_t file) {
  for (size_t i = 0; i < shard_count; ++i) {
    Shard& shard = shards_[i];
    std::vector<Block> gone;  // freed without the lock
    const MutexLock lock(shard.mutex);
    std::vector<Node*> found;
    shard.nodes.for_each([&](Node& node) {
      if (node.key.file == file) found.push_back(&node);
    });
    for (Node* node : found) {
      bytes_.fetch_sub(node->charged_bytes, std::memory_order_relaxed);
      if (node->queue == &shard.high) high_bytes_.fetch_sub(node->charged_bytes, std::memory_order_relaxed);
      gone.push_back(shard.take(*node));
    }
  }
}

void BlockCache::set_capacity(uint64_t capacity_bytes) {
  capacity_.store(capacity_bytes, std::memory_order_relaxed);
  make_room(0);
}

BlockCache::Stats BlockCache::stats() const {
  Stats sum;
  for (size_t i = 0; i < shard_count; ++i) {
    Shard& shard = shards_[i];
    const MutexLock lock(shard.mutex);
    sum.hits += shard.hits;
    sum.misses += shard.misses;
    sum.inserted += shard.inserted;
    sum.evicted += shard.evicted;
    sum.blocks += shard.nodes.size();
  }
  sum.bytes = bytes();
  sum.high_bytes = high_bytes_.load(std::memory_order_relaxed);
  return sum;
}

}  // namespace sett::storage
