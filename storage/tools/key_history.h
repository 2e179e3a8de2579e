#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "storage/keys/mutation.h"
#include "storage/log/journal.h"

namespace sett::storage {

// A key as of a sequence.
struct KeyState {
  bool is_present = false;
  Sequence sequence = 0;  // that made it so
  int64_t expires_at_ms = 0;
  std::string value;
};

// What the records of a log did to keys and names, kept until it is known what they found there. Pure; in memory as
// much as the records that count.
class KeyHistory {
 public:
  // Records in order; `values` are those of the put_pointer mutations, in their order; a nullptr is one that is lost.
  void add(Sequence sequence, const std::vector<Mutation>& batch, const std::vector<const std::string*>& values);
  // Records before this one are lost. A change of a value that is older cannot be done again, and which buckets lose
  // their names from here on is not known.
  void add_gap(Sequence before) { gaps_.push_back(before); }
  void add_pass(int64_t pass_ms, Sequence sequence) { note_pass(pass_ms, sequence); }

  // The key at the end, when it was `found` before the first record (or at any sequence between: what is not newer is
  // passed over). True: it is as it was left. False: it had a value that is lost, or a change of one; it is absent
  // then. Forgets the key.
  bool finish(std::string_view tree_key, KeyState& found);
  // Of the keys that finish() has not been asked for yet.
  std::vector<std::string> left() const;

  // --- Names. Starts from what is known without the log.
  void bind(std::string_view name, BucketId bucket);
  const std::map<std::string, BucketId, std::less<>>& names() const { return names_; }
  // "": it has none.
  std::string_view name_of(BucketId bucket) const;
  // Had a name, and lost it for certain.
  bool is_dropped(BucketId bucket) const { return dropped_.contains(bucket); }

 private:
  struct Change {
    Mutation::Kind kind;
    Sequence sequence;
    int64_t expires_at_ms;
    uint64_t offset, new_length;
    std::string value;
    bool is_lost;
  };
  void note_pass(int64_t pass_ms, Sequence sequence);
  bool has_gap(Sequence after, Sequence through) const;
  // Whether a pass between the state and `before` has removed it.
  bool has_passed(const KeyState& state, Sequence before) const;
  bool apply(const Change& change, KeyState& state) const;

  std::unordered_map<std::string, std::vector<Change>> changes_;
  std::vector<std::pair<Sequence, int64_t>> passes_;  // ascending in both
  std::vector<Sequence> gaps_;                        // ascending
  std::map<std::string, BucketId, std::less<>> names_;
  std::map<BucketId, std::string> by_id_;
  std::set<BucketId> dropped_;
};

}  // namespace sett::storage
