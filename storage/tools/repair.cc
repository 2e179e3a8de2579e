#include "storage/tools/repair.h"

#include "storage/backup/file_tree.h"
#include "storage/backup/store_replacement.h"
#include "storage/tools/verify.h"

namespace sett::storage {

namespace {

constexpr std::string_view new_folder = "repaired", scratch_folder = "salvaged";

// Counts what it passes on.
class DamageCounter final : public ToolObserver {
 public:
  explicit DamageCounter(ToolObserver& to) : to_(to) {}
  void on_good_file(const std::string& path, const std::string& note) override { to_.on_good_file(path, note); }
  void on_damage(const Status& status) override {
    ++damaged_;
    to_.on_damage(status);
  }
  void on_note(const std::string& text) override { to_.on_note(text); }
  void on_progress(uint64_t done, uint64_t all) override { to_.on_progress(done, all); }
  uint64_t damaged() const { return damaged_; }

 private:
  ToolObserver& to_;
  uint64_t damaged_ = 0;
};

class Repair {
 public:
  Repair(FileSystem& files, const RepairTarget& target, Clock& clock, ToolObserver& observer)
      : files_(files),
        target_(target),
        clock_(clock),
        observer_(observer),
        new_(join_path(target.path, new_folder)),
        old_(join_path(target.path, damaged_folder_name)),
        scratch_(join_path(target.path, scratch_folder)),
        is_made_(join_path(target.path, repair_is_made_name)),
        is_empty_(join_path(target.path, repair_is_empty_name)) {}

  Status run() {
    if (Status status = check_no_restore(); !status) return status;
    const auto goes_on = has_marker();
    if (!goes_on.is_ok()) return goes_on.status();
    if (!goes_on.value()) {
      if (damaged_places(target_.path, observer_) == 0) {
        observer_.on_note(target_.path + ": nothing is damaged, nothing was changed");
        return {};
      }
      if (Status status = check_moves(files_, target_.path, old_, stays); !status) return status;
      if (Status status = check_free(); !status) return status;
      if (Status status = make_new(); !status) {
        for (const std::string* folder : {&new_, &scratch_})
          [[maybe_unused]] const Status removed = remove_tree(files_, *folder);  // the next run tries it again
        [[maybe_unused]] const Status removed = files_.remove_directory(old_);
        return status;
      }
    }
    if (Status status = put_in_place(); !status) return status;
    observer_.on_note("the damaged files are in " + old_ + ": remove them when you do not need them any more");
    return {};
  }

 private:
  Result<bool> has_marker() const {
    for (const std::string* marker : {&is_made_, &is_empty_}) {
      const auto is_there = files_.exists(*marker);
      if (!is_there.is_ok() || is_there.value()) return is_there;
    }
    return false;
  }

  uint64_t damaged_places(const std::string& path, ToolObserver& observer) {
    DamageCounter counter(observer);
    if (target_.backend == "badger")
      verify_badger(files_, path, counter);
    else
      verify_simple_kv(files_, path, counter);
    return counter.damaged();
  }

  // It puts another content in the place of all that there is, what a repair has made too.
  Status check_no_restore() const {
    const auto is_there = files_.exists(join_path(target_.path, restore_marker_name));
    if (!is_there.is_ok()) return is_there.status();
    return is_there.value() ? check_replaced(files_, target_.path) : Status();
  }

  Status check_free() const {
    const auto names = list_tree(files_, old_);
    if (!names.is_ok() || names.value().empty()) return names.status();
    return Status::error(ErrorKind::invalid_argument,
                         old_ + ": is there from an earlier repair; move it away or remove it first");
  }

  static bool stays(std::string_view name) {
    return name == "LOCK" || name == repair_is_made_name || is_in_folder(name, new_folder) ||
           is_in_folder(name, damaged_folder_name);
  }

  // Complete and on disk, beside the damaged one.
  Status make_new() {
    for (const std::string* folder : {&new_, &scratch_}) {
      if (Status status = remove_tree(files_, *folder); !status) return status;
      if (Status status = files_.create_directories(*folder); !status) return status;
    }
    if (Status status = fill_new(); !status) return status;
    if (Status status = remove_tree(files_, scratch_); !status) return status;
    if (Status status = files_.remove(join_path(new_, "LOCK")); !status) return status;
    if (Status status = sync_tree(); !status) return status;
    if (damaged_places(new_, observer_) == 0) return {};
    return Status::corruption(new_, 0, "the new store is damaged itself: nothing was changed");
  }

