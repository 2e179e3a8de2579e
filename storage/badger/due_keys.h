#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace sett::storage {

// What expires next, of one shard's keys that are in tables: all of the time index up to a place in it, which moves on
// as time does. Belongs to the shard's lock.
class DueKeys {
 public:
  struct Due {
    int64_t due_ms = 0;
    std::string tree_key;
    uint64_t value_bytes = 0;
    friend bool operator<(const Due& a, const Due& b) {
      return a.due_ms != b.due_ms ? a.due_ms < b.due_ms : a.tree_key < b.tree_key;
    }
  };

  // Up to here (of time and key) every index entry is known, and none behind.
  bool covers(int64_t due_ms, std::string_view tree_key) const {
    return due_ms != end_ms_ ? due_ms < end_ms_ : tree_key <= end_key_;
  }
  bool covers(int64_t through_ms) const { return through_ms < end_ms_; }
  void cover(int64_t end_ms, std::string_view end_key) {
    end_ms_ = end_ms;
    end_key_.assign(end_key);
  }
  int64_t end_ms() const { return end_ms_; }
  const std::string& end_key() const { return end_key_; }

  void add(Due due) { due_.insert(std::move(due)); }
  void remove(int64_t due_ms, std::string_view tree_key) { due_.erase(Due{due_ms, std::string(tree_key)}); }
  // nullptr: nothing is known to be due.
  const Due* first() const { return due_.empty() ? nullptr : &*due_.begin(); }
  void remove_first() { due_.erase(due_.begin()); }
  template <typename Visit, typename IsEnough>
  void for_each_through(int64_t through_ms, const Visit& visit, const IsEnough& is_enough) const {
    for (const Due& due : due_) {
      if (due.due_ms > through_ms || is_enough()) return;
      visit(due);
    }
  }
  template <typename Visit>
  void for_each_through(int64_t through_ms, const Visit& visit) const {
    for_each_through(through_ms, visit, [] { return false; });
  }
  size_t size() const { return due_.size(); }

 private:
  std::set<Due> due_;
  int64_t end_ms_ = INT64_MIN;  // nothing is covered yet
  std::string end_key_;
};

}  // namespace sett::storage
