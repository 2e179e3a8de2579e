#include "storage/tools/salvage_table.h"

#include <memory>
#include <utility>

#include "storage/keys/tree_key.h"
#include "storage/table/block_reader.h"
#include "storage/table/table_walk.h"
#include "storage/table/table_writer.h"
#include "storage/tools/verify_table.h"

namespace sett::storage {

namespace {

// Damage was told of by who verified the store first.
class Silent final : public ToolObserver {
 public:
  void on_good_file(const std::string&, const std::string&) override {}
  void on_damage(const Status&) override {}
  void on_note(const std::string&) override {}
  void on_progress(uint64_t, uint64_t) override {}
};

// Writes what a walk finds.
class Copier {
 public:
  Copier(FileSystem& files, std::string path, uint64_t number)
      : files_(files), path_(std::move(path)), number_(number) {}

  Result<SalvagedTable> run(const std::string& from) {
    TableVisitor visitor;
    visitor.data_block = [&](const table_format::BlockHandle&, std::string_view payload) { take_block(payload); };
    visitor.damage = [&](const Status&) { begin_gap(); };
    visitor.progress = [&](uint64_t) { return status_; };
    const Status walked = walk_table(files_, from, visitor);
    if (!status_) return status_;
    const bool is_unreadable = walked.kind() == ErrorKind::corruption || walked.kind() == ErrorKind::not_found;
    if (!walked && !is_unreadable) return walked;
    if (is_unreadable) begin_gap();
    if (!writer_) return SalvagedTable{nullptr, std::move(lost_)};
    if (Status status = writer_->finish(); !status) return status;
    return SalvagedTable{
        std::make_shared<TableFile>(path_, table_meta(writer_->properties(), number_, writer_->file_bytes())),
        std::move(lost_)};
  }

 private:
  // Between the last key and the next one, if one comes.
  void begin_gap() {
    if (in_gap_) return;
    in_gap_ = true;
    lost_.emplace_back().after = last_key_;
  }

  void take_block(std::string_view payload) {
    BlockCursor cursor(payload);
    for (bool is_at = cursor.seek_first(); is_at && status_; is_at = cursor.next()) {
      if (cursor.key().size() < bucket_prefix_bytes || cursor.key() <= last_key_) return begin_gap();
      if (in_gap_) lost_.back().before = cursor.key();
      in_gap_ = false;
      last_key_ = cursor.key();
      write(cursor.entry());
    }
    if (cursor.damaged()) begin_gap();
  }

  void write(const TableEntry& entry) {
    if (!writer_) {
      auto file = files_.create(path_);
      if (!file.is_ok()) {
        status_ = file.status();
        return;
      }
      writer_ = std::make_unique<TableWriter>(std::move(file).value(), number_, number_, TableOptions{});
    }
    status_ = writer_->add(last_key_, entry);
  }

  FileSystem& files_;
  const std::string path_;
  const uint64_t number_;
  std::unique_ptr<TableWriter> writer_;
  Status status_;
  std::string last_key_;
  bool in_gap_ = false;
  std::vector<LostRange> lost_;
};

}  // namespace

Result<uint64_t> table_number(FileSystem& files, const std::string& path) {
  const auto file = files.open(path);
  if (!file.is_ok()) return file.status();
  auto footer = read_footer(*file.value(), path);
  if (!footer.is_ok()) return footer.status();
  return footer->number;
}

namespace {

bool is_another(FileSystem& files, const std::string& path, const TableMeta& expected) {
  const auto number = table_number(files, path);
  if (!number.is_ok()) return false;
  if (number.value() != expected.number) return true;
  const auto opened = Table::open(files, path, expected.number);
  return opened.is_ok() &&
         table_meta(opened.value()->properties(), expected.number, opened.value()->file_bytes()) != expected;
}

}  // namespace

Result<SalvagedTable> salvage_table(FileSystem& files, const std::string& path, uint64_t number,
                                    const TableMeta* expected, const std::string& folder, ToolObserver& observer,
                                    ToolProgress& progress) {
  Silent silent;
  if (verify_table(
          files, path, expected, [](std::string_view, const TableEntry&) {}, silent, progress)) {
    const auto opened = Table::open(files, path, number);
    if (!opened.is_ok()) return opened.status();
    const Table& table = *opened.value();
    return SalvagedTable{std::make_shared<TableFile>(path, table_meta(table.properties(), number, table.file_bytes())),
                         {}};
  }
  if (expected && is_another(files, path, *expected)) {
    observer.on_note(path + ": is a table of another store or time: nothing of it is taken");
    SalvagedTable nothing;
    LostRange& all = nothing.lost.emplace_back();
    all.smallest = expected->smallest;
    all.largest = expected->largest;
    all.last_sequence = expected->last_sequence;
    return nothing;
  }
  auto copied = Copier(files, join_path(folder, table_file_name(number)), number).run(path);
  if (!copied.is_ok()) return copied;
  const TableFilePtr& table = copied.value().table;
  observer.on_note(path + ": " + std::to_string(table ? table->meta().entries : 0) + " entries are whole" +
                   (expected ? " of " + std::to_string(expected->entries) : std::string()));
  if (expected)
    for (LostRange& range : copied.value().lost) {
      range.last_sequence = expected->last_sequence;
      range.smallest = expected->smallest;
      range.largest = expected->largest;
    }
  return copied;
}

}  // namespace sett::storage
