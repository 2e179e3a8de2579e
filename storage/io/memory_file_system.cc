#include "storage/io/memory_file_system.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include "storage/base/mutex.h"

namespace sett::storage {

namespace {
Status missing(const std::string& path) {
  return Status::error(ErrorKind::not_found, path + " does not exist");
}
}  // namespace

// The bytes of one file, whatever its name. Those from held_ to size_ are zeroes that nobody has.
class MemoryFileSystem::Content {
 public:
  void write(uint64_t offset, std::string_view bytes) {
    MutexLock lock(mutex_);
    fill(offset);
    for (uint64_t at = offset; !bytes.empty();) {
      const uint64_t within = at % chunk_bytes;
      if (at / chunk_bytes == chunks_.size()) chunks_.emplace_back(new char[chunk_bytes]);
      const uint64_t count = std::min<uint64_t>(bytes.size(), chunk_bytes - within);
      std::memcpy(chunks_[at / chunk_bytes].get() + within, bytes.data(), count);
      bytes.remove_prefix(count);
      at += count;
      held_ = std::max(held_, at);
    }
    size_ = std::max(size_, held_);
  }
  uint64_t read(uint64_t offset, char* out, uint64_t bytes) const {
    MutexLock lock(mutex_);
    if (offset >= size_) return 0;
    const uint64_t count = std::min(bytes, size_ - offset);
    for (uint64_t done = 0; done < count;) {
      const uint64_t at = offset + done, within = at % chunk_bytes;
      uint64_t some = std::min(count - done, chunk_bytes - within);
      if (at < held_) {
        some = std::min(some, held_ - at);
        std::memcpy(out + done, chunks_[at / chunk_bytes].get() + within, some);
      } else {
        std::memset(out + done, 0, some);
      }
      done += some;
    }
    return count;
  }
  void grow(uint64_t size) {
    MutexLock lock(mutex_);
    size_ = std::max(size_, size);
  }
  void resize(uint64_t size) {
    MutexLock lock(mutex_);
    size_ = size;
    held_ = std::min(held_, size);
    chunks_.resize((held_ + chunk_bytes - 1) / chunk_bytes);
  }
  uint64_t size() const {
    MutexLock lock(mutex_);
    return size_;
  }
  uint64_t held_bytes() const {
    MutexLock lock(mutex_);
    return held_;
  }

 private:
  static constexpr uint64_t chunk_bytes = 64u << 10;

  // Zeroes up to there, where a file was cut behind its writer's back.
  void fill(uint64_t end) REQUIRES(mutex_) {
    for (; held_ < end; held_ = std::min(end, (held_ / chunk_bytes + 1) * chunk_bytes)) {
      if (held_ / chunk_bytes == chunks_.size()) chunks_.emplace_back(new char[chunk_bytes]);
      const uint64_t within = held_ % chunk_bytes;
      std::memset(chunks_[held_ / chunk_bytes].get() + within, 0, std::min(end - held_, chunk_bytes - within));
    }
  }

  mutable Mutex mutex_;
  std::vector<std::unique_ptr<char[]>> chunks_ GUARDED_BY(mutex_);  // all that lie before held_
  uint64_t held_ GUARDED_BY(mutex_) = 0, size_ GUARDED_BY(mutex_) = 0;
};

struct MemoryFileSystem::Names {
  mutable Mutex mutex;
  // By path; a folder has no content.
  std::map<std::string, std::shared_ptr<Content>> all GUARDED_BY(mutex);
  std::set<std::string> locked GUARDED_BY(mutex);

  bool is_directory(const std::string& path) const REQUIRES(mutex) {
    if (path == "/" || path == ".") return true;
    const auto at = all.find(path);
    return at != all.end() && !at->second;
  }
  std::shared_ptr<Content> file(const std::string& path) const REQUIRES(mutex) {
    const auto at = all.find(path);
    return at == all.end() ? nullptr : at->second;
  }
  std::vector<std::string> list(const std::string& directory) const REQUIRES(mutex) {
    std::vector<std::string> found;
    const std::string prefix = directory == "." ? std::string() : join_path(directory, "");
    for (auto at = all.lower_bound(prefix); at != all.end() && at->first.starts_with(prefix); ++at) {
      const std::string name = at->first.substr(prefix.size());
      if (!name.empty() && name.find('/') == std::string::npos) found.push_back(name);
    }
    return found;
  }
};

class MemoryFileSystem::Appender final : public AppendFile {
 public:
  Appender(std::shared_ptr<Content> content, std::string path) : content_(std::move(content)), path_(std::move(path)) {}

  Status append(std::string_view bytes) override {
    content_->write(size_, bytes);
    size_ += bytes.size();
    return {};
  }
  Status sync() override { return {}; }
  Status allocate(uint64_t bytes) override {
    content_->grow(bytes);
    return {};
  }
  Status trim() override {
    content_->resize(size_);
    return {};
  }
  uint64_t size() const override { return size_; }
  Status close() override {
    if (is_closed_) return Status::error(ErrorKind::closed, path_ + " is closed already");
    is_closed_ = true;
    return {};
  }

 private:
  const std::shared_ptr<Content> content_;
  const std::string path_;
  uint64_t size_ = 0;
  bool is_closed_ = false;
};

class MemoryFileSystem::Reader final : public RandomAccessFile {
 public:
  explicit Reader(std::shared_ptr<const Content> content) : content_(std::move(content)), size_(content_->size()) {}

  Result<uint64_t> read(uint64_t offset, char* out, uint64_t bytes) const override {
    return content_->read(offset, out, bytes);
  }
  uint64_t read_cached(uint64_t offset, char* out, uint64_t bytes) const override {
    return content_->read(offset, out, bytes);
  }
  uint64_t size() const override { return size_; }

