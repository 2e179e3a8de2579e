#include "storage/backup/backup_job.h"

#include <algorithm>
#include <utility>

#include "storage/base/crc32c.h"

namespace sett::storage {

namespace {
// At most about 100 MB a second: the disk has others to serve.
constexpr uint64_t piece_bytes = 1 << 20;
constexpr int64_t pause_ms = 10;
}  // namespace

void BackupJob::begin(const Tools& tools, const std::string& directory, const std::string& name,
                      std::vector<Backups::Source> sources, Done done) {
  const std::shared_ptr<BackupJob> job(new BackupJob(tools, directory, name, std::move(sources), std::move(done)));
  job->post(&BackupJob::make_folder);
}

void BackupJob::post(void (BackupJob::*step)(), int64_t delay_ms) {
  auto task = [self = shared_from_this(), step] { (self.get()->*step)(); };
  if (delay_ms == 0)
    tools_.executor.post(Executor::Lane::background, std::move(task));
  else
    tools_.executor.post_after(Executor::Lane::background, delay_ms, std::move(task));
}

// --- The folder

void BackupJob::make_folder() {
  Status status = prepare_folder();
  if (status) status = find_last_backup();
  if (!status) return end(status);
  next_part();
}

Status BackupJob::prepare_folder() {
  FileSystem& files = tools_.files;
  const std::string marker = join_path(folder_, backup_marker_name);
  const auto names = files.list(folder_);
  if (!names.is_ok() && names.status().kind() != ErrorKind::not_found) return names.status();
  if (names.is_ok() && !names.value().empty()) {
    const auto has = [&](std::string_view name) {
      return std::find(names.value().begin(), names.value().end(), name) != names.value().end();
    };
    if (has(backup_manifest_name) || !has(backup_marker_name))
      return Status::error(ErrorKind::already_exists, folder_ + " exists already");
    if (Status status = remove_backup(files, folder_); !status) return status;
  }
  is_ours_ = true;
  if (Status status = files.create_directories(folder_); !status) return status;
  folders_.insert(folder_);
  const auto made = files.create(marker);
  if (!made.is_ok()) return made.status();
  return files.sync_directory(folder_);
}

// One that cannot be read is of no use, and no reason to make no backup.
Status BackupJob::find_last_backup() {
  const auto names = tools_.files.list(directory_);
  if (!names.is_ok()) return names.status();
  int64_t latest_ms = -1;
  for (const std::string& name : names.value()) {
    const std::string folder = join_path(directory_, name);
    const auto manifest = read_backup_manifest(tools_.files, folder);
    if (!manifest.is_ok() || !manifest.value() || manifest.value()->created_ms <= latest_ms) continue;
    latest_ms = manifest.value()->created_ms;
    last_folder_ = folder;
    last_files_.clear();
    for (const BackupManifest::File& file : manifest.value()->files) last_files_[file.name] = file;
  }
  return {};
}

// --- One store after the other

void BackupJob::next_part() {
  if (next_source_ == sources_.size()) return finish();
  sources_[next_source_++]([self = shared_from_this()](const Result<BackupPartPtr>& part) {
    if (!part.is_ok()) return self->end(part.status());
    self->part_ = part.value();
    self->manifest_.stores.push_back({self->part_->backend, self->part_->sequence});
    self->post(&BackupJob::take_files);
  });
}

void BackupJob::take_files() {
  if (Status status = take_all(); !status) return end(status);
  read_files();
}

Status BackupJob::take_all() {
  for (const BackupPart::File& file : part_->files)
    if (Status status = take_file(file); !status) return status;
  return write_rest();
}

Status BackupJob::write_rest() {
  const std::string folder = join_path(folder_, part_->backend);
  if (Status status = make_parent(part_->backend + "/x"); !status) return status;
  auto names = part_->write_rest(folder);
  if (!names.is_ok()) return names.status();
  for (const std::string& rest : names.value()) {
    const std::string name = join_path(part_->backend, rest), path = join_path(folder_, name);
    folders_.insert(parent_path(path));
    tasks_.push_back({.action = Action::check, .from = path, .name = name});
  }
  return {};
}

// The store holds what this part names only until all of it has been taken: however long it takes to read it, files
// that are replaced meanwhile go, and so does the log.
void BackupJob::read_files() {
  while (!tasks_.empty()) {
    if (tasks_.front().action == Action::check) part_.reset();
    if (unpaused_bytes_ >= piece_bytes) {
      unpaused_bytes_ = 0;
      return post(&BackupJob::read_files, pause_ms);
    }
    if (Status status = read_piece(); !status) return end(status);
  }
  part_.reset();
  next_part();
}

// --- One file after the other

Status BackupJob::make_parent(const std::string& name) {
  const std::string parent = parent_path(join_path(folder_, name));
  if (folders_.contains(parent)) return {};
  if (Status status = tools_.files.create_directories(parent); !status) return status;
  folders_.insert(parent);
  return {};
}

Status BackupJob::take_file(const BackupPart::File& file) {
  const std::string name = join_path(part_->backend, file.name), to = join_path(folder_, name);
  if (Status status = make_parent(name); !status) return status;
  const Status linked = tools_.files.link(file.from, to);
  if (linked) tasks_.push_back({.action = Action::check, .from = to, .name = name});
  if (linked || linked.kind() != ErrorKind::unsupported) return linked;
  auto source = tools_.files.open(file.from);
  if (!source) return source.status();
  const auto last = last_files_.find(name);
  const bool may_be_the_same = last != last_files_.end() && last->second.bytes == (*source)->size();
  tasks_.push_front({.action = may_be_the_same ? Action::compare : Action::copy, .from = file.from, .name = name});
  return {};
}

Status BackupJob::begin_task() {
  Task& task = tasks_.front();
  auto in = tools_.files.open(task.from);
  if (!in) return in.status();
  task.in = std::move(*in);
  if (task.action != Action::copy) return {};
  auto out = tools_.files.create(join_path(folder_, task.name));
  if (!out) return out.status();
  task.out = std::move(*out);
  return {};
}

Status BackupJob::read_piece() {
  if (!tasks_.front().in)
    if (Status status = begin_task(); !status) return status;
  Task& task = tasks_.front();
  const uint64_t bytes = std::min(piece_bytes, task.in->size() - task.offset);
  if (bytes == 0) return end_file();
  std::string piece(bytes, '\0');
  const auto got = task.in->read(task.offset, piece.data(), bytes);
  if (!got.is_ok()) return got.status();
  if (got.value() != bytes) return Status::error(ErrorKind::io, task.from + ": the file became shorter");
  task.offset += bytes;
  task.checksum = extend_crc32c(task.checksum, piece);
  unpaused_bytes_ += bytes;
  return task.out ? task.out->append(piece) : Status();
}

Status BackupJob::end_file() {
  Task task = std::move(tasks_.front());
  tasks_.pop_front();
  if (task.action == Action::compare) {
    const BackupManifest::File& last = last_files_.at(task.name);
    const Status linked = task.checksum == last.checksum
                              ? tools_.files.link(join_path(last_folder_, task.name), join_path(folder_, task.name))
                              : Status::error(ErrorKind::unsupported, "it is another file");
    if (!linked) {
      tasks_.push_front({.action = Action::copy, .from = task.from, .name = task.name});
      return {};
    }
  }
  if (task.out) {
    if (Status status = task.out->sync(); !status) return status;
    if (Status status = task.out->close(); !status) return status;
  }
  manifest_.files.push_back({task.name, task.offset, task.checksum});
  return {};
}

// --- The end

void BackupJob::finish() {
  end(write_manifest());
}

Status BackupJob::write_manifest() {
  FileSystem& files = tools_.files;
  for (const std::string& folder : folders_)
    if (Status status = files.sync_directory(folder); !status) return status;
  manifest_.created_ms = tools_.clock.wall_ms();
  const std::string path = join_path(folder_, backup_manifest_name);
  if (Status status = replace_file(files, path, encode_backup_manifest(manifest_)); !status) return status;
  if (Status status = files.remove(join_path(folder_, backup_marker_name)); !status) return status;
  return files.sync_directory(folder_);
}

void BackupJob::end(const Status& status) {
  tasks_.clear();
  part_.reset();
  // What cannot be removed says of itself that it is incomplete.
  if (!status && is_ours_) {
    [[maybe_unused]] const Status removed = remove_backup(tools_.files, folder_);
  }
  done_(status, manifest_.bytes());
}

}  // namespace sett::storage
