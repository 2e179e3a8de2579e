#pragma once

#include "storage/io/file_system.h"

namespace sett::storage {

// Files in memory: they are there as long as this object or somebody who has them open. There is no disk, so syncs do
// nothing, there is always room, and what was only allocated takes no memory. One mutex for the names, one for each
// file's bytes. Paths are compared as text (no "..", no links); folders are not renamed.
class MemoryFileSystem final : public FileSystem {
 public:
  MemoryFileSystem();
  ~MemoryFileSystem() override;

  uint64_t used_bytes() const;  // of the files that have a name, what was appended

  Result<std::unique_ptr<AppendFile>> create(const std::string& path) override;
  Result<std::unique_ptr<RandomAccessFile>> open(const std::string& path) override;
  Result<bool> exists(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Status create_directories(const std::string& directory) override;
  Status remove(const std::string& path) override;
  Status remove_directory(const std::string& path) override;
  Status rename(const std::string& from, const std::string& to) override;
  Status link(const std::string& from, const std::string& to) override;
  Status truncate(const std::string& path, uint64_t size) override;
  Status sync_directory(const std::string& directory) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;
  Result<uint64_t> free_bytes(const std::string& directory) override;

 private:
  class Content;
  class Appender;
  class Reader;
  class Lock;
  struct Names;
  const std::shared_ptr<Names> names_;  // shared with the locks, which may outlive this object
};

}  // namespace sett::storage
