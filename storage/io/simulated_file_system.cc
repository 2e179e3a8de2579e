#include "storage/io/simulated_file_system.h"

#include <algorithm>
#include <cstring>

#include "storage/io/simulated_disk.h"

namespace sett::storage {

using simulated::Change;
using simulated::Disk;
using simulated::Inode;

namespace {

const char* name_of(SimulatedFileSystem::Call call) {
  using Call = SimulatedFileSystem::Call;
  switch (call) {
    case Call::read:
      return "read";
    case Call::create:
      return "create";
    case Call::append:
      return "append";
    case Call::sync:
      return "sync";
    case Call::allocate:
      return "allocate";
    case Call::trim:
      return "trim";
    case Call::truncate:
      return "truncate";
    case Call::remove:
      return "remove";
    case Call::rename:
      return "rename";
    case Call::link:
      return "link";
    case Call::make_directory:
      return "make_directory";
    case Call::remove_directory:
      return "remove_directory";
    case Call::sync_directory:
      return "sync_directory";
  }
  return "";
}

Status missing(const std::string& path) {
  return Status::error(ErrorKind::not_found, path + " does not exist");
}
Status full(const std::string& path) {
  return Status::error(ErrorKind::no_space, path + ": simulated disk full");
}

}  // namespace

struct SimulatedFileSystem::State {
  mutable Mutex mutex;
  Disk disk GUARDED_BY(mutex);
  std::set<std::string> locked GUARDED_BY(mutex);
  std::vector<Fault> faults GUARDED_BY(mutex);
  uint64_t calls GUARDED_BY(mutex) = 0;
  uint64_t calls_until_crash GUARDED_BY(mutex) = unlimited;
  uint64_t capacity_bytes GUARDED_BY(mutex) = unlimited;
  bool caches_reads GUARDED_BY(mutex) = false;
  std::string last_call GUARDED_BY(mutex);

  // Every call passes here first: counts it, says whether it fails. `short_bytes` receives what a failing append
  // leaves.
  Status enter(Call call, const std::string& path, uint64_t* short_bytes = nullptr) REQUIRES(mutex) {
    const bool mutating = call != Call::read;
    if (calls_until_crash == 0) return Status::error(ErrorKind::closed, path + ": the simulated power is off");
    Status outcome;
    for (auto& fault : faults) {
      if (fault.call ? *fault.call != call : !mutating) continue;
      if (fault.nth == 0) {
        if (!fault.persistent) continue;
      } else if (--fault.nth > 0) {
        continue;
      }
      if (short_bytes != nullptr) *short_bytes = fault.short_bytes;
      outcome = Status::error(fault.kind, std::string(name_of(call)) + " " + path + ": simulated fault");
    }
    if (mutating) {
      ++calls;
      last_call = std::string(name_of(call)) + " " + path;
      if (calls_until_crash != unlimited) --calls_until_crash;
    }
    return outcome;
  }
  bool has_room(uint64_t more_bytes) const REQUIRES(mutex) {
    return capacity_bytes == unlimited || disk.used_bytes() + more_bytes <= capacity_bytes;
  }
};

class SimulatedFileSystem::Appender final : public AppendFile {
 public:
  Appender(std::shared_ptr<State> state, std::shared_ptr<Inode> inode, std::string path)
      : state_(std::move(state)), inode_(std::move(inode)), path_(std::move(path)) {}

