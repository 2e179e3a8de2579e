#include "storage/lsm/compaction_job.h"

#include <algorithm>
#include <cassert>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "storage/base/random.h"
#include "storage/keys/time_index.h"
#include "storage/lsm/filter_bits.h"
#include "storage/table/table_scanner.h"

namespace sett::storage {

namespace {

// Tables none of which is over another, one after the other as if they were one. At most one is being read at a time.
class RunScanner {
 public:
  RunScanner(FileSystem& files, std::span<const TableFilePtr> tables, size_t age)
      : files_(files), tables_(tables), age_(age) {}

  Status seek_first() { return go_to_valid(); }
  Status next() {
    ++entries_read_;
    if (Status status = scanner_->next(); !status) return status;
    return go_to_valid();
  }
  bool valid() const { return scanner_ && scanner_->valid(); }
  std::string_view key() const { return scanner_->key(); }
  const TableEntry& entry() const { return scanner_->entry(); }
  size_t age() const { return age_; }  // what is older has more
  const std::string& path() const { return tables_[table_at_]->path(); }
  // Of the files, as far as the scanner has come: that all entries take the same is near enough.
  uint64_t bytes_read() const {
    if (table_at_ == tables_.size()) return bytes_behind_;
    const TableMeta& meta = tables_[table_at_]->meta();
    const double share = static_cast<double>(entries_read_) / static_cast<double>(std::max<uint64_t>(meta.entries, 1));
    return bytes_behind_ + static_cast<uint64_t>(static_cast<double>(meta.file_bytes) * std::min(share, 1.0));
  }

 private:
  Status go_to_valid() {
    while (!valid()) {
      if (scanner_) {
        scanner_.reset();
        bytes_behind_ += tables_[table_at_++]->meta().file_bytes;
        entries_read_ = 0;
      }
      if (table_at_ == tables_.size()) return {};
      auto table = open_shared(files_, tables_[table_at_]);
      if (!table) return table.status();
      scanner_.emplace(std::move(*table));
      if (Status status = scanner_->seek_first(); !status) return status;
    }
    return {};
  }

  FileSystem& files_;
  const std::span<const TableFilePtr> tables_;
  const size_t age_;
  size_t table_at_ = 0;
  uint64_t entries_read_ = 0;  // of that table
  uint64_t bytes_behind_ = 0;
  std::optional<TableScanner> scanner_;
};

class CompactionRun {
 public:
  CompactionRun(const CompactionTools& tools, const CompactionInput& input)
      : tools_(tools), input_(input), to_level_(input.plan.to_level), epochs_(tools.seed) {
    assert(is_nothing_left_out());
    add_runs();
    find_grandparents();
  }

  Result<std::vector<TableMeta>> run() {
    Status status = merge();
    if (status) status = finish();
    if (status) return std::move(outputs_);
    writer_.reset();
    // What cannot be removed is nobody's: the next start does.
    for (const std::string& path : paths_) tools_.versions.remove_file(path);
    return status;
  }

 private:
  // An older table of level 0 that stayed behind would show again what a tombstone hides.
  bool is_nothing_left_out() const {
    const CompactionPlan& plan = input_.plan;
    if (plan.from_level != 0) return true;
    const auto is_input = [&](const TableFilePtr& table) {
      return std::any_of(plan.inputs.begin(), plan.inputs.end(),
                         [&](const TableFilePtr& one) { return one->number() == table->number(); });
    };
    const Version::Tables& level = input_.version->level(0);
    const auto newest = std::find_if(level.begin(), level.end(), is_input);
    return std::all_of(newest, level.end(), [&](const TableFilePtr& table) {
      return is_input(table) || std::none_of(plan.inputs.begin(), plan.inputs.end(), [&](const TableFilePtr& one) {
               return one->overlaps(table->meta().smallest, table->meta().largest);
             });
    });
  }

  void add_runs() {
    const auto add = [this](std::span<const TableFilePtr> tables) {
      if (!tables.empty()) runs_.emplace_back(tools_.files, tables, runs_.size());
    };
    const std::span<const TableFilePtr> inputs(input_.plan.inputs);
    if (input_.plan.from_level == 0)
      for (size_t at = 0; at < inputs.size(); ++at) add(inputs.subspan(at, 1));
    else
      add(inputs);
    add(input_.plan.targets);
  }

  // What an output will once be merged with.
  void find_grandparents() {
    if (to_level_ + 1 == levels_max) return;
    const std::string *smallest = nullptr, *largest = nullptr;
    for (const auto* tables : {&input_.plan.inputs, &input_.plan.targets})
      for (const TableFilePtr& table : *tables) {
        const TableMeta& meta = table->meta();
        if (!smallest || meta.smallest < *smallest) smallest = &meta.smallest;
        if (!largest || meta.largest > *largest) largest = &meta.largest;
      }
    if (smallest) grandparents_ = input_.version->overlapping(to_level_ + 1, *smallest, *largest);
  }

  static bool later(const RunScanner* a, const RunScanner* b) {
    const int order = a->key().compare(b->key());
    return order != 0 ? order > 0 : a->age() > b->age();
  }

  Status merge() {
    for (RunScanner& run : runs_) {
      if (Status status = run.seek_first(); !status) return status;
      push(run);
    }
    while (!heads_.empty()) {
      const RunScanner& newest = *heads_.front();
      key_.assign(newest.key());
      if (Status status = take(newest.entry()); !status) return status;
      // The older entries of the key are hidden.
      while (!heads_.empty() && heads_.front()->key() == key_)
        if (Status status = pass_over(); !status) return status;
      if (Status status = tell(); !status) return status;
    }
    return {};
  }

