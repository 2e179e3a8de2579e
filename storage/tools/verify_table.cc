#include "storage/tools/verify_table.h"

#include <optional>

#include "storage/keys/tree_key.h"
#include "storage/table/block_reader.h"
#include "storage/table/filter.h"
#include "storage/table/table_counts.h"
#include "storage/table/table_walk.h"

namespace sett::storage {

using table_format::BlockHandle;
using table_format::Properties;

namespace {

class Verifier {
 public:
  using Entry = std::function<void(std::string_view tree_key, const TableEntry& entry)>;
  Verifier(const std::string& path, const Entry& entry, ToolObserver& observer)
      : path_(path), entry_(entry), observer_(observer) {}

  bool run(FileSystem& files, const TableMeta* expected, ToolProgress& progress) {
    TableVisitor visitor;
    visitor.footer = [&](const table_format::Footer& footer, uint64_t offset) {
      number_ = footer.number;
      file_bytes_ = offset + table_format::footer_bytes;
    };
    visitor.properties = [&](const BlockHandle& handle, const Properties& properties) {
      properties_at_ = handle.offset;
      properties_ = properties;
    };
    visitor.partition = [&](const BlockHandle& handle, const PartitionView& view) {
      partition_ = view;
      has_partition_ = true;
      partition_at_ = handle.offset;
      block_ = 0;
    };
    visitor.data_block = [&](const BlockHandle& handle, std::string_view payload) { check_block(handle, payload); };
    visitor.damage = [&](const Status& status) { tell(status); };
    visitor.progress = [&](uint64_t bytes) {
      progress.add(bytes);
      has_partition_ = false;
      return Status();
    };
    Status status = walk_table(files, path_, visitor);
    if (status.kind() == ErrorKind::not_found)
      status = Status::corruption(path_, 0, "the table that the manifest names is missing");
    if (!status) tell(status);
    if (is_good_) check_counts(expected);
    return is_good_;
  }

 private:
  void tell(const Status& status) {
    is_good_ = false;
    observer_.on_damage(status);
  }
  void damaged(uint64_t offset, const char* what) { tell(Status::corruption(path_, offset, what)); }

  // The partition's views are valid while the walk is within its section.
  void check_block(const BlockHandle& handle, std::string_view payload) {
    bool is_in_order = true, is_indexed = true, has_bucket = true;
    const uint32_t block = find_block(handle);
    BlockCursor cursor(payload);
    for (bool is_at = cursor.seek_first(); is_at; is_at = cursor.next()) {
      const std::string_view key = cursor.key();
      has_bucket = key.size() >= bucket_prefix_bytes;
      if (!has_bucket) break;
      is_in_order = is_in_order && (counted_.entries == 0 || last_key_ < key);
      if (has_partition_)
        is_indexed = is_indexed && partition_.may_hold(filter_hash(key)) && partition_.block_of(key) == block;
      count_entry(counted_, key, cursor.entry());
      last_key_.assign(key);
      entry_(key, cursor.entry());
    }
    if (cursor.damaged() || !has_bucket) damaged(handle.offset, "an entry of the block cannot be read");
    if (!is_in_order) damaged(handle.offset, "the keys of the block are not in order");
    if (!is_indexed) damaged(partition_at_, "filter or index do not lead to a key of the section");
  }

  // A damaged one before it is passed over.
  uint32_t find_block(const BlockHandle& handle) {
    if (!has_partition_) return 0;
    if (block_ == 0) section_at_ = handle.offset - partition_.handle(0, 0).offset;
    while (block_ < partition_.blocks() && partition_.handle(block_, section_at_).offset != handle.offset) ++block_;
    return block_++;
  }

  void check_counts(const TableMeta* expected) {
    counted_.largest = last_key_;
    if (properties_ != counted_) damaged(properties_at_, "the table's properties are not those of its entries");
    if (expected && table_meta(counted_, number_, file_bytes_) != *expected)
      damaged(0, "the table is not the one that the manifest tells of");
  }

  const std::string& path_;
  const Entry& entry_;
  ToolObserver& observer_;
  bool is_good_ = true;
  uint64_t number_ = 0, file_bytes_ = 0;
  std::optional<Properties> properties_;
  uint64_t properties_at_ = 0;
  Properties counted_;
  std::string last_key_;
  PartitionView partition_;
  bool has_partition_ = false;
  uint64_t partition_at_ = 0, section_at_ = 0;
  uint32_t block_ = 0;  // of the section, the next one
};

}  // namespace

bool verify_table(FileSystem& files, const std::string& path, const TableMeta* expected,
                  const std::function<void(std::string_view tree_key, const TableEntry& entry)>& entry,
                  ToolObserver& observer, ToolProgress& progress) {
  return Verifier(path, entry, observer).run(files, expected, progress);
}

}  // namespace sett::storage