  Status append(std::string_view bytes) override {
    MutexLock lock(state_->mutex);
    uint64_t short_bytes = 0;
    if (auto status = state_->enter(Call::append, path_, &short_bytes); !status) {
      put(bytes.substr(0, std::min<uint64_t>(short_bytes, bytes.size())));
      return status;
    }
    const uint64_t end = size_ + bytes.size();
    const uint64_t growth = end > inode_->bytes.size() ? end - inode_->bytes.size() : 0;
    if (growth > 0 && !state_->has_room(growth)) return full(path_);
    put(bytes);
    return {};
  }
  Status sync() override {
    MutexLock lock(state_->mutex);
    if (auto status = state_->enter(Call::sync, path_); !status) return status;
    inode_->sync();
    return {};
  }
  Status allocate(uint64_t bytes) override {
    MutexLock lock(state_->mutex);
    if (auto status = state_->enter(Call::allocate, path_); !status) return status;
    const uint64_t now_bytes = inode_->bytes.size();
    if (bytes <= now_bytes) return {};
    if (!state_->has_room(bytes - now_bytes)) return full(path_);
    inode_->resize(bytes);
    return {};
  }
  Status trim() override {
    MutexLock lock(state_->mutex);
    if (auto status = state_->enter(Call::trim, path_); !status) return status;
    inode_->resize(size_);
    return {};
  }
  uint64_t size() const override { return size_; }
  Status close() override {
    MutexLock lock(state_->mutex);
    if (closed_) return Status::error(ErrorKind::closed, path_ + " is closed already");
    closed_ = true;
    if (state_->calls_until_crash == 0) return Status::error(ErrorKind::closed, "the simulated power is off");
    return {};
  }

 private:
  void put(std::string_view bytes) {
    inode_->write(size_, bytes);
    size_ += bytes.size();
  }
  const std::shared_ptr<State> state_;
  const std::shared_ptr<Inode> inode_;
  const std::string path_;
  uint64_t size_ = 0;
  bool closed_ = false;
};

class SimulatedFileSystem::Reader final : public RandomAccessFile {
 public:
  Reader(std::shared_ptr<State> state, std::shared_ptr<Inode> inode, std::string path, uint64_t size)
      : state_(std::move(state)), inode_(std::move(inode)), path_(std::move(path)), size_(size) {}

  Result<uint64_t> read(uint64_t offset, char* out, uint64_t bytes) const override {
    MutexLock lock(state_->mutex);
    if (auto status = state_->enter(Call::read, path_); !status) return status;
    if (offset >= inode_->bytes.size()) return uint64_t{0};
    const uint64_t count = std::min<uint64_t>(bytes, inode_->bytes.size() - offset);
    std::memcpy(out, inode_->bytes.data() + offset, count);
    return count;
  }
  uint64_t read_cached(uint64_t offset, char* out, uint64_t bytes) const override {
    {
      MutexLock lock(state_->mutex);
      if (!state_->caches_reads) return 0;
    }
    const auto got = read(offset, out, bytes);
    return got ? got.value() : 0;
  }
  uint64_t size() const override { return size_; }

 private:
  const std::shared_ptr<State> state_;
  const std::shared_ptr<Inode> inode_;
  const std::string path_;
  const uint64_t size_;
};

class SimulatedFileSystem::Lock final : public FileLock {
 public:
  Lock(std::shared_ptr<State> state, std::string path) : state_(std::move(state)), path_(std::move(path)) {}
  ~Lock() override {
    MutexLock lock(state_->mutex);
    state_->locked.erase(path_);
  }