 private:
  const std::shared_ptr<const Content> content_;
  const uint64_t size_;
};

class MemoryFileSystem::Lock final : public FileLock {
 public:
  Lock(std::shared_ptr<Names> names, std::string path) : names_(std::move(names)), path_(std::move(path)) {}
  ~Lock() override {
    MutexLock lock(names_->mutex);
    names_->locked.erase(path_);
  }

 private:
  const std::shared_ptr<Names> names_;
  const std::string path_;
};

MemoryFileSystem::MemoryFileSystem() : names_(std::make_shared<Names>()) {}
MemoryFileSystem::~MemoryFileSystem() = default;

uint64_t MemoryFileSystem::used_bytes() const {
  MutexLock lock(names_->mutex);
  uint64_t bytes = 0;
  std::set<const Content*> counted;  // a file may have several names
  for (const auto& [path, content] : names_->all)
    if (content && counted.insert(content.get()).second) bytes += content->held_bytes();
  return bytes;
}

Result<std::unique_ptr<AppendFile>> MemoryFileSystem::create(const std::string& path) {
  MutexLock lock(names_->mutex);
  if (!names_->is_directory(parent_path(path))) return missing(parent_path(path));
  auto content = std::make_shared<Content>();
  if (!names_->all.emplace(path, content).second)
    return Status::error(ErrorKind::already_exists, path + " exists already");
  return std::unique_ptr<AppendFile>(std::make_unique<Appender>(std::move(content), path));
}

Result<std::unique_ptr<RandomAccessFile>> MemoryFileSystem::open(const std::string& path) {
  MutexLock lock(names_->mutex);
  if (names_->is_directory(path)) return Status::error(ErrorKind::invalid_argument, path + " is not a regular file");
  auto content = names_->file(path);
  if (!content) return missing(path);
  return std::unique_ptr<RandomAccessFile>(std::make_unique<Reader>(std::move(content)));
}

Result<bool> MemoryFileSystem::exists(const std::string& path) {
  MutexLock lock(names_->mutex);
  return names_->is_directory(path) || names_->all.contains(path);
}

Result<std::vector<std::string>> MemoryFileSystem::list(const std::string& directory) {
  MutexLock lock(names_->mutex);
  if (!names_->is_directory(directory)) return missing(directory);
  return names_->list(directory);
}

Status MemoryFileSystem::create_directories(const std::string& directory) {
  MutexLock lock(names_->mutex);
  for (std::string at = directory; !names_->is_directory(at); at = parent_path(at))
    if (names_->file(at)) return Status::error(ErrorKind::io, at + " is not a folder");
  for (std::string at = directory; !names_->is_directory(at); at = parent_path(at)) names_->all.emplace(at, nullptr);
  return {};
}

Status MemoryFileSystem::remove(const std::string& path) {
  std::shared_ptr<Content> freed;  // without the lock
  MutexLock lock(names_->mutex);
  if (names_->is_directory(path)) return Status::error(ErrorKind::io, path + " is a folder");
  freed = names_->file(path);
  if (!freed) return missing(path);
  names_->all.erase(path);
  return {};
}

Status MemoryFileSystem::remove_directory(const std::string& path) {
  MutexLock lock(names_->mutex);
  if (!names_->is_directory(path)) return missing(path);
  if (!names_->list(path).empty()) return Status::error(ErrorKind::io, path + " is not empty");
  names_->all.erase(path);
  return {};
}

Status MemoryFileSystem::rename(const std::string& from, const std::string& to) {
  std::shared_ptr<Content> replaced;  // freed without the lock
  MutexLock lock(names_->mutex);
  if (names_->is_directory(from) || names_->is_directory(to))
    return Status::error(ErrorKind::unsupported, "files in memory are renamed, folders are not");
  auto content = names_->file(from);
  if (!content) return missing(from);
  if (!names_->is_directory(parent_path(to))) return missing(parent_path(to));
  if (from == to) return {};
  names_->all.erase(from);
  replaced = std::exchange(names_->all[to], std::move(content));
  return {};
}

Status MemoryFileSystem::link(const std::string& from, const std::string& to) {
  MutexLock lock(names_->mutex);
  auto content = names_->file(from);
  if (!content) return missing(from);
  if (!names_->is_directory(parent_path(to))) return missing(parent_path(to));
  if (names_->all.contains(to)) return Status::error(ErrorKind::already_exists, to + " exists already");
  names_->all[to] = std::move(content);
  return {};
}

Status MemoryFileSystem::truncate(const std::string& path, uint64_t size) {
  MutexLock lock(names_->mutex);
  const auto content = names_->file(path);
  if (!content) return missing(path);
  content->resize(size);
  return {};
}

Status MemoryFileSystem::sync_directory(const std::string& directory) {
  MutexLock lock(names_->mutex);
  return names_->is_directory(directory) ? Status() : missing(directory);
}

Result<std::unique_ptr<FileLock>> MemoryFileSystem::lock(const std::string& path) {
  MutexLock lock(names_->mutex);
  if (!names_->is_directory(parent_path(path))) return missing(parent_path(path));
  names_->all.try_emplace(path, std::make_shared<Content>());
  if (!names_->locked.insert(path).second)
    return Status::error(ErrorKind::busy, path + " is locked: another process uses this folder");
  return std::unique_ptr<FileLock>(std::make_unique<Lock>(names_, path));
}

Result<uint64_t> MemoryFileSystem::free_bytes(const std::string& directory) {
  MutexLock lock(names_->mutex);
  if (!names_->is_directory(directory)) return missing(directory);
  return std::numeric_limits<uint64_t>::max() / 2;  // so that sums with it are numbers
}

}  // namespace sett::storage