  void push(RunScanner& run) {
    if (!run.valid()) return;
    heads_.push_back(&run);
    std::push_heap(heads_.begin(), heads_.end(), later);
  }

  Status pass_over() {
    std::pop_heap(heads_.begin(), heads_.end(), later);
    RunScanner& run = *heads_.back();
    heads_.pop_back();
    constexpr uint64_t beside_bytes = 16;  // of what an entry has besides its key and its value
    untold_bytes_ += run.key().size() + run.entry().value.size() + beside_bytes;
    if (Status status = run.next(); !status) return status;
    if (run.valid() && run.key() <= key_)
      return Status::corruption(run.path(), 0, "the keys of a table are not in order");
    push(run);
    return {};
  }

  Status take(const TableEntry& entry) {
    if (is_time_index_key(key_) && key_.size() < time_index_prefix_bytes + bucket_prefix_bytes)
      return Status::corruption(heads_.front()->path(), 0, "a key of the time index is too short");
    if (is_needless(entry)) return {};
    if (writer_ && is_to_be_cut()) {
      if (Status status = close_output(); !status) return status;
    }
    if (!writer_) {
      if (Status status = begin_output(); !status) return status;
    }
    return writer_->add(key_, entry);
  }

  bool is_needless(const TableEntry& entry) {
    if (is_time_index_key(key_)) {
      if (due_ms_of(key_) <= input_.passed_ms || input_.is_dead(bucket_of(due_key_of(key_)))) return true;
    } else {
      const BucketId bucket = bucket_of(key_);
      if (bucket_ != bucket) is_bucket_dead_ = input_.is_dead(bucket);
      bucket_ = bucket;
      if (is_bucket_dead_) return true;
    }
    return entry.kind == TableEntry::Kind::tombstone && !input_.version->may_hold_below(to_level_, key_);
  }

  // Before an entry with this key: the output is large enough, or would overlap too much in the level below, or the
  // bucket is another where tables are cut at that.
  bool is_to_be_cut() {
    while (grandparent_at_ < grandparents_.size() && grandparents_[grandparent_at_]->meta().largest < key_)
      overlapped_bytes_ += grandparents_[grandparent_at_++]->meta().file_bytes;
    return writer_->file_bytes() >= tools_.table_bytes ||
           overlapped_bytes_ > overlapped_tables_max * tools_.table_bytes ||
           (tools_.versions.by_bucket() && output_bucket_ != bucket_of(key_));
  }

  Status begin_output() {
    while (grandparent_at_ < grandparents_.size() && grandparents_[grandparent_at_]->meta().largest < key_)
      ++grandparent_at_;
    overlapped_bytes_ = 0;
    auto made = tools_.versions.create_table(key_);
    if (!made) return made.status();
    paths_.push_back(made->path);
    number_ = made->number;
    output_bucket_ = bucket_of(key_);
    const TableOptions options = options_in_level(tools_.table_options, *input_.version, to_level_, key_);
    writer_ = std::make_unique<TableWriter>(std::move(made->file), number_, epochs_.next(), options);
    return {};
  }

  Status close_output() {
    if (Status status = writer_->finish(); !status) return status;
    outputs_.push_back(table_meta(writer_->properties(), number_, writer_->file_bytes()));
    written_bytes_ += writer_->file_bytes();
    writer_.reset();
    return {};
  }

  Status finish() {
    if (writer_) {
      if (Status status = close_output(); !status) return status;
    }
    std::set<std::string> folders;
    for (const std::string& path : paths_) folders.insert(parent_path(path));
    for (const std::string& folder : folders)
      if (Status status = tools_.files.sync_directory(folder); !status) return status;
    untold_bytes_ = told_every_bytes;
    return tell();
  }

  Status tell() {
    if (untold_bytes_ < told_every_bytes || !input_.throttle) return {};
    untold_bytes_ = 0;
    uint64_t bytes = written_bytes_ + (writer_ ? writer_->file_bytes() : 0);
    for (const RunScanner& run : runs_) bytes += run.bytes_read();
    const uint64_t before = std::exchange(told_bytes_, std::max(bytes, told_bytes_));
    return input_.throttle(told_bytes_ - before);
  }

  static constexpr uint64_t told_every_bytes = 64u << 10;

  const CompactionTools& tools_;
  const CompactionInput& input_;
  const int to_level_;
  Random epochs_;
  std::vector<RunScanner> runs_;    // newest first
  std::vector<RunScanner*> heads_;  // a heap of those that are at an entry
  std::string key_;                 // of the entry at hand
  std::optional<BucketId> bucket_;  // of the last key that was not of the time index
  bool is_bucket_dead_ = false;

  Version::Tables grandparents_;
  size_t grandparent_at_ = 0;      // those before it end before the entry at hand
  uint64_t overlapped_bytes_ = 0;  // of grandparents that the output lies over wholly

  uint64_t number_ = 0;
  BucketId output_bucket_ = no_bucket;  // of its first key
  std::unique_ptr<TableWriter> writer_;
  std::vector<TableMeta> outputs_;
  std::vector<std::string> paths_;
  uint64_t written_bytes_ = 0, told_bytes_ = 0;
  uint64_t untold_bytes_ = 0;  // before compression
};

}  // namespace

Result<std::vector<TableMeta>> run_compaction(const CompactionTools& tools, const CompactionInput& input) {
  assert(input.plan.kind == CompactionPlan::Kind::merge);
  return CompactionRun(tools, input).run();
}

}  // namespace sett::storage