  Status fill_new() {
    auto opened = target_.open(new_);
    if (!opened.is_ok()) {
      target_.stop();
      return opened.status();
    }
    const std::unique_ptr<Store> store = std::move(opened).value();
    store->start();
    const Status filled = fill(*store);
    target_.stop();
    const Status closed = store->close();
    return filled ? closed : filled;
  }

  Status fill(Store& store) {
    StoreFiller filler(store, clock_, target_.pause);
    Salvage salvage(filler, observer_, clock_.wall_ms());
    const Status status = target_.backend == "badger"
                              ? salvage_badger(files_, target_.path, scratch_, salvage, observer_)
                              : salvage_simple_kv(files_, target_.path, salvage, observer_);
    if (status)
      observer_.on_note(target_.path + ": " + std::to_string(salvage.kept()) + " keys were kept, " +
                        std::to_string(salvage.lost()) + " whose newest value is known to be lost were dropped");
    return status;
  }

  Status sync_tree() {
    std::vector<std::string> folders;
    const auto names = list_tree(files_, new_, &folders);
    if (!names.is_ok()) return names.status();
    for (const std::string& folder : folders)
      if (Status status = files_.sync_directory(join_path(new_, folder)); !status) return status;
    if (Status status = files_.sync_directory(new_); !status) return status;
    return files_.sync_directory(target_.path);
  }

  // From the first marker on the damaged files go out, from the second on the new ones come in: whenever the power
  // goes, the next run knows which ones it sees.
  Status put_in_place() {
    const auto is_empty = files_.exists(is_empty_);
    if (!is_empty.is_ok()) return is_empty.status();
    if (!is_empty.value()) {
      if (Status status = check_new(); !status) return status;
      if (Status status = make_marker(is_made_); !status) return status;
      if (Status status = move_tree(files_, target_.path, old_, stays); !status) return status;
      if (Status status = make_marker(is_empty_); !status) return status;
    }
    if (Status status = move_tree(files_, new_, target_.path); !status) return status;
    if (Status status = check_in_place(); !status) return status;
    if (Status status = remove_tree(files_, new_); !status) return status;
    for (const std::string* marker : {&is_made_, &is_empty_}) {
      if (Status status = files_.remove(*marker); !status && status.kind() != ErrorKind::not_found) return status;
      if (Status status = files_.sync_directory(target_.path); !status) return status;
    }
    return {};
  }

  // Before anything goes out for it.
  Status check_new() const {
    const auto names = list_tree(files_, new_);
    if (!names.is_ok()) return names.status();
    if (!names.value().empty()) return {};
    return Status::corruption(new_, 0, "the new store that a repair has made is not there: nothing was changed");
  }

  // Somebody may have removed files between two runs: no empty store is opened in the place of the damaged one.
  Status check_in_place() const {
    const std::string manifest =
        join_path(target_.path, target_.backend == "badger" ? "MANIFEST" : "last_state/MANIFEST");
    const auto is_there = files_.exists(manifest);
    if (!is_there.is_ok()) return is_there.status();
    if (is_there.value()) return {};
    return Status::corruption(manifest, 0,
                              "the store that a repair has made is not there; what was damaged is in " + old_);
  }

  Status make_marker(const std::string& marker) {
    const auto is_there = files_.exists(marker);
    if (!is_there.is_ok() || is_there.value()) return is_there.is_ok() ? Status() : is_there.status();
    const auto made = files_.create(marker);
    if (!made.is_ok()) return made.status();
    return files_.sync_directory(target_.path);
  }

  FileSystem& files_;
  const RepairTarget& target_;
  Clock& clock_;
  ToolObserver& observer_;
  const std::string new_, old_, scratch_, is_made_, is_empty_;
};

}  // namespace

Status repair_store(FileSystem& files, const RepairTarget& target, Clock& clock, ToolObserver& observer) {
  if (Status status = files.create_directories(target.path); !status) return status;
  const auto lock = files.lock(join_path(target.path, "LOCK"));
  if (!lock.is_ok() && lock.status().kind() == ErrorKind::busy)
    return Status::error(ErrorKind::busy, target.path + ": another process has this store open: stop it first");
  if (!lock.is_ok()) return lock.status();
  return Repair(files, target, clock, observer).run();
}

}  // namespace sett::storage
