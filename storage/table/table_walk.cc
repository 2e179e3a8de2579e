#include "storage/table/table_walk.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "storage/base/bytes.h"
#include "storage/table/table.h"

namespace sett::storage {

using namespace table_format;

namespace {

class Walk {
 public:
  Walk(std::unique_ptr<RandomAccessFile> file, const std::string& path, const TableVisitor& visitor)
      : file_(std::move(file)), path_(path), visitor_(visitor) {}

  Status run() {
    auto footer = read_footer(*file_, path_);
    if (!footer) return footer.status();
    footer_ = *footer;
    if (visitor_.footer) visitor_.footer(footer_, file_->size() - footer_bytes);
    if (Status status = take(show_properties()); !status) return status;
    const Status list = walk_by_list();
    if (list || list.kind() != ErrorKind::corruption) return list;
    damaged(list);
    return walk_without_list();
  }

 private:
  void damaged(const Status& status) const {
    if (visitor_.damage) visitor_.damage(status);
  }
  // Damage is told and passed over; another failure ends the walk.
  Status take(const Status& status) const {
    if (status.kind() != ErrorKind::corruption) return status;
    damaged(status);
    return {};
  }
  Status tell(uint64_t bytes) const { return visitor_.progress ? visitor_.progress(bytes) : Status(); }

  Result<std::string> read(uint64_t offset, uint64_t bytes) const {
    if (offset > file_->size() || bytes > file_->size() - offset)
      return Status::corruption(path_, offset, "the table ends before its bytes do");
    std::string out(bytes, '\0');
    const auto got = file_->read(offset, out.data(), bytes);
    if (!got.is_ok()) return got.status();
    if (got.value() != bytes) return Status::corruption(path_, offset, "the table ends before its bytes do");
    return out;
  }
  Result<std::string> read_block(const BlockHandle& handle) const {
    auto stored = read(handle.offset, handle.stored_bytes + trailer_bytes);
    if (!stored) return stored.status();
    return open_block(*stored, handle, footer_.epoch, path_);
  }

  Status show_properties() const {
    const auto payload = read_block(footer_.properties);
    if (!payload.is_ok()) return payload.status();
    Properties properties;
    if (!decode_properties(payload.value(), properties))
      return Status::corruption(path_, footer_.properties.offset, "the table's properties cannot be read");
    if (visitor_.properties) visitor_.properties(footer_.properties, properties);
    return {};
  }

  struct Section {
    uint64_t offset = 0;
    BlockHandle partition;
  };

  Status walk_by_list() {
    const auto list = read_block(footer_.partitions);
    if (!list.is_ok()) return list.status();
    std::vector<Section> sections;
    ByteReader reader(list.value());
    uint64_t end = 0;
    while (!reader.at_end() && !reader.failed()) {
      Section section;
      reader.sized();
      section.offset = reader.varint();
      section.partition.offset = reader.varint();
      section.partition.stored_bytes = reader.varint();
      const bool fits = section.offset == end && section.partition.offset > section.offset &&
                        section.partition.offset < footer_.partitions.offset &&
                        section.partition.stored_bytes <= block_bytes_max;
      end = section.partition.end();
      if (!fits || end > footer_.partitions.offset) break;
      sections.push_back(section);
    }
    if (reader.failed() || !reader.at_end() || end != footer_.partitions.offset)
      return Status::corruption(path_, footer_.partitions.offset, "the list of the table's sections makes no sense");
    for (const Section& section : sections)
      if (Status status = walk_section(section); !status) return status;
    return {};
  }

