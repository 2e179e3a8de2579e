#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "storage/io/file_system.h"
#include "storage/keys/value_pointer.h"
#include "storage/tools/key_history.h"
#include "storage/tools/observer.h"
#include "storage/tools/store_filler.h"

namespace sett::storage {

// What is found of a damaged store on its way into a new one: joins each key that its files hold with what the log says
// of it since, gives it to the new store under its bucket's name, and says what could not be kept. One thread.
class Salvage {
 public:
  // `now_ms`: wall clock; what is due by then is left out.
  Salvage(StoreFiller& filler, ToolObserver& observer, int64_t now_ms)
      : filler_(filler), observer_(observer), judged_ms_(now_ms) {}

  struct Known {
    std::map<std::string, BucketId, std::less<>> buckets;
    uint64_t bucket_generation = 0;  // of the ids up to then
    Sequence through = 0;            // the files hold all up to here, by the manifest
    Sequence log_reaches = 0;
    Sequence gone_through = 0;  // a key that the files lack may have gone by here
    int64_t passed_ms = INT64_MIN, judged_ms = INT64_MIN;
  };
  // What the manifest says; without it the files' keys are in buckets without a name.
  void know(const Known& known);

  // Before any key: the log behind Known::through. `read_value` of what a record points to; corruption or not_found:
  // it is lost.
  using ReadValue = std::function<Result<std::string>(std::string_view tree_key, const ValuePointer& pointer)>;
  Status read_log(FileSystem& files, const std::string& directory, const ReadValue& read_value, ToolProgress& progress);

  // A key of the files, once each; `found.is_present` false: it is deleted.
  Status take(std::string_view tree_key, KeyState found);
  // A key whose newest value is lost.
  Status take_lost(std::string_view tree_key, Sequence sequence, int64_t expires_at_ms, const Status& why);
  // After the last key: those that only the log has.
  Status finish();

  uint64_t kept() const { return kept_; }
  uint64_t lost() const { return lost_; }

 private:
  Status scan(FileSystem& files, const std::string& directory, const ReadValue& read_value);
  Status note_record(Sequence sequence, std::string_view record, const ReadValue& read_value, bool lacks_are_torn);
  void tell_lost(std::string_view tree_key, const std::string& why);
  void note_gap(const std::string& directory, Sequence from, Sequence before);
  // "": the bucket is gone. One whose name is lost gets another.
  std::string name_of(BucketId bucket);
  bool was_known(BucketId bucket) const;
  bool is_due(int64_t expires_at_ms) const;

  StoreFiller& filler_;
  ToolObserver& observer_;
  int64_t judged_ms_;
  Known known_;
  bool has_manifest_ = false;
  KeyHistory history_;
  std::set<BucketId> nameless_;
  uint64_t kept_ = 0, lost_ = 0, gaps_ = 0;
};

}  // namespace sett::storage
