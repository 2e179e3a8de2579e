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
constexpr uint64_t lost_keys_told_max = 100;

std::string name_of_nameless(BucketId bucket) {
  return "recovered:" + std::to_string(bucket);
}
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
  LogSalvageVisitor visitor;
  visitor.record = [&](Sequence sequence, std::string_view record) {
    ++records;
    return note_record(sequence, record, read_value, false);
  };
  visitor.progress = [&](uint64_t bytes) { progress.add(bytes); };
  const Status status = salvage_log(files, directory, known_.through, visitor);
  if (status)
    observer_.on_note(directory + ": " + std::to_string(records) +
                      " records of the log are whole; what lies in its damaged places is lost");
  return status;
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

Status Salvage::take(std::string_view tree_key, KeyState found) {
  const BucketId bucket = bucket_of(tree_key);
  const bool is_whole = history_.finish(tree_key, found);
  std::string name(history_.name_of(bucket));
  if (name.empty() && (has_manifest_ || history_.is_dropped(bucket))) return {};
  if (!is_whole && found.sequence > known_.gone_through)
    tell_lost(tree_key, "the value that a write has changed, or written, is not there");
  if (!found.is_present) return {};
  if (found.expires_at_ms != 0 && found.expires_at_ms <= judged_ms_) return {};
  if (name.empty()) {
    name = name_of_nameless(bucket);
    if (nameless_.insert(bucket).second)
      observer_.on_note("bucket " + std::to_string(bucket) + " has lost its name: its keys are in " + name);
  }
  ++kept_;
  return filler_.put(name, user_key(tree_key), found.value, found.expires_at_ms);
}

Status Salvage::take_lost(std::string_view tree_key, Sequence sequence, const Status& why) {
  KeyState absent{.sequence = sequence};
  const BucketId bucket = bucket_of(tree_key);
  const bool lives = !history_.name_of(bucket).empty() || (!has_manifest_ && !history_.is_dropped(bucket));
  const bool is_whole = history_.finish(tree_key, absent);
  if (absent.is_present && is_whole) return take(tree_key, std::move(absent));
  const bool was_written_since = absent.sequence > sequence && is_whole;
  if (lives && !was_written_since) tell_lost(tree_key, why.to_string());
  return {};
}

Status Salvage::finish() {
  for (const std::string& key : history_.left())
    if (Status status = take(key, {}); !status) return status;
  return filler_.finish();
}

}  // namespace sett::storage