  Status walk_section(const Section& section) {
    auto bytes = read(section.offset, section.partition.end() - section.offset);
    if (!bytes) return take(bytes.status());
    const std::string_view stored(*bytes);
    const auto partition =
        open_block(stored.substr(section.partition.offset - section.offset), section.partition, footer_.epoch, path_);
    PartitionView view;
    if (partition.is_ok() && view.open(partition.value()) && is_index_of(view, section)) {
      if (visitor_.partition) visitor_.partition(section.partition, view);
      for (uint32_t i = 0; i < view.blocks(); ++i) {
        const BlockHandle handle = view.handle(i, section.offset);
        show_data(handle, stored.substr(handle.offset - section.offset, handle.stored_bytes + trailer_bytes));
      }
    } else {
      damaged(partition.is_ok() ? Status::corruption(path_, section.partition.offset, "a partition cannot be read")
                                : partition.status());
      find_data(stored.substr(0, section.partition.offset - section.offset), section.offset);
    }
    return tell(stored.size());
  }

  // Its blocks lie one behind the other, from the section's beginning to the partition.
  static bool is_index_of(const PartitionView& view, const Section& section) {
    uint64_t end = section.offset;
    for (uint32_t i = 0; i < view.blocks(); ++i) {
      const BlockHandle handle = view.handle(i, section.offset);
      if (handle.offset != end) return false;
      end = handle.end();
    }
    return end == section.partition.offset;
  }

  void show_data(const BlockHandle& handle, std::string_view stored) const {
    const auto payload = open_block(stored, handle, footer_.epoch, path_);
    if (!payload.is_ok()) return damaged(payload.status());
    if (visitor_.data_block) visitor_.data_block(handle, payload.value());
  }

  // Data blocks in a row, of a section whose index is damaged.
  void find_data(std::string_view bytes, uint64_t offset) const {
    while (!bytes.empty()) {
      const auto handle = find_block(bytes, footer_.epoch, offset);
      if (!handle)
        return damaged(Status::corruption(path_, offset,
                                          "a block is damaged, and so is the index that tells where the " +
                                              std::to_string(bytes.size()) + " bytes from here on are cut"));
      const uint64_t taken = handle->stored_bytes + trailer_bytes;
      show_data(*handle, bytes.substr(0, taken));
      bytes.remove_prefix(taken);
      offset += taken;
    }
  }

  // Sections one behind the other: blocks up to one that is the index of those before it.
  Status walk_without_list() {
    auto all = read(0, std::min(footer_.partitions.offset, file_->size() - footer_bytes));
    if (!all) return take(all.status());
    std::string_view rest(*all);
    Section section;
    std::vector<BlockHandle> blocks;
    while (!rest.empty()) {
      const uint64_t offset = all->size() - rest.size();
      const auto handle = find_block(rest, footer_.epoch, offset);
      if (!handle) {
        for (const BlockHandle& block : blocks) show_found(*all, block);
        damaged(Status::corruption(path_, offset,
                                   "a block is damaged, and so is the list that tells where the " +
                                       std::to_string(rest.size()) + " bytes from here on are cut"));
        return tell(all->size());
      }
      rest.remove_prefix(handle->stored_bytes + trailer_bytes);
      section.partition = *handle;
      const auto payload = open_block(stored_of(*all, *handle), *handle, footer_.epoch, path_);
      PartitionView view;
      if (!payload.is_ok() || !view.open(payload.value()) || !is_index_of(view, section)) {
        blocks.push_back(*handle);
        continue;
      }
      if (visitor_.partition) visitor_.partition(*handle, view);
      for (const BlockHandle& block : blocks) show_found(*all, block);
      blocks.clear();
      section.offset = handle->end();
    }
    for (const BlockHandle& block : blocks) show_found(*all, block);
    return tell(all->size());
  }

  static std::string_view stored_of(std::string_view all, const BlockHandle& handle) {
    return all.substr(handle.offset, handle.stored_bytes + trailer_bytes);
  }
  void show_found(std::string_view all, const BlockHandle& block) const { show_data(block, stored_of(all, block)); }

  const std::unique_ptr<RandomAccessFile> file_;
  const std::string& path_;
  const TableVisitor& visitor_;
  Footer footer_;
};

}  // namespace

Status walk_table(FileSystem& files, const std::string& path, const TableVisitor& visitor) {
  auto file = files.open(path);
  if (!file) return file.status();
  return Walk(std::move(*file), path, visitor).run();
}

}  // namespace sett::storage
