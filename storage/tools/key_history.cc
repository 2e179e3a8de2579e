#include "storage/tools/key_history.h"

#include <algorithm>

#include "storage/keys/tree_key.h"

namespace sett::storage {

void KeyHistory::add(Sequence sequence, const std::vector<Mutation>& batch,
                     const std::vector<const std::string*>& values) {
  size_t pointers = 0;
  for (const Mutation& mutation : batch) {
    if (mutation.kind == Mutation::Kind::bind) {
      bind(mutation.key, mutation.bucket);
      continue;
    }
    if (mutation.kind == Mutation::Kind::expiry_pass) {
      note_pass(mutation.expires_at_ms, sequence);
      continue;
    }
    std::vector<Change>& changes = changes_[tree_key(mutation.bucket, mutation.key)];
    const bool is_pointer = mutation.kind == Mutation::Kind::put_pointer;
    const std::string* pointed_to = is_pointer ? values[pointers++] : nullptr;
    const bool replaces = is_pointer || mutation.kind == Mutation::Kind::put || mutation.kind == Mutation::Kind::remove;
    if (replaces) changes.clear();
    changes.push_back({.kind = is_pointer ? Mutation::Kind::put : mutation.kind,
                       .sequence = sequence,
                       .expires_at_ms = mutation.expires_at_ms,
                       .offset = mutation.offset,
                       .new_length = mutation.new_length,
                       .value = pointed_to ? *pointed_to : std::string(mutation.value),
                       .is_lost = is_pointer && !pointed_to});
  }
}

void KeyHistory::note_pass(int64_t pass_ms, Sequence sequence) {
  passes_.emplace_back(sequence, passes_.empty() ? pass_ms : std::max(pass_ms, passes_.back().second));
}

bool KeyHistory::has_passed(const KeyState& state, Sequence before) const {
  if (!state.is_present || state.expires_at_ms == 0) return false;
  const auto behind = std::lower_bound(passes_.begin(), passes_.end(), before,
                                       [](const auto& pass, Sequence end) { return pass.first < end; });
  if (behind == passes_.begin()) return false;
  const auto& [sequence, pass_ms] = *std::prev(behind);
  return state.sequence < sequence && state.expires_at_ms <= pass_ms;
}

bool KeyHistory::has_gap(Sequence after, Sequence through) const {
  const auto at = std::upper_bound(gaps_.begin(), gaps_.end(), after);
  return at != gaps_.end() && *at <= through;
}

bool KeyHistory::apply(const Change& change, KeyState& state) const {
  const bool may_be_stale = has_gap(state.sequence, change.sequence);
  state.sequence = change.sequence;
  switch (change.kind) {
    case Mutation::Kind::put:
      state.is_present = !change.is_lost;
      state.value = change.value;
      state.expires_at_ms = change.expires_at_ms;
      return !change.is_lost;
    case Mutation::Kind::remove:
      state.is_present = false;
      return true;
    case Mutation::Kind::expire:  // never of a key that was absent
      if (state.is_present) state.expires_at_ms = change.expires_at_ms;
      return state.is_present;
    case Mutation::Kind::splice:
      state.is_present = state.is_present && !may_be_stale && change.offset <= change.new_length &&
                         change.value.size() <= change.new_length - change.offset;
      if (!state.is_present) return false;
      state.value.resize(change.new_length, '\0');
      state.value.replace(change.offset, change.value.size(), change.value);
      return true;
    case Mutation::Kind::bind:
    case Mutation::Kind::expiry_pass:
    case Mutation::Kind::put_pointer:
      break;
  }
  return true;
}

bool KeyHistory::finish(std::string_view tree_key, KeyState& found) {
  const auto pass_over = [&](Sequence before) { found.is_present = found.is_present && !has_passed(found, before); };
  const Sequence known = found.sequence;
  bool is_whole = true;
  const auto at = changes_.find(std::string(tree_key));
  if (at != changes_.end()) {
    for (const Change& change : at->second) {
      if (change.sequence <= known) continue;
      pass_over(change.sequence);
      const bool is_applied = apply(change, found);
      is_whole = change.kind == Mutation::Kind::put || change.kind == Mutation::Kind::remove ? is_applied
                                                                                             : is_whole && is_applied;
    }
    changes_.erase(at);
  }
  pass_over(UINT64_MAX);
  return is_whole;
}

std::vector<std::string> KeyHistory::left() const {
  std::vector<std::string> keys;
  keys.reserve(changes_.size());
  for (const auto& [key, changes] : changes_) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  return keys;
}

void KeyHistory::bind(std::string_view name, BucketId bucket) {
  const auto at = names_.find(name);
  if (at != names_.end()) {
    by_id_.erase(at->second);
    if (gaps_.empty()) dropped_.insert(at->second);  // else a swap may have been lost
    names_.erase(at);
  }
  if (bucket == no_bucket) return;
  // ... of a swap, whose other half follows.
  if (const auto other = by_id_.find(bucket); other != by_id_.end()) names_.erase(other->second);
  names_.emplace(name, bucket);
  by_id_[bucket] = name;
  dropped_.erase(bucket);
}

std::string_view KeyHistory::name_of(BucketId bucket) const {
  const auto at = by_id_.find(bucket);
  return at == by_id_.end() ? std::string_view() : at->second;
}

}  // namespace sett::storage
