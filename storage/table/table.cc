#include "storage/table/table.h"

#include <algorithm>
#include <array>
#include <utility>

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
  file.value()->expect_random_reads();  // blocks one by one, or whole sections
  std::shared_ptr<Table> table(new Table(std::move(file).value(), path, number));
  if (Status status = table->load(); !status.is_ok()) return status;
  return std::shared_ptr<const Table>(std::move(table));
}

Status Table::check_place(uint64_t offset, uint64_t bytes) const {
  if (offset > file_->size() || bytes > file_->size() - offset)
    return Status::corruption(path_, offset, "the table ends before its bytes do");
  return {};
}

Status Table::read_stored(uint64_t offset, uint64_t bytes, std::string& out) const {
  if (Status status = check_place(offset, bytes); !status.is_ok()) return status;
  out.resize(bytes);
  const auto got = file_->read(offset, out.data(), bytes);
  if (!got.is_ok()) return got.status();
  if (got.value() != bytes) return Status::corruption(path_, offset, "the table ends before its bytes do");
  return {};
}

Result<std::string> Table::read_block(const BlockHandle& handle) const {
  if (handle.stored_bytes > table_format::block_bytes_max)
    return Status::corruption(path_, handle.offset, "a block has an impossible size");
  std::string stored;
  if (Status status = read_stored(handle.offset, handle.stored_bytes + trailer_bytes, stored); !status.is_ok())
    return status;
  return table_format::open_block(stored, handle, epoch_, path_);
}

Result<std::optional<std::string>> Table::read_cached_block(const BlockHandle& handle) const {
  // Larger ones take too long for who may not wait.
  constexpr uint64_t cached_bytes_max = 64u << 10;
  const uint64_t bytes = handle.stored_bytes + trailer_bytes;
  if (bytes > cached_bytes_max) return std::optional<std::string>();
  if (Status status = check_place(handle.offset, bytes); !status.is_ok()) return status;
  thread_local std::array<char, cached_bytes_max> stored;
  if (file_->read_cached(handle.offset, stored.data(), bytes) != bytes) return std::optional<std::string>();
  auto block = table_format::open_block({stored.data(), bytes}, handle, epoch_, path_);
  if (!block.is_ok()) return block.status();
  return std::optional<std::string>(std::move(block).value());
}

Status Table::read_section(size_t section, std::string& out) const {
  const Section& at = sections_[section];
  return read_stored(at.offset, at.partition.end() - at.offset, out);
}

Result<Footer> read_footer(const RandomAccessFile& file, const std::string& path) {
  if (file.size() < footer_bytes) return Status::corruption(path, 0, "the file is too short for a table");
  const uint64_t offset = file.size() - footer_bytes;
  std::string bytes(footer_bytes, '\0');
  const auto got = file.read(offset, bytes.data(), bytes.size());
  if (!got.is_ok()) return got.status();
  if (got.value() != bytes.size()) return Status::corruption(path, offset, "the file ends early");
  return table_format::decode_footer(bytes, path, offset);
}

Status Table::load() {
  auto footer = read_footer(*file_, path_);
  if (!footer.is_ok()) return footer.status();
  if (footer->number != number_)
    return Status::corruption(path_, file_->size() - footer_bytes,
                              "the file is table " + std::to_string(footer->number));
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
  note_section_heads();
  return {};
}

namespace {
// Of shorter texts the rest is zeroes: a smaller number comes first, of equal ones nothing is known.
uint64_t head_of(std::string_view text, size_t from) {
  uint64_t head = 0;
  for (size_t i = 0; i < sizeof head; ++i)
    head = head << 8 | (from + i < text.size() ? static_cast<uint8_t>(text[from + i]) : 0);
  return head;
}
}  // namespace

// A separator is not less than all keys of its section, and no greater than the largest of the table.
void Table::note_section_heads() {
  const std::string &smallest = properties_.smallest, &largest = properties_.largest;
  const auto most = static_cast<std::ptrdiff_t>(std::min(smallest.size(), largest.size()));
  common_bytes_ = static_cast<size_t>(std::mismatch(smallest.begin(), smallest.begin() + most, largest.begin()).first -
                                      smallest.begin());
  for (const Section& section : sections_) section_heads_.push_back(head_of(section.separator, common_bytes_));
}

// Of numbers in order: how many are less. Without branches that nobody can foresee.
size_t Table::heads_before(uint64_t head) const {
  size_t begin = 0;
  for (size_t left = section_heads_.size(); left > 0;) {
    const size_t half = (left + 1) / 2;
    begin += section_heads_[begin + half - 1] < head ? half : 0;
    left -= half;
  }
  return begin;
}

size_t Table::section_of(std::string_view tree_key) const {
  const int order =
      tree_key.substr(0, common_bytes_).compare(std::string_view(properties_.largest).substr(0, common_bytes_));
  if (order != 0) return order < 0 ? 0 : sections_.size();
  const uint64_t head = head_of(tree_key, common_bytes_);
  const size_t begin = heads_before(head);
  if (begin == sections_.size() || section_heads_[begin] != head) return begin;
  const size_t end = head == UINT64_MAX ? sections_.size() : heads_before(head + 1);
  const auto at = std::lower_bound(
      sections_.begin() + static_cast<std::ptrdiff_t>(begin), sections_.begin() + static_cast<std::ptrdiff_t>(end),
      tree_key, [](const Section& section, std::string_view key) { return section.separator < key; });
  return static_cast<size_t>(at - sections_.begin());
}

uint64_t Table::memory_bytes() const {
  uint64_t bytes = sizeof *this + sections_.capacity() * (sizeof(Section) + sizeof(uint64_t)) +
                   properties_.smallest.capacity() + properties_.largest.capacity() +
                   properties_.value_bytes_in.capacity() * sizeof properties_.value_bytes_in[0];
  for (const Section& section : sections_) bytes += section.separator.capacity();
  return bytes;
}

}  // namespace sett::storage
