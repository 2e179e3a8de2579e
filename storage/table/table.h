#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/io/file_system.h"
#include "storage/table/table_format.h"

namespace sett::storage {

// An open table: the list of its sections, and its blocks as they are asked for. Immutable after open, for any threads.
class Table {
 public:
  // Up to `separator`, from the section before: data blocks from `offset` on, and behind them their partition.
  struct Section {
    std::string separator;
    uint64_t offset = 0;
    table_format::BlockHandle partition;
  };

  // Reads footer, properties and the list of sections. Anything that is not exactly what was written is corruption,
  // with file and offset.
  static Result<std::shared_ptr<const Table>> open(FileSystem& files, const std::string& path, uint64_t number);

  uint64_t number() const { return number_; }
  uint64_t epoch() const { return epoch_; }
  const std::string& path() const { return path_; }
  uint64_t file_bytes() const { return file_->size(); }
  const table_format::Properties& properties() const { return properties_; }
  const std::vector<Section>& sections() const { return sections_; }
  // The only section that can hold the key; sections().size(): none can.
  size_t section_of(std::string_view tree_key) const;
  uint64_t memory_bytes() const;  // about

  // Blocks on the disk. Checked and decompressed.
  Result<std::string> read_block(const table_format::BlockHandle& handle) const;
  // The same without waiting for the disk; nullopt: the system does not have it in memory.
  Result<std::optional<std::string>> read_cached_block(const table_format::BlockHandle& handle) const;
  // Bytes as they are in the file, into `out`, whose memory is used again; it is undefined after an error.
  Status read_stored(uint64_t offset, uint64_t bytes, std::string& out) const;
  // A hint: so much from there on is read soon.
  void will_read(uint64_t offset, uint64_t bytes) const { file_->will_read(offset, bytes); }
  // Those of a section, its partition included: for who reads all of it.
  Status read_section(size_t section, std::string& out) const;

 private:
  Table(std::unique_ptr<RandomAccessFile> file, std::string path, uint64_t number)
      : file_(std::move(file)), path_(std::move(path)), number_(number) {}
  Status check_place(uint64_t offset, uint64_t bytes) const;
  Status load();
  size_t heads_before(uint64_t head) const;
  Status load_sections(const table_format::BlockHandle& partitions);

  const std::unique_ptr<RandomAccessFile> file_;
  const std::string path_;
  const uint64_t number_;
  uint64_t epoch_ = 0;
  void note_section_heads();

  table_format::Properties properties_;
  std::vector<Section> sections_;
  // Of each section's separator the eight bytes behind what all keys of the table begin with, as a number: a search
  // looks at those, which lie together, and at hardly any separator.
  size_t common_bytes_ = 0;
  std::vector<uint64_t> section_heads_;
};

// From the end of the file. corruption: it is damaged, or the file is too short to have one.
Result<table_format::Footer> read_footer(const RandomAccessFile& file, const std::string& path);

// "<number in 20 digits>.table"
std::string table_file_name(uint64_t number);

}  // namespace sett::storage
