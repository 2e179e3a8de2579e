#include "storage/lsm/flush_job.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <utility>

#include "storage/base/bytes.h"
#include "storage/base/random.h"
#include "storage/keys/time_index.h"
#include "storage/lsm/filter_bits.h"
#include "storage/lsm/ordered_lookup.h"
#include "storage/vlog/vlog_writer.h"

namespace sett::storage {

namespace {

class FlushRun {
 public:
  FlushRun(const FlushTools& tools, const FlushInput& input)
      : tools_(tools), input_(input), epochs_(tools.seed), below_(tools.reader, input.version) {}

  Result<FlushResult> run() {
    Status status = write_entries();
    if (status) status = write_time_index();
    if (status) status = finish();
    if (status) return std::move(result_);
    table_.reset();
    values_.reset();
    // What cannot be removed is nobody's: the next start does.
    for (const std::string& path : paths_) tools_.versions.remove_file(path);
    return status;
  }

 private:
  // What a key holds, below an entry or with it. Views hold until the next key.
  struct Held {
    bool is_present = false;
    int64_t expires_at_ms = 0;
    std::optional<ValuePointer> pointer;  // the value's place in a value log, if it has one
    bool has_value = true;                // else it is only there
    std::string_view value;
    uint64_t value_bytes() const { return has_value ? value.size() : pointer->value_bytes; }
  };

  Status write_entries() {
    PartMerger merger(input_.memtables);
    constexpr uint32_t asked_every = 1024;
    uint32_t until_asked = asked_every;
    while (true) {
      const std::vector<const MemEntry*>& entries = merger.next();
      if (entries.empty()) return {};
      if (--until_asked == 0) {
        until_asked = asked_every;
        if (input_.is_given_up && input_.is_given_up())
          return Status::error(ErrorKind::closed, "the flush is given up");
      }
      if (input_.is_dead(bucket_of(entries.front()->key()))) continue;
      if (Status status = write_key(entries); !status) return status;
    }
  }

  Status look_below(std::string_view key, Held& below) {
    auto found = below_.get(key);
    if (!found) return found.status();
    if (found->kind != TreeEntry::Kind::entry) return {};
    const TableEntry& entry = found->entry;
    below.is_present = true;
    below.expires_at_ms = entry.expires_at_ms;
    below.has_value = entry.kind == TableEntry::Kind::value;
    below.value = entry.value;
    if (!below.has_value) below.pointer = pointer_of(entry);
    return {};
  }

  // `entries`: of one key, the newest first. What the oldest replaced is what all of them did.
  Status write_key(const std::vector<const MemEntry*>& entries) {
    const std::string_view key = entries.front()->key();
    const auto whole = std::find_if(entries.begin(), entries.end(),
                                    [](const MemEntry* entry) { return entry->kind() != MemEntry::Kind::patch; });
    Prior prior = entries.back()->prior();
    Held held;
    if (prior.kind == Prior::Kind::unknown || whole == entries.end()) {
      if (Status status = look_below(key, held); !status) return status;
      prior = {held.is_present ? Prior::Kind::present : Prior::Kind::absent, held.value_bytes(), held.expires_at_ms};
    }
    if (whole != entries.end()) held = held_by(**whole);
    for (auto patch = std::make_reverse_iterator(whole); patch != entries.rend(); ++patch)
      if (Status status = lay_over(**patch, held); !status) return status;
    TableEntry written{.sequence = entries.front()->sequence()};
    if (Status status = make_entry(key, held, written); !status) return status;
    count(key, written, prior);
    // What removes nothing need not be written.
    if (written.kind == TableEntry::Kind::tombstone && prior.kind != Prior::Kind::present) return {};
    return add(key, written);
  }

  static Held held_by(const MemEntry& entry) {
    Held held{.is_present = entry.kind() != MemEntry::Kind::tombstone};
    if (!held.is_present) return held;
    held.expires_at_ms = entry.expires_at_ms();
    held.value = entry.value();
    if (entry.kind() == MemEntry::Kind::pointer) held.pointer = entry.pointer();
    return held;
  }

  // What a patch makes of what it stands on; of nothing, nothing.
  Status lay_over(const MemEntry& patch, Held& held) {
    if (!held.is_present) return {};
    if (patch.sets_expiry()) held.expires_at_ms = patch.expires_at_ms();
    if (!patch.spliced()) return {};
    if (!held.has_value) {
      Pins pins;
      auto block = tools_.reader.value(*held.pointer, patch.key(), Access::load, pins);
      if (!block) return block.status();
      patched_ = **block;
    } else if (held.value.data() != patched_.data()) {
      patched_.assign(held.value);
    }
    patch.lay_over(patched_);
    held.pointer.reset();
    held.has_value = true;
    held.value = patched_;
    return {};
  }

  Status make_entry(std::string_view key, const Held& held, TableEntry& written) {
    if (!held.is_present) return {};  // a tombstone
    written.expires_at_ms = held.expires_at_ms;
    if (!held.pointer) return set_value(key, held.value, written);
    set_pointer(written, *held.pointer);
    return {};
  }

