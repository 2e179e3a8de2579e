#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "storage/lsm/block_loader.h"
#include "storage/table/block_reader.h"

namespace sett::storage {

// A place among the entries of a run: tables in order of keys, none over another, like a level below 0. Holds the
// blocks that it stands on. Belongs to one thread; what it is given outlives it.
class RunCursor {
 public:
  enum class State : uint8_t {
    at_entry,
    end,      // there is no such entry
    missing,  // not in memory, and only memory was asked for: the place is lost
    failed,   // status() says why
  };

  // `pins`: if given, gets each block that the cursor comes to, also those that it leaves again.
  RunCursor(const BlockLoader& loader, std::span<const TableFilePtr> run, Access access, Pins* pins)
      : loader_(&loader), run_(run), access_(access), pins_(pins) {}

  State seek(std::string_view tree_key);         // the first entry that is not less
  State seek_before(std::string_view tree_key);  // the last entry that is less
  State next();                                  // only where at_entry
  State prev();                                  // only where at_entry

  State state() const { return state_; }
  const Status& status() const { return status_; }
  // Of the entry, until the cursor moves.
  std::string_view key() const { return cursor_->key(); }
  const TableEntry& entry() const { return cursor_->entry(); }

 private:
  void begin();
  // True: it is open, all behind it is not. False: state_ says why.
  bool open_table(size_t at);
  bool open_section(size_t at);
  bool open_block(uint32_t at);
  bool open_next_block();
  bool open_previous_block();
  bool arrived(Result<BlockCache::Block> block, BlockCache::Block& held);
  bool stop(State state);
  bool fail(Status status);
  bool damaged(const char* what);
  State settle_forward();
  State settle_backward();
  State check_key();

  const BlockLoader* loader_;
  std::span<const TableFilePtr> run_;
  Access access_;
  Pins* pins_;
  State state_ = State::end;
  Status status_;
  size_t table_at_ = 0, section_ = 0;
  uint32_t block_ = 0;
  const Table* table_ = nullptr;
  BlockCache::Block partition_block_, data_block_;
  PartitionView partition_;
  std::optional<BlockCursor> cursor_;
  std::string left_key_;
};

}  // namespace sett::storage
