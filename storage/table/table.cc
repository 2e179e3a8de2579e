#include "storage/table/table.h"

#include <algorithm>

#include "storage/base/bytes.h"

namespace sett::storage {

using table_format::BlockHandle;
using table_format::Footer;
using table_format::footer_bytes;
using table_format::trailer_bytes;

std::string table_file_name(uint64_t number) {
  constexpr size_t digits = 20;
  const std::string text = std::to_string(number);
  return std::string(digits - text.size(), '0') + text + ".table";
}

Result<std::shared_ptr<const Table>> Table::open(FileSystem& files, const std::string& path, uint64_t number) {
  auto file = files.open(path);
  if (!file.is_ok()) return file.status();
  std::shared_ptr<Table> table(new Table(std::move(file).value(), path, number));
  if (Status status = table->load(); !status.is_ok()) return status;
  return std::shared_ptr<const Table>(std::move(table));
}

Result<std::string> Table::read(uint64_t offset, uint64_t bytes) const {
  if (offset > file_->size() || bytes > file_->size() - offset)
    return Status::corruption(path_, offset, "the table ends before its bytes do");
  std::string out(bytes, '\0');
  const auto got = file_->read(offset, out.data(), bytes);
  if (!got.is_ok()) return got.status();
  if (got.value() != bytes) return Status::corruption(path_, offset, "the table ends before its bytes do");
  return out;
}

Result<std::string> Table::read_block(const BlockHandle& handle) const {
  if (handle.stored_bytes > table_format::block_bytes_max)
    return Status::corruption(path_, handle.offset, "a block has an impossible size");
  auto stored = read(handle.offset, handle.stored_bytes + trailer_bytes);
  if (!stored.is_ok()) return stored.status();
  return table_format::open_block(stored.value(), handle, epoch_, path_);
}

Result<std::string> Table::read_section(size_t section) const {
  const Section& at = sections_[section];
  return read(at.offset, at.partition.end() - at.offset);
}

Status Table::load() {
  if (file_->size() < footer_bytes) return Status::corruption(path_, 0, "the file is too short for a table");
  const uint64_t footer_at = file_->size() - footer_bytes;
  auto bytes = read(footer_at, footer_bytes);
  if (!bytes.is_ok()) return bytes.status();
  auto footer = table_format::decode_footer(bytes.value(), path_, footer_at);
  if (!footer.is_ok()) return footer.status();
  if (footer->number != number_)
    return Status::corruption(path_, footer_at, "the file is table " + std::to_string(footer->number));
  epoch_ = footer->epoch;
  auto properties = read_block(footer->properties);
  if (!properties.is_ok()) return properties.status();
  if (!table_format::decode_properties(properties.value(), properties_))
    return Status::corruption(path_, footer->properties.offset, "the table's properties cannot be read");
  return load_sections(footer->partitions);
}

Status Table::load_sections(const BlockHandle& partitions) {
  const auto list = read_block(partitions);
  if (!list.is_ok()) return list.status();
  ByteReader reader(list.value());
  uint64_t end = 0;
  while (!reader.at_end() && !reader.failed()) {
    Section section;
    section.separator = reader.sized();
    section.offset = reader.varint();
    section.partition.offset = reader.varint();
    section.partition.stored_bytes = reader.varint();
    const bool in_order = section.offset == end && section.partition.offset > section.offset &&
                          section.partition.offset < partitions.offset &&
                          section.partition.stored_bytes <= table_format::block_bytes_max &&
                          (sections_.empty() || sections_.back().separator < section.separator);
    end = section.partition.end();
    if (!in_order || end > partitions.offset)
      return Status::corruption(path_, partitions.offset, "the list of the table's sections makes no sense");
    sections_.push_back(std::move(section));
  }
  if (reader.failed() || sections_.empty() || end != partitions.offset ||
      sections_.back().separator != properties_.largest)
    return Status::corruption(path_, partitions.offset, "the list of the table's sections makes no sense");
  return {};
}

size_t Table::section_of(std::string_view tree_key) const {
  const auto at =
      std::lower_bound(sections_.begin(), sections_.end(), tree_key,
                       [](const Section& section, std::string_view key) { return section.separator < key; });
  return static_cast<size_t>(at - sections_.begin());
}

uint64_t Table::memory_bytes() const {
  uint64_t bytes = sizeof *this + sections_.capacity() * sizeof(Section) + properties_.smallest.capacity() +
                   properties_.largest.capacity() +
                   properties_.value_bytes_in.capacity() * sizeof properties_.value_bytes_in[0];
  for (const Section& section : sections_) bytes += section.separator.capacity();
  return bytes;
}

}  // namespace sett::storage
