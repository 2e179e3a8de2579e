#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "storage/io/file_system.h"
#include "storage/log/log_format.h"

namespace sett::storage {

// A segment file made ready: its name and its space are there, its bytes are zeroes.
struct PreparedSegment {
  uint64_t number = 0;
  uint64_t epoch = 0;
  uint64_t bytes = 0;
  std::string path;
  std::unique_ptr<AppendFile> file;
};

// Creates the file under another name, allocates, syncs, gives it its name, syncs the folder: a file that has the name
// of a segment has all its bytes, also after a power cut. On failure nothing is left, as far as that can be done.
Result<PreparedSegment> prepare_segment(FileSystem& files, const std::string& directory, uint64_t number,
                                        uint64_t epoch, uint64_t bytes);

// The same, of the full size where there is plenty of room; on a disk that is nearly full of half of it, a quarter and
// so on, at least `bytes_min` (both whole blocks): what is left is used to its end, in pieces that can be released one
// by one. Takes at most `free`, a larger one than the smallest at most a quarter of that. no_space: not even
// `bytes_min` fits.
Result<PreparedSegment> prepare_segment_that_fits(FileSystem& files, const std::string& directory, uint64_t number,
                                                  uint64_t epoch, uint64_t bytes, uint64_t bytes_min, uint64_t free);

// The end of the log on disk: writes the stream of a LogWriter into segment files, one behind the other, and removes
// old ones from the front. Knows nothing of marks and waiting. One owner at a time.
class SegmentFiles {
 public:
  // A segment of the log, by the header that opened it.
  struct Kept {
    uint64_t number;
    uint64_t start_position;
    Sequence previous_sequence;
  };

  explicit SegmentFiles(std::vector<Kept> old_segments) : kept_(std::move(old_segments)) {}

  // Goes on in `next`, whose header is `header_bytes`; written and synced before anything else goes there.
  Status enter(PreparedSegment next, std::string_view header_bytes);
  // Writes `stream` behind what was written before. Where the segment ends it is synced, and next() gives the one to go
  // on in.
  Status write(std::string_view stream, const std::function<PreparedSegment()>& next);
  // The file being written, for a sync. The same until write() goes on in the next segment, or finish().
  AppendFile& active_file() { return *active_.file; }
  // The active segment ends with what was written: the stream goes on in the next one. Its file keeps its length, the
  // header of the next says how much of it counts.
  void end_active() { active_.bytes = active_.file->size(); }
  // Closes the active segment: nothing may be written any more. `closed`: what was written last is the chunk of a clean
  // close; it is synced, and the unused space behind it given back.
  Status finish(bool closed);
  // Lets go of segments that hold only records with sequences <= `through`, never of the active one. Their numbers: the
  // files are the caller's to remove (remove_segments).
  std::vector<uint64_t> release(Sequence through);

  uint64_t position() const { return active_start_ + active_.file->size(); }
  uint64_t active_end() const { return active_start_ + active_.bytes; }
  uint64_t active_start() const { return active_start_; }
  uint64_t segments() const { return kept_.size(); }
  uint64_t front_position() const { return kept_.front().start_position; }

 private:
  std::vector<Kept> kept_;  // the active one last
  PreparedSegment active_;
  uint64_t active_start_ = 0;
};

// Removes the files of these segments, and their numbers from the list as far as that went, and syncs the folder.
Status remove_segments(FileSystem& files, const std::string& directory, std::vector<uint64_t>& numbers);

}  // namespace sett::storage
