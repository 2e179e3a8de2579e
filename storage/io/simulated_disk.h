#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/random.h"
#include "storage/io/simulated_file_system.h"

// What the simulated file system knows about its disk: bytes and names, each as written and as synced. No faults, no
// locks, no counting here; one owner at a time.
namespace sett::storage::simulated {

// One file, whatever its names.
struct Inode {
  std::string bytes;                        // as written
  std::string synced;                       // as the disk surely has it
  uint64_t dirty_begin = 0, dirty_end = 0;  // where the two differ; begin >= end: nowhere but in size

  void write(uint64_t offset, std::string_view data);
  void resize(uint64_t size);  // new bytes read as zeroes
  void sync();
  void clean() { dirty_begin = dirty_end = 0; }
  // What a power cut leaves of it.
  std::string after_crash(CrashPolicy policy, Random& random) const;

 private:
  void touch(uint64_t begin, uint64_t end);
};

// One change to the names of a folder. A folder's own name maps to a null inode.
struct Change {
  enum class Kind : uint8_t { put, erase, move };
  Kind kind;
  std::string path;  // of a move: the new name
  std::string from;  // of a move
  std::shared_ptr<Inode> inode;
};

class Disk {
 public:
  using Names = std::map<std::string, std::shared_ptr<Inode>>;

  bool holds(const std::string& path) const;
  bool is_directory(const std::string& path) const;
  std::shared_ptr<Inode> file(const std::string& path) const;  // null where there is none
  std::vector<std::string> list(const std::string& directory) const;
  uint64_t used_bytes() const;

  void change(Change change);                         // seen at once, durable with sync_directory
  void add_directory(const std::string& path);        // durable at once
  void sync_directory(const std::string& directory);  // a change that touches two folders is synced by either

  Disk copy() const;
  Disk after_crash(CrashPolicy policy, uint64_t seed) const;
  uint64_t durable_hash() const;

 private:
  static void apply(const Change& change, Names& names);
  Names names_;
  Names durable_;
  std::vector<Change> pending_;  // in order; durable_ with all of them applied is names_
};

}  // namespace sett::storage::simulated
