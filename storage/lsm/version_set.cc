#include "storage/lsm/version_set.h"

#include <algorithm>
#include <utility>

#include "storage/lsm/table_folders.h"
#include "storage/vlog/vlog_writer.h"

namespace sett::storage {

VersionSet::VersionSet(FileSystem& files, Folders folders, TreeManifest manifest, VersionPtr version)
    : files_(files),
      folders_(std::move(folders)),
      next_number_(manifest.next_file_number),
      manifest_(std::move(manifest)),
      version_(std::move(version)) {}

VersionPtr VersionSet::current() const {
  MutexLock lock(mutex_);
  return version_;
}

TreeManifest VersionSet::manifest() const {
  MutexLock lock(mutex_);
  return manifest_;
}

std::string VersionSet::table_path(uint64_t number, std::string_view tree_key) const {
  return join_path(table_folder(folders_.tables, folders_.by_bucket, tree_key), table_file_name(number));
}

Result<VersionSet::NewTable> VersionSet::create_table(std::string_view tree_key) {
  NewTable table;
  table.number = next_number();
  table.path = table_path(table.number, tree_key);
  MutexLock lock(folders_mutex_);
  if (folders_.by_bucket)
    if (Status status = files_.create_directories(parent_path(table.path)); !status) return status;
  auto file = files_.create(table.path);
  if (!file) {
    remove_if_empty(parent_path(table.path));
    return file.status();
  }
  table.file = std::move(*file);
  return table;
}

bool VersionSet::remove_file(const std::string& path) {
  if (!files_.remove(path)) return false;
  const std::string folder = parent_path(path);
  if (parent_path(folder) != folders_.tables) return true;
  MutexLock lock(folders_mutex_);
  remove_if_empty(folder);
  return true;
}

// What cannot be removed, as it is not empty or for another reason, is looked at again by the next start. That the
// files are gone is on disk before the folder goes: else a crash could leave them without one.
void VersionSet::remove_if_empty(const std::string& folder) {
  if (parent_path(folder) != folders_.tables) return;
  const auto names = files_.list(folder);
  if (!names.is_ok() || !names.value().empty()) return;
  if (!files_.sync_directory(folder) || !files_.remove_directory(folder)) return;
  [[maybe_unused]] const Status synced = files_.sync_directory(folders_.tables);
}

std::string VersionSet::value_log_path(uint64_t number) const {
  return join_path(folders_.values, vlog_file_name(number));
}

Status VersionSet::apply(const VersionEdit& edit) {
  MutexLock one_at_a_time(apply_mutex_);
  TreeManifest manifest;
  VersionPtr before;
  {
    MutexLock lock(mutex_);
    manifest = manifest_;
    before = version_;
  }
  VersionPtr after = before;
  if (!edit.removed_tables.empty() || !edit.added_tables.empty())
    after = before->with(edit.removed_tables, edit.added_tables);
  manifest.levels.assign(levels_max, {});
  for (int level = 0; level < levels_max; ++level)
    for (const TableFilePtr& table : after->level(level))
      manifest.levels[static_cast<size_t>(level)].push_back(table->meta());
  const auto stays = [&](const VlogMeta& file) {
    return std::find(edit.removed_value_logs.begin(), edit.removed_value_logs.end(), file.number) ==
           edit.removed_value_logs.end();
  };
  const auto values = std::stable_partition(manifest.value_logs.begin(), manifest.value_logs.end(), stays);
  const std::vector<VlogMeta> removed_values(values, manifest.value_logs.end());
  manifest.value_logs.erase(values, manifest.value_logs.end());
  const auto removes = [&](uint64_t number) {
    return std::find(edit.removed_tables.begin(), edit.removed_tables.end(), number) != edit.removed_tables.end();
  };
  if (edit.change) edit.change(manifest);
  manifest.next_file_number = next_number_.load();
  const Status status = write_tree_manifest(files_, folders_.base, manifest);
  MutexLock lock(mutex_);
  if (!status) {
    for (const auto& added : edit.added_tables)
      if (!removes(added.table->number())) uncertain_tables_.push_back(added.table);  // else it was to move
    for (const uint64_t number : edit.added_value_logs) uncertain_values_.push_back({.number = number});
    return status;
  }
  for (int level = 0; level < levels_max; ++level)
    for (const TableFilePtr& table : before->level(level))
      if (removes(table->number())) needless_tables_.push_back(table);
  // What moved to another level is still there.
  std::erase_if(needless_tables_, [&](const TableFilePtr& table) {
    return std::any_of(edit.added_tables.begin(), edit.added_tables.end(),
                       [&](const Version::Added& added) { return added.table->number() == table->number(); });
  });
  std::move(uncertain_tables_.begin(), uncertain_tables_.end(), std::back_inserter(needless_tables_));
  uncertain_tables_.clear();
  needless_values_.insert(needless_values_.end(), uncertain_values_.begin(), uncertain_values_.end());
  uncertain_values_.clear();
  needless_values_.insert(needless_values_.end(), removed_values.begin(), removed_values.end());
  manifest_ = std::move(manifest);
  version_ = std::move(after);
  return {};
}

void VersionSet::know_value_logs(std::vector<VlogMeta> files) {
  MutexLock lock(mutex_);
  manifest_.value_logs = std::move(files);
}

uint64_t VersionSet::remove_needless() {
  std::vector<TableFilePtr> tables;
  std::vector<VlogMeta> values;
  {
    MutexLock lock(mutex_);
    if (is_held()) return 0;
    const auto unused = std::stable_partition(needless_tables_.begin(), needless_tables_.end(),
                                              [](const TableFilePtr& table) { return table.use_count() > 1; });
    std::move(unused, needless_tables_.end(), std::back_inserter(tables));
    needless_tables_.erase(unused, needless_tables_.end());
    values.swap(needless_values_);
  }
  uint64_t bytes = 0;
  for (const TableFilePtr& table : tables) {
    // What cannot be removed now is removed by the next start, which knows it for nobody's.
    if (remove_file(table->path())) bytes += table->meta().file_bytes;
  }
  for (const VlogMeta& meta : values) {
    const std::string path = value_log_path(meta.number);
    auto file = files_.open(path);
    const uint64_t size = file ? (*file)->size() : 0;
    if (files_.remove(path).is_ok()) bytes += size;
  }
  return bytes;
}

uint64_t VersionSet::needless_bytes() const {
  MutexLock lock(mutex_);
  uint64_t bytes = 0;
  for (const TableFilePtr& table : needless_tables_) bytes += table->meta().file_bytes;
  for (const VlogMeta& file : needless_values_) bytes += file.file_bytes;
  return bytes;
}

}  // namespace sett::storage
