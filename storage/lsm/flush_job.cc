#include "storage/lsm/flush_job.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "storage/base/bytes.h"
#include "storage/base/random.h"
#include "storage/keys/time_index.h"
#include "storage/lsm/ordered_lookup.h"
#include "storage/vlog/vlog_writer.h"

namespace sett::storage {

namespace {

// The entries of all parts in the order of their keys.
class PartMerger {
 public:
  explicit PartMerger(const std::vector<const Memtable*>& parts) {
    for (const Memtable* part : parts) {
      Head head{.entry = nullptr, .key = {}, .cursor = Memtable::Cursor(*part)};
      if (step(head)) heads_.push_back(std::move(head));
    }
    for (size_t i = heads_.size() / 2; i-- > 0;) sink(i);
  }
  const MemEntry* next() {
    if (heads_.empty()) return nullptr;
    const MemEntry* entry = heads_.front().entry;
    if (!step(heads_.front())) {
      std::swap(heads_.front(), heads_.back());
      heads_.pop_back();
    }
    if (!heads_.empty()) sink(0);
    return entry;
  }

 private:
  struct Head {
    const MemEntry* entry;
    std::string_view key;
    Memtable::Cursor cursor;
  };
  static bool step(Head& head) {
    head.entry = head.cursor.next();
    if (head.entry) head.key = head.entry->key();
    return head.entry != nullptr;
  }
  // The first of the heap has changed: it goes down to its place, most often not far.
  void sink(size_t at) {
    while (true) {
      size_t least = at;
      for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < heads_.size(); ++child)
        if (heads_[child].key < heads_[least].key) least = child;
      if (least == at) return;
      std::swap(heads_[at], heads_[least]);
      at = least;
    }
  }
  std::vector<Head> heads_;  // a heap, the least key first
};

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
  // What the tables say of a key, as far as its removal or replacement counts.
  struct Below {
    bool present = false;
    TableEntry entry;  // views that hold until the next look
    uint64_t value_bytes() const {
      return entry.kind == TableEntry::Kind::pointer ? entry.value_bytes : entry.value.size();
    }
  };

  Status write_entries() {
    PartMerger merger(input_.parts);
    constexpr uint32_t asked_every = 1024;
    uint32_t until_asked = asked_every;
    while (const MemEntry* entry = merger.next()) {
      if (--until_asked == 0) {
        until_asked = asked_every;
        if (input_.is_given_up && input_.is_given_up())
          return Status::error(ErrorKind::closed, "the flush is given up");
      }
      if (input_.is_dead(bucket_of(entry->key()))) continue;
      if (Status status = write_entry(*entry); !status) return status;
    }
    return {};
  }

  Status look_below(const MemEntry& entry, Below& below) {
    auto found = below_.get(entry.key());
    if (!found) return found.status();
    below.present = found->kind == TreeEntry::Kind::entry;
    if (below.present) below.entry = found->entry;
    return {};
  }

  Status write_entry(const MemEntry& entry) {
    Below below;
    Prior prior = entry.prior();
    const bool is_patch = entry.kind() == MemEntry::Kind::patch;
    if (prior.kind == Prior::Kind::unknown || is_patch) {
      if (Status status = look_below(entry, below); !status) return status;
      prior = {below.present ? Prior::Kind::present : Prior::Kind::absent, below.value_bytes(),
               below.entry.expires_at_ms};
    }
    TableEntry written;
    if (Status status = make_entry(entry, below, written); !status) return status;
    count(entry.key(), written, prior);
    // What removes nothing need not be written.
    if (written.kind == TableEntry::Kind::tombstone && prior.kind != Prior::Kind::present) return {};
    return add(entry.key(), written);
  }

  // The whole entry that stands for what the memtable has, on what lies below it.
  Status make_entry(const MemEntry& entry, const Below& below, TableEntry& written) {
    written.sequence = entry.sequence();
    switch (entry.kind()) {
      case MemEntry::Kind::tombstone:
        written.kind = TableEntry::Kind::tombstone;
        return {};
      case MemEntry::Kind::pointer:
        set_pointer(written, entry.pointer());
        written.expires_at_ms = entry.expires_at_ms();
        return {};
      case MemEntry::Kind::value:
        written.expires_at_ms = entry.expires_at_ms();
        return set_value(entry, entry.value(), written);
      case MemEntry::Kind::patch:
        break;
    }
    if (!below.present) return {};  // nothing to stand on: a tombstone
    written.expires_at_ms = entry.sets_expiry() ? entry.expires_at_ms() : below.entry.expires_at_ms;
    const bool on_pointer = below.entry.kind == TableEntry::Kind::pointer;
    const ValuePointer base = pointer_of(below.entry);
    if (!entry.spliced()) {
      if (on_pointer) {
        set_pointer(written, base);
      } else {
        written.kind = TableEntry::Kind::value;
        written.value = below.entry.value;
      }
      return {};
    }
    if (on_pointer) {
      Pins pins;
      auto block = tools_.reader.value(base, entry.key(), Access::load, pins);
      if (!block) return block.status();
      patched_ = **block;
    } else {
      patched_.assign(below.entry.value);
    }
    entry.lay_over(patched_);
    return set_value(entry, patched_, written);
  }

  static void set_pointer(TableEntry& written, const ValuePointer& pointer) {
    written.kind = TableEntry::Kind::pointer;
    written.log_file = pointer.file;
    written.log_offset = pointer.offset;
    written.value_bytes = pointer.value_bytes;
  }

  // A value that has grown above the threshold goes to a value log here; others stay in the table.
  Status set_value(const MemEntry& entry, std::string_view value, TableEntry& written) {
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
    auto offset = values_->append(entry.key(), value, entry.sequence());
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
      for (const Memtable* part : input_.parts) last = std::max(last, part->last_sequence());
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
      table_ = std::make_unique<TableWriter>(std::move(made->file), number_, epochs_.next(), tools_.table_options);
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
