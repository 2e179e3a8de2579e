#include "storage/tools/salvage.h"

#include <algorithm>
#include <deque>
#include <utility>

#include "storage/keys/tree_key.h"
#include "storage/log/log_reader.h"
#include "storage/log/log_salvage.h"
#include "storage/tools/store_files.h"
#include "storage/tools/text.h"

namespace sett::storage {

namespace {
constexpr uint64_t lost_keys_told_max = 100, gaps_told_max = 100;

bool is_lost(const Status& status) {
  return status.kind() == ErrorKind::corruption || status.kind() == ErrorKind::not_found;
}
}  // namespace

void Salvage::know(const Known& known) {
  known_ = known;
  has_manifest_ = true;
  judged_ms_ = std::max({judged_ms_, known.judged_ms, known.passed_ms});
  history_ = KeyHistory();
  for (const auto& [name, id] : known.buckets) history_.bind(name, id);
  if (known.passed_ms != INT64_MIN) history_.add_pass(known.passed_ms, known.through);
}

Status Salvage::read_log(FileSystem& files, const std::string& directory, const ReadValue& read_value,
                         ToolProgress& progress) {
  const Status whole = scan(files, directory, read_value);
  if (whole.kind() != ErrorKind::corruption && whole.kind() != ErrorKind::not_found) return whole;
  // From the beginning, as what was read up to the damage is in the history already.
  if (has_manifest_)
    know(Known(known_));
  else
    history_ = KeyHistory();
  uint64_t records = 0;
  Sequence expected = known_.through + 1;
  LogSalvageVisitor visitor;
  visitor.record = [&](Sequence sequence, std::string_view record) {
    // Without a manifest nobody knows which record the log begins with.
    if (sequence > expected && (has_manifest_ || records > 0)) note_gap(directory, expected, sequence);
    expected = sequence + 1;
    ++records;
    return note_record(sequence, record, read_value, false);
  };
  visitor.progress = [&](uint64_t bytes) { progress.add(bytes); };
  const Status status = salvage_log(files, directory, known_.through, visitor);
  if (status)
    observer_.on_note(directory + ": " + std::to_string(records) + " records of the log are whole, the last one is " +
                      std::to_string(expected - 1) + "; the log had reached at least " +
                      std::to_string(std::max(known_.log_reaches, expected - 1)));
  return status;
}

void Salvage::note_gap(const std::string& directory, Sequence from, Sequence before) {
  history_.add_gap(before);
  if (++gaps_ > gaps_told_max) return;
  observer_.on_note(directory + ": the records " + std::to_string(from) + " to " + std::to_string(before - 1) +
                    " are lost: keys are as if they had not been, and buckets may have lost their names");
  if (gaps_ == gaps_told_max) observer_.on_note(directory + ": more lost records are not told");
}

// As a start does: a torn tail never was.
Status Salvage::scan(FileSystem& files, const std::string& directory, const ReadValue& read_value) {
  const auto scan = scan_log(files, directory, known_.through, [&](Sequence sequence, std::string_view record) {
    return note_record(sequence, record, read_value, true);
  });
  return scan.status();
}

Status Salvage::note_record(Sequence sequence, std::string_view record, const ReadValue& read_value,
                            bool lacks_are_torn) {
  std::vector<Mutation> batch;
  MutationDecoder decoder(record);
  for (Mutation mutation; decoder.next(mutation);) batch.push_back(mutation);
  if (decoder.failed()) {
    observer_.on_note("the record " + std::to_string(sequence) + " of the log is no batch of mutations: left out");
    return {};
  }
  std::deque<std::string> read;
  std::vector<const std::string*> values;
  for (const Mutation& mutation : batch) {
    if (mutation.kind != Mutation::Kind::put_pointer) continue;
    auto value = read_value(tree_key(mutation.bucket, mutation.key), mutation.pointer);
    if (!value.is_ok() && !is_lost(value.status())) return value.status();
    if (!value.is_ok() && lacks_are_torn) return Status::error(ErrorKind::incomplete, value.status().to_string());
    values.push_back(value.is_ok() ? &read.emplace_back(std::move(value).value()) : nullptr);
  }
  history_.add(sequence, batch, values);
  return {};
}

void Salvage::tell_lost(std::string_view tree_key, const std::string& why) {
  ++lost_;
  if (lost_ <= lost_keys_told_max) observer_.on_note("lost: " + tree_key_text(tree_key) + ": " + why);
  if (lost_ == lost_keys_told_max) observer_.on_note("lost: more keys are counted only");
}

std::string Salvage::name_of(BucketId bucket) {
  if (const std::string_view name = history_.name_of(bucket); !name.empty()) return std::string(name);
  // What the manifest does not name was dropped before it, but for what came later, or lost its name nobody knows when.
  const bool is_older =
      has_manifest_ && generation_of(bucket) <= known_.bucket_generation && (gaps_ == 0 || !was_known(bucket));
  if (is_older || history_.is_dropped(bucket)) return {};
  const std::string name = "recovered:" + std::to_string(bucket);
  if (nameless_.insert(bucket).second)
    observer_.on_note("bucket " + std::to_string(bucket) + " has lost its name: its keys are in " + name);
  return name;
}

bool Salvage::was_known(BucketId bucket) const {
  return std::any_of(known_.buckets.begin(), known_.buckets.end(),
                     [&](const auto& known) { return known.second == bucket; });
}

bool Salvage::is_due(int64_t expires_at_ms) const {
  return expires_at_ms != 0 && expires_at_ms <= judged_ms_;
}

Status Salvage::take(std::string_view tree_key, KeyState found) {
  const bool is_whole = history_.finish(tree_key, found);
  const bool is_absent = !found.is_present || is_due(found.expires_at_ms);
  if (is_absent && is_whole) return {};
  const std::string name = name_of(bucket_of(tree_key));
  if (name.empty()) return {};
  if (!is_whole && found.sequence > known_.gone_through)
    tell_lost(tree_key, "its newest value, or the one that a write has changed, is not there");
  if (is_absent) return {};
  ++kept_;
  return filler_.put(name, user_key(tree_key), found.value, found.expires_at_ms);
}

Status Salvage::take_lost(std::string_view tree_key, Sequence sequence, int64_t expires_at_ms, const Status& why) {
  KeyState absent{.sequence = sequence};
  const bool is_whole = history_.finish(tree_key, absent);
  if (absent.is_present && is_whole) return take(tree_key, std::move(absent));
  const bool is_written_since = absent.sequence > sequence && is_whole;
  if (!is_written_since && !is_due(expires_at_ms) && !name_of(bucket_of(tree_key)).empty())
    tell_lost(tree_key, why.to_string());
  return {};
}

Status Salvage::finish() {
  for (const std::string& key : history_.left())
    if (Status status = take(key, {}); !status) return status;
  return filler_.finish();
}

}  // namespace sett::storage
