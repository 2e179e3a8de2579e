#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/badger/engine.h"
#include "storage/keys/tree_key.h"
#include "storage/lsm/tree_iterator.h"

namespace sett::storage {

// The keys of a bucket in order, of all shards' memtables and the tables together, from memory. Under all locks, and
// only as long as they are held.
class OrderedWalk {
 public:
  enum class Step : uint8_t {
    entry,    // key() and found() are what lives there
    passed,   // there is a key, but nothing lives there
    end,      // of the bucket
    missing,  // need() says what has to be fetched; the place is lost
  };

  OrderedWalk(BadgerEngine& engine, BucketId bucket, int64_t now_ms, bool with_values);

  // The first key that is not less, or, on the way back, the last that is less.
  Step begin(std::string_view user_key, bool backward);
  Step begin_at_end();  // the last key of the bucket, and back from there
  Step next();

  std::string_view key() const { return user_key(key_); }
  const BadgerEngine::Found& found() const { return found_; }
  const Need& need() const { return need_; }

 private:
  // Where one part of a memtable stands.
  struct Source {
    BadgerShard* shard;
    size_t age;  // 0: the active part, then the sealed ones from new to old
    const Memtable* part;
    const MemEntry* entry;
  };
  bool is_behind(const Source& a, const Source& b) const;
  void push(Source source);
  Source pop();
  const MemEntry* follow(const Memtable& part, std::string_view tree_key) const;
  Step begin_at(std::string_view place, bool backward);
  Step take();
  Step resolve_tree();
  Step miss(std::string_view tree_key, Part part);
  void step_tree();

  BadgerEngine& engine_;
  const BucketId bucket_;
  const int64_t now_ms_;
  const bool with_values_;
  bool backward_ = false;
  std::vector<Source> sources_;  // a heap: the next one in front
  TreeIterator tree_;
  std::string tree_key_;  // where the tree stands, as it may have moved on by the time its place is missing
  bool tree_missing_ = false;
  std::string key_, value_;
  BadgerEngine::Found found_;
  Need need_;
};

// Reads from the disk what a walk of some hundred keys from here needs.
Status load_range(const TreeReader& reader, const VersionPtr& version, std::string_view tree_key, bool backward,
                  Pins& pins);

}  // namespace sett::storage
