#include "storage/io/posix_file_system.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

namespace sett::storage {

namespace {

constexpr mode_t file_mode = 0640;
constexpr mode_t directory_mode = 0750;

// One read or write never asks for more: Linux moves at most 2 GiB less a page in one call anyway.
constexpr uint64_t transfer_bytes_max = 1ull << 30;

template <typename Call>
auto retry_interrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  int get() const { return number_; }
  bool is_open() const { return number_ >= 0; }
  // On Linux the descriptor is gone after close(2) whatever it answers, EINTR included: never called twice.
  int close() { return ::close(std::exchange(number_, -1)); }

 private:
  int number_;
};

Result<Descriptor> open_descriptor(const std::string& path, int flags) {
  const int number = retry_interrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, file_mode); });
  if (number < 0) return Status::from_errno("open", path, errno);
  return Descriptor(number);
}

class PosixAppendFile final : public AppendFile {
 public:
  PosixAppendFile(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Status append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const auto part = std::min<uint64_t>(bytes.size(), transfer_bytes_max);
      const ssize_t wrote =
          retry_interrupted([&] { return ::pwrite(descriptor_.get(), bytes.data(), part, static_cast<off_t>(size_)); });
      if (wrote < 0) return Status::from_errno("write", path_, errno);
      if (wrote == 0) return Status::from_errno("write", path_, EIO);  // no progress and no reason: never spin on it
      size_ += static_cast<uint64_t>(wrote);
      bytes.remove_prefix(static_cast<size_t>(wrote));
    }
    return {};
  }

  Status sync() override {
    // Not retried on EINTR: after any failure the kernel may have dropped the dirty pages, and a second call would lie.
    if (::fdatasync(descriptor_.get()) != 0) return Status::from_errno("fdatasync", path_, errno);
    return {};
  }

  Status allocate(uint64_t bytes) override {
    if (bytes <= std::max(allocated_, size_)) return {};
    const int result =
        retry_interrupted([&] { return ::fallocate(descriptor_.get(), 0, 0, static_cast<off_t>(bytes)); });
    if (result != 0 && errno != EOPNOTSUPP) return Status::from_errno("fallocate", path_, errno);
    if (result != 0 && ::ftruncate(descriptor_.get(), static_cast<off_t>(bytes)) != 0) {
      return Status::from_errno("ftruncate", path_, errno);
    }
    allocated_ = bytes;
    return {};
  }

  Status trim() override {
    const int result = retry_interrupted([&] { return ::ftruncate(descriptor_.get(), static_cast<off_t>(size_)); });
    if (result != 0) return Status::from_errno("ftruncate", path_, errno);
    allocated_ = 0;
    return {};
  }

  uint64_t size() const override { return size_; }

  Status close() override {
    if (!descriptor_.is_open()) return Status::error(ErrorKind::closed, path_ + " is closed already");
    if (descriptor_.close() != 0) return Status::from_errno("close", path_, errno);
    return {};
  }

 private:
  Descriptor descriptor_;
  const std::string path_;
  uint64_t size_ = 0;
  uint64_t allocated_ = 0;
};

class PosixRandomAccessFile final : public RandomAccessFile {
 public:
  PosixRandomAccessFile(Descriptor descriptor, std::string path, uint64_t size)
      : descriptor_(std::move(descriptor)), path_(std::move(path)), size_(size) {}

  Result<uint64_t> read(uint64_t offset, char* out, uint64_t bytes) const override {
    uint64_t done = 0;
    while (done < bytes) {
      const auto part = std::min(bytes - done, transfer_bytes_max);
      const ssize_t got = retry_interrupted(
          [&] { return ::pread(descriptor_.get(), out + done, part, static_cast<off_t>(offset + done)); });
      if (got < 0) return Status::from_errno("read", path_, errno);
      if (got == 0) break;
      done += static_cast<uint64_t>(got);
    }
    return done;
  }

  uint64_t read_cached(uint64_t offset, char* out, uint64_t bytes) const override {
    if (!tells_cached_.load(std::memory_order_relaxed)) return 0;
    iovec part{.iov_base = out, .iov_len = std::min(bytes, transfer_bytes_max)};
    const ssize_t got = ::preadv2(descriptor_.get(), &part, 1, static_cast<off_t>(offset), RWF_NOWAIT);
    // tmpfs and FUSE know no RWF_NOWAIT: asked once.
    if (got < 0 && errno != EAGAIN && errno != EINTR) tells_cached_.store(false, std::memory_order_relaxed);
    return got < 0 ? 0 : static_cast<uint64_t>(got);
  }

  uint64_t size() const override { return size_; }

  void expect_random_reads() const override {
    [[maybe_unused]] const int ignored = ::posix_fadvise(descriptor_.get(), 0, 0, POSIX_FADV_RANDOM);
  }

  void will_read(uint64_t offset, uint64_t bytes) const override {
    [[maybe_unused]] const int ignored =
        ::posix_fadvise(descriptor_.get(), static_cast<off_t>(offset), static_cast<off_t>(bytes), POSIX_FADV_WILLNEED);
  }

 private:
  const Descriptor descriptor_;
  const std::string path_;
  const uint64_t size_;
  mutable std::atomic<bool> tells_cached_{true};
};

