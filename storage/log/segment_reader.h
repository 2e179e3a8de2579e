#pragma once

#include <optional>
#include <string>

#include "storage/io/file_system.h"
#include "storage/log/log_format.h"

namespace sett::storage {

// The chunks of one segment file, from its front up to a limit. Never writes; knows nothing of records. One owner at a
// time.
class SegmentReader {
 public:
  struct Step {
    enum class Kind : uint8_t { chunk, end, bad };
    Kind kind;
    uint64_t offset = 0;        // in the file: of the chunk, of the end, of the first bad byte
    log_format::Chunk chunk{};  // its payload is valid until the next call
  };
  // What lies behind a bad chunk.
  struct Beyond {
    bool synced_beyond = false;  // some valid chunk says that the bad place had been synced
    uint64_t found_offset = 0;   // that chunk
    uint64_t bytes_end = 0;      // behind the last byte that is not zero, if behind the bad place, else the bad place
    Sequence highest_sequence = 0;
  };

  static constexpr uint64_t search_bytes_max = 4ull << 30;  // half a second to a second

  // Reads [segment_header_bytes, limit) of the file; `limit` beyond its size means its size.
  SegmentReader(const RandomAccessFile& file, const log_format::SegmentHeader& header, uint64_t limit);

  // The next chunk; after `end` or `bad` the same again.
  Result<Step> next();
  // Looks through everything behind `bad_offset`, up to the first chunk that says that the place had been synced: in
  // its block a chunk may begin at every byte, and so in a later one from where a chunk is bad there. In later blocks
  // that is given up after checksums over search_bytes_max in all; then only the chunks from their fronts on are seen.
  Result<Beyond> look_beyond(uint64_t bad_offset);
  // For who saves what can be saved: to the next valid chunk behind a bad place, which may begin at every byte; next()
  // goes on behind it. `end`: there is none. Bounded as look_beyond is.
  Result<Step> resume(uint64_t bad_offset);

 private:
  uint64_t position(uint64_t offset) const { return header_.start_position + offset; }
  // The bytes from `offset` to the end of its block or to the limit.
  Result<std::string_view> rest_of_block(uint64_t offset);
  std::optional<log_format::Chunk> chunk_at(std::string_view bytes, uint64_t offset) const;
  static bool note(const log_format::Chunk& chunk, uint64_t offset, uint64_t bad_position, Beyond& beyond);

  const RandomAccessFile& file_;
  const log_format::SegmentHeader header_;
  const uint32_t epoch_checksum_;
  const uint64_t limit_;
  uint64_t offset_ = log_format::segment_header_bytes;
  std::string window_;
  uint64_t window_offset_ = 0;
};

}  // namespace sett::storage