 private:
  const std::shared_ptr<State> state_;
  const std::string path_;
};

SimulatedFileSystem::SimulatedFileSystem() : state_(std::make_shared<State>()) {}
SimulatedFileSystem::~SimulatedFileSystem() = default;

void SimulatedFileSystem::crash_after(uint64_t mutating_calls) {
  MutexLock lock(state_->mutex);
  state_->calls_until_crash = mutating_calls;
}

bool SimulatedFileSystem::crashed() const {
  MutexLock lock(state_->mutex);
  return state_->calls_until_crash == 0;
}

void SimulatedFileSystem::inject(Fault fault) {
  MutexLock lock(state_->mutex);
  state_->faults.push_back(fault);
}

void SimulatedFileSystem::clear_faults() {
  MutexLock lock(state_->mutex);
  state_->faults.clear();
}

void SimulatedFileSystem::set_capacity(uint64_t bytes) {
  MutexLock lock(state_->mutex);
  state_->capacity_bytes = bytes;
}

void SimulatedFileSystem::set_caches_reads(bool caches) {
  MutexLock lock(state_->mutex);
  state_->caches_reads = caches;
}

uint64_t SimulatedFileSystem::used_bytes() const {
  MutexLock lock(state_->mutex);
  return state_->disk.used_bytes();
}

uint64_t SimulatedFileSystem::mutating_calls() const {
  MutexLock lock(state_->mutex);
  return state_->calls;
}

std::string SimulatedFileSystem::last_call() const {
  MutexLock lock(state_->mutex);
  return state_->last_call;
}

std::unique_ptr<SimulatedFileSystem> SimulatedFileSystem::crash(CrashPolicy policy, uint64_t seed) const {
  auto image = std::make_unique<SimulatedFileSystem>();
  MutexLock lock(state_->mutex);
  MutexLock image_lock(image->state_->mutex);
  image->state_->disk = state_->disk.after_crash(policy, seed);
  return image;
}

std::unique_ptr<SimulatedFileSystem> SimulatedFileSystem::kill() const {
  auto image = std::make_unique<SimulatedFileSystem>();
  MutexLock lock(state_->mutex);
  MutexLock image_lock(image->state_->mutex);
  image->state_->disk = state_->disk.copy();
  return image;
}

uint64_t SimulatedFileSystem::durable_hash() const {
  MutexLock lock(state_->mutex);
  return state_->disk.durable_hash();
}

std::string SimulatedFileSystem::content(const std::string& path) const {
  MutexLock lock(state_->mutex);
  return state_->disk.file(path)->bytes;
}

void SimulatedFileSystem::set_content(const std::string& path, std::string bytes) {
  MutexLock lock(state_->mutex);
  auto inode = state_->disk.file(path);
  inode->bytes = std::move(bytes);
  inode->synced = inode->bytes;
  inode->clean();
}

Result<std::unique_ptr<AppendFile>> SimulatedFileSystem::create(const std::string& path) {
  MutexLock lock(state_->mutex);
  if (auto status = state_->enter(Call::create, path); !status) return status;
  if (!state_->disk.is_directory(parent_path(path))) return missing(parent_path(path));
  if (state_->disk.holds(path)) return Status::error(ErrorKind::already_exists, path + " exists already");
  auto inode = std::make_shared<Inode>();
  state_->disk.change({Change::Kind::put, path, {}, inode});
  return std::unique_ptr<AppendFile>(std::make_unique<Appender>(state_, inode, path));
}

Result<std::unique_ptr<RandomAccessFile>> SimulatedFileSystem::open(const std::string& path) {
  MutexLock lock(state_->mutex);
  if (auto status = state_->enter(Call::read, path); !status) return status;
  if (state_->disk.is_directory(path)) {
    return Status::error(ErrorKind::invalid_argument, path + " is not a regular file");
  }
  auto inode = state_->disk.file(path);
  if (!inode) return missing(path);
  const uint64_t size = inode->bytes.size();
  return std::unique_ptr<RandomAccessFile>(std::make_unique<Reader>(state_, std::move(inode), path, size));
}

Result<bool> SimulatedFileSystem::exists(const std::string& path) {
  MutexLock lock(state_->mutex);
  if (auto status = state_->enter(Call::read, path); !status) return status;
  return state_->disk.holds(path);
}

Result<std::vector<std::string>> SimulatedFileSystem::list(const std::string& directory) {
  MutexLock lock(state_->mutex);
  if (auto status = state_->enter(Call::read, directory); !status) return status;
  if (!state_->disk.is_directory(directory)) return missing(directory);
  return state_->disk.list(directory);
}

Status SimulatedFileSystem::create_directories(const std::string& directory) {
  MutexLock lock(state_->mutex);
  std::vector<std::string> wanted;
  for (std::string at = directory; !state_->disk.is_directory(at); at = parent_path(at)) {
    if (state_->disk.holds(at)) return Status::error(ErrorKind::io, at + " is not a folder");
    wanted.push_back(at);
  }
  for (; !wanted.empty(); wanted.pop_back()) {
    if (auto status = state_->enter(Call::make_directory, wanted.back()); !status) return status;
    state_->disk.add_directory(wanted.back());
  }
  return {};
}

Status SimulatedFileSystem::remove(const std::string& path) {
  MutexLock lock(state_->mutex);
  if (auto status = state_->enter(Call::remove, path); !status) return status;
  if (state_->disk.is_directory(path)) return Status::error(ErrorKind::io, path + " is a folder");
  if (!state_->disk.holds(path)) return missing(path);
  state_->disk.change({Change::Kind::erase, path, {}, nullptr});
  return {};
}

Status SimulatedFileSystem::remove_directory(const std::string& path) {
  MutexLock lock(state_->mutex);
  if (auto status = state_->enter(Call::remove_directory, path); !status) return status;
  if (!state_->disk.is_directory(path)) return missing(path);
  if (!state_->disk.list(path).empty()) return Status::error(ErrorKind::io, path + " is not empty");
  state_->disk.change({Change::Kind::erase, path, {}, nullptr});
  return {};
}

Status SimulatedFileSystem::rename(const std::string& from, const std::string& to) {
  MutexLock lock(state_->mutex);
  if (auto status = state_->enter(Call::rename, from); !status) return status;
  if (state_->disk.is_directory(from) || state_->disk.is_directory(to)) {
    return Status::error(ErrorKind::unsupported, "the simulated file system renames files only");
  }
  if (!state_->disk.holds(from)) return missing(from);
  if (!state_->disk.is_directory(parent_path(to))) return missing(parent_path(to));
  if (from != to) state_->disk.change({Change::Kind::move, to, from, nullptr});
  return {};
}

Status SimulatedFileSystem::link(const std::string& from, const std::string& to) {
  MutexLock lock(state_->mutex);
  if (auto status = state_->enter(Call::link, from); !status) return status;
  auto inode = state_->disk.file(from);
  if (!inode) return missing(from);
  if (!state_->disk.is_directory(parent_path(to))) return missing(parent_path(to));
  if (state_->disk.holds(to)) return Status::error(ErrorKind::already_exists, to + " exists already");
  state_->disk.change({Change::Kind::put, to, {}, std::move(inode)});
  return {};
}

Status SimulatedFileSystem::truncate(const std::string& path, uint64_t size) {
  MutexLock lock(state_->mutex);
  if (auto status = state_->enter(Call::truncate, path); !status) return status;
  auto inode = state_->disk.file(path);
  if (!inode) return missing(path);
  const uint64_t now_bytes = inode->bytes.size();
  if (size > now_bytes && !state_->has_room(size - now_bytes)) return full(path);
  inode->resize(size);
  inode->sync();
  return {};
}

Status SimulatedFileSystem::sync_directory(const std::string& directory) {
  MutexLock lock(state_->mutex);
  if (auto status = state_->enter(Call::sync_directory, directory); !status) return status;
  if (!state_->disk.is_directory(directory)) return missing(directory);
  state_->disk.sync_directory(directory);
  return {};
}

Result<std::unique_ptr<FileLock>> SimulatedFileSystem::lock(const std::string& path) {
  MutexLock lock(state_->mutex);
  if (!state_->disk.holds(path)) {
    if (auto status = state_->enter(Call::create, path); !status) return status;
    if (!state_->disk.is_directory(parent_path(path))) return missing(parent_path(path));
    state_->disk.change({Change::Kind::put, path, {}, std::make_shared<Inode>()});
  }
  if (!state_->locked.insert(path).second) {
    return Status::error(ErrorKind::busy, path + " is locked: another process uses this folder");
  }
  return std::unique_ptr<FileLock>(std::make_unique<Lock>(state_, path));
}

Result<uint64_t> SimulatedFileSystem::free_bytes(const std::string& directory) {
  MutexLock lock(state_->mutex);
  if (auto status = state_->enter(Call::read, directory); !status) return status;
  if (!state_->disk.is_directory(directory)) return missing(directory);
  if (state_->capacity_bytes == unlimited) return unlimited;
  const uint64_t used = state_->disk.used_bytes();
  return used < state_->capacity_bytes ? state_->capacity_bytes - used : uint64_t{0};
}

}  // namespace sett::storage