class PosixFileLock final : public FileLock {
 public:
  explicit PosixFileLock(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

 private:
  const Descriptor descriptor_;  // closing it lets go of the lock
};

}  // namespace

Result<std::unique_ptr<AppendFile>> PosixFileSystem::create(const std::string& path) {
  auto descriptor = open_descriptor(path, O_WRONLY | O_CREAT | O_EXCL);
  if (!descriptor) return descriptor.status();
  return std::unique_ptr<AppendFile>(std::make_unique<PosixAppendFile>(std::move(*descriptor), path));
}

Result<std::unique_ptr<RandomAccessFile>> PosixFileSystem::open(const std::string& path) {
  auto descriptor = open_descriptor(path, O_RDONLY);
  if (!descriptor) return descriptor.status();
  struct stat facts {};
  if (::fstat(descriptor->get(), &facts) != 0) return Status::from_errno("fstat", path, errno);
  if (!S_ISREG(facts.st_mode)) return Status::error(ErrorKind::invalid_argument, path + " is not a regular file");
  return std::unique_ptr<RandomAccessFile>(
      std::make_unique<PosixRandomAccessFile>(std::move(*descriptor), path, static_cast<uint64_t>(facts.st_size)));
}

Result<bool> PosixFileSystem::exists(const std::string& path) {
  struct stat facts {};
  if (::stat(path.c_str(), &facts) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return Status::from_errno("stat", path, errno);
}

Result<std::vector<std::string>> PosixFileSystem::list(const std::string& directory) {
  struct Closer {
    void operator()(DIR* stream) const { ::closedir(stream); }
  };
  const std::unique_ptr<DIR, Closer> stream(::opendir(directory.c_str()));
  if (!stream) return Status::from_errno("opendir", directory, errno);
  std::vector<std::string> names;
  while (true) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) break;
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return Status::from_errno("readdir", directory, errno);
  std::sort(names.begin(), names.end());
  return names;
}

Status PosixFileSystem::create_directories(const std::string& directory) {
  struct stat facts {};
  if (::stat(directory.c_str(), &facts) == 0) {
    if (S_ISDIR(facts.st_mode)) return {};
    return Status::from_errno("mkdir", directory, ENOTDIR);
  }
  if (errno != ENOENT) return Status::from_errno("stat", directory, errno);
  const std::string parent = parent_path(directory);
  if (parent != directory) {
    if (auto status = create_directories(parent); !status) return status;
  }
  if (::mkdir(directory.c_str(), directory_mode) != 0 && errno != EEXIST) {
    return Status::from_errno("mkdir", directory, errno);
  }
  return sync_directory(parent);
}

Status PosixFileSystem::remove(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return Status::from_errno("unlink", path, errno);
  return {};
}

Status PosixFileSystem::remove_directory(const std::string& path) {
  if (::rmdir(path.c_str()) != 0) return Status::from_errno("rmdir", path, errno);
  return {};
}

Status PosixFileSystem::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return Status::from_errno("rename to " + to, from, errno);
  return {};
}

Status PosixFileSystem::link(const std::string& from, const std::string& to) {
  if (::link(from.c_str(), to.c_str()) == 0) return {};
  if (errno == EXDEV || errno == EPERM || errno == EMLINK || errno == EOPNOTSUPP)
    return Status::error(ErrorKind::unsupported, from + " cannot be linked to " + to);
  return Status::from_errno("link to " + to, from, errno);
}

Status PosixFileSystem::truncate(const std::string& path, uint64_t size) {
  auto descriptor = open_descriptor(path, O_WRONLY);
  if (!descriptor) return descriptor.status();
  const int result = retry_interrupted([&] { return ::ftruncate(descriptor->get(), static_cast<off_t>(size)); });
  if (result != 0) return Status::from_errno("ftruncate", path, errno);
  if (::fsync(descriptor->get()) != 0) return Status::from_errno("fsync", path, errno);
  if (descriptor->close() != 0) return Status::from_errno("close", path, errno);
  return {};
}

Status PosixFileSystem::sync_directory(const std::string& directory) {
  auto descriptor = open_descriptor(directory, O_RDONLY | O_DIRECTORY);
  if (!descriptor) return descriptor.status();
  if (::fsync(descriptor->get()) != 0) return Status::from_errno("fsync", directory, errno);
  return {};
}

Result<std::unique_ptr<FileLock>> PosixFileSystem::lock(const std::string& path) {
  auto descriptor = open_descriptor(path, O_RDWR | O_CREAT);
  if (!descriptor) return descriptor.status();
  const int result = retry_interrupted([&] { return ::flock(descriptor->get(), LOCK_EX | LOCK_NB); });
  if (result != 0 && errno == EWOULDBLOCK) {
    return Status::error(ErrorKind::busy, path + " is locked: another process uses this folder");
  }
  if (result != 0) return Status::from_errno("flock", path, errno);
  return std::unique_ptr<FileLock>(std::make_unique<PosixFileLock>(std::move(*descriptor)));
}

Result<uint64_t> PosixFileSystem::free_bytes(const std::string& directory) {
  struct statvfs facts {};
  if (::statvfs(directory.c_str(), &facts) != 0) return Status::from_errno("statvfs", directory, errno);
  return static_cast<uint64_t>(facts.f_bavail) * facts.f_frsize;
}

}  // namespace sett::storage