  static void set_pointer(TableEntry& written, const ValuePointer& pointer) {
    written.kind = TableEntry::Kind::pointer;
    written.log_file = pointer.file;
    written.log_offset = pointer.offset;
    written.value_bytes = pointer.value_bytes;
  }

  // A value that has grown above the threshold goes to a value log here; others stay in the table.
  Status set_value(std::string_view key, std::string_view value, TableEntry& written) {
    written.kind = TableEntry::Kind::value;
    written.value = value;
    if (value.size() <= tools_.value_threshold) return {};
    if (!values_) {
      const uint64_t number = tools_.versions.next_number();
      paths_.push_back(tools_.versions.value_log_path(number));
      auto file = tools_.files.create(paths_.back());
      if (!file) return file.status();
      auto begun = VlogWriter::begin(std::move(*file), number, epochs_.next());
      if (!begun) return begun.status();
      values_ = std::move(*begun);
    }
    auto offset = values_->append(key, value, written.sequence);
    if (!offset) return offset.status();
    set_pointer(written, {values_->number(), *offset, value.size()});
    written.value = {};
    return {};
  }

  void count(std::string_view key, const TableEntry& written, const Prior& prior) {
    const bool is_present = written.kind != TableEntry::Kind::tombstone;
    const bool was_present = prior.kind == Prior::Kind::present;
    const auto key_bytes = static_cast<int64_t>(user_key(key).size());
    const uint64_t value_bytes = written.kind == TableEntry::Kind::pointer ? written.value_bytes : written.value.size();
    FlushResult::Delta& delta = result_.deltas[bucket_of(key)];
    if (is_present) {
      ++delta.keys;
      delta.bytes += key_bytes + static_cast<int64_t>(value_bytes);
      delta.expiring += written.expires_at_ms != 0;
    }
    if (was_present) {
      --delta.keys;
      delta.bytes -= key_bytes + static_cast<int64_t>(prior.value_bytes);
      delta.expiring -= prior.expires_at_ms != 0;
    }
    const int64_t due_before = was_present ? prior.expires_at_ms : 0;
    const int64_t due_now = is_present ? written.expires_at_ms : 0;
    if (due_before != 0 && due_before != due_now && due_before > input_.passed_ms)
      result_.due_changes.push_back({due_before, std::string(key), 0, false});
    if (due_now != 0) result_.due_changes.push_back({due_now, std::string(key), value_bytes, true});
  }

  // Behind all other keys.
  Status write_time_index() {
    std::sort(result_.due_changes.begin(), result_.due_changes.end(), [](const DueChange& a, const DueChange& b) {
      return a.due_ms != b.due_ms ? a.due_ms < b.due_ms : a.tree_key < b.tree_key;
    });
    const auto last_sequence = [this] {
      Sequence last = 0;
      for (const Memtable* part : input_.memtables.front()) last = std::max(last, part->last_sequence());
      return last;
    }();
    std::string value;
    for (const DueChange& change : result_.due_changes) {
      TableEntry written{.sequence = last_sequence};
      if (change.is_due) {
        value.clear();
        append_varint(value, change.value_bytes);
        written.kind = TableEntry::Kind::value;
        written.value = value;
      }
      if (Status status = add(time_index_key(change.due_ms, change.tree_key), written); !status) return status;
    }
    return {};
  }

  Status add(std::string_view key, const TableEntry& entry) {
    if (table_ && tools_.versions.by_bucket() && bucket_ != bucket_of(key))
      if (Status status = finish_table(); !status) return status;
    if (!table_) {
      auto made = tools_.versions.create_table(key);
      if (!made) return made.status();
      paths_.push_back(made->path);
      number_ = made->number;
      bucket_ = bucket_of(key);
      const TableOptions options = options_in_level(tools_.table_options, *input_.version, 0, key);
      table_ = std::make_unique<TableWriter>(std::move(made->file), number_, epochs_.next(), options);
    }
    return table_->add(key, entry);
  }

  Status finish_table() {
    if (Status status = table_->finish(); !status) return status;
    result_.tables.push_back(table_meta(table_->properties(), number_, table_->file_bytes()));
    table_.reset();
    return {};
  }

  Status finish() {
    if (values_) {
      if (Status status = values_->seal(); !status) return status;
      result_.value_log = VlogMeta{values_->number(), values_->file_bytes()};
    }
    if (table_)
      if (Status status = finish_table(); !status) return status;
    for (const std::string& path : paths_)
      if (Status status = tools_.files.sync_directory(parent_path(path)); !status) return status;
    return {};
  }

  const FlushTools& tools_;
  const FlushInput& input_;
  Random epochs_;
  FlushResult result_;
  OrderedLookup below_;
  std::string patched_;
  uint64_t number_ = 0;
  BucketId bucket_ = no_bucket;  // of the table's first key
  std::unique_ptr<TableWriter> table_;
  std::unique_ptr<VlogWriter> values_;
  std::vector<std::string> paths_;
};

}  // namespace

Result<FlushResult> run_flush(const FlushTools& tools, const FlushInput& input) {
  return FlushRun(tools, input).run();
}

}  // namespace sett::storage
