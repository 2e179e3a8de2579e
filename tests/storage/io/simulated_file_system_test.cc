#include "storage/io/simulated_file_system.h"

#include <catch2/catch.hpp>
#include <set>

using namespace sett::storage;
using Call = SimulatedFileSystem::Call;

namespace {

std::string bytes_of(SimulatedFileSystem& files, const std::string& path) {
  auto bytes = read_file(files, path, 1 << 24);
  REQUIRE(bytes);
  return *bytes;
}

// A file with 10 000 synced 's' and 30 000 written 'w' behind them.
std::unique_ptr<AppendFile> half_synced(SimulatedFileSystem& files) {
  REQUIRE(files.create_directories("/d"));
  auto file = files.create("/d/f");
  REQUIRE(file);
  REQUIRE(files.sync_directory("/d"));
  REQUIRE((*file)->append(std::string(10000, 's')));
  REQUIRE((*file)->sync());
  REQUIRE((*file)->append(std::string(30000, 'w')));
  return std::move(*file);
}

}  // namespace

TEST_CASE("a power cut keeps what was synced and does its worst to the rest", "[io]") {
  SimulatedFileSystem files;
  const auto file = half_synced(files);
  const std::string synced(10000, 's');
  const std::string written = synced + std::string(30000, 'w');
  REQUIRE(bytes_of(*files.crash(CrashPolicy::keep, 1), "/d/f") == written);
  REQUIRE(bytes_of(*files.crash(CrashPolicy::drop, 1), "/d/f") == synced);
  REQUIRE(bytes_of(*files.crash(CrashPolicy::zero_filled, 1), "/d/f") == synced + std::string(30000, '\0'));
  for (const auto policy : {CrashPolicy::torn_512, CrashPolicy::torn_4096}) {
    const uint64_t unit = policy == CrashPolicy::torn_512 ? 512 : 4096;
    std::set<size_t> sizes;
    for (uint64_t seed = 0; seed < 200; ++seed) {
      INFO("seed " << seed);
      const auto left = bytes_of(*files.crash(policy, seed), "/d/f");
      REQUIRE(left == written.substr(0, left.size()));
      REQUIRE(left.size() >= synced.size());
      if (left.size() != synced.size() && left.size() != written.size()) REQUIRE(left.size() % unit == 0);
      sizes.insert(left.size());
    }
    REQUIRE(sizes.size() > 6);
  }
  std::set<std::string> images;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    INFO("seed " << seed);
    const auto left = bytes_of(*files.crash(CrashPolicy::reordered, seed), "/d/f");
    REQUIRE(left.substr(0, 10000) == synced);
    for (size_t at = 12288; at + 4096 <= left.size(); at += 4096) {
      const auto page = left.substr(at, 4096);
      REQUIRE((page == std::string(4096, 'w') || page == std::string(4096, '\0')));
    }
    images.insert(left);
  }
  REQUIRE(images.size() > 50);
}

TEST_CASE("names are durable only with their folder", "[io]") {
  SimulatedFileSystem files;
  REQUIRE(files.create_directories("/d/e"));
  REQUIRE(replace_file(files, "/d/kept", "old"));
  for (const auto* name : {"/d/a", "/d/b"}) {
    auto file = files.create(name);
    REQUIRE(file);
    REQUIRE((*file)->append("x"));
    REQUIRE((*file)->sync());
  }
  REQUIRE(files.rename("/d/a", "/d/kept"));
  using Names = std::vector<std::string>;
  REQUIRE(files.crash(CrashPolicy::drop, 1)->list("/d").value() == Names{"e", "kept"});
  REQUIRE(bytes_of(*files.crash(CrashPolicy::drop, 1), "/d/kept") == "old");
  REQUIRE(files.crash(CrashPolicy::keep, 1)->list("/d").value() == Names{"b", "e", "kept"});
  std::set<Names> seen;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    INFO("seed " << seed);
    const auto image = files.crash(CrashPolicy::reordered, seed);
    const auto names = image->list("/d").value();
    const bool moved = bytes_of(*image, "/d/kept") == "x";
    if (moved) REQUIRE(std::count(names.begin(), names.end(), "a") == 0);  // both halves of the rename or none
    seen.insert(names);
  }
  REQUIRE(seen.size() == 4);  // a or not, b or not, and "kept" always
  REQUIRE(files.sync_directory("/d"));
  REQUIRE(files.crash(CrashPolicy::drop, 1)->list("/d").value() == Names{"b", "e", "kept"});
  REQUIRE(files.remove("/d/b"));
  REQUIRE(files.crash(CrashPolicy::drop, 1)->exists("/d/b").value());
  REQUIRE_FALSE(files.crash(CrashPolicy::keep, 1)->exists("/d/b").value());
}

TEST_CASE("after kill -9 all written bytes are there, unsynced as before, and locks are free", "[io]") {
  SimulatedFileSystem files;
  const auto file = half_synced(files);
  auto lock = files.lock("/d/LOCK");
  REQUIRE(lock);
  const auto image = files.kill();
  REQUIRE(bytes_of(*image, "/d/f").size() == 40000);
  REQUIRE(image->lock("/d/LOCK"));
  REQUIRE(bytes_of(*image->crash(CrashPolicy::drop, 1), "/d/f").size() == 10000);
  REQUIRE(file->append("later"));
  REQUIRE(bytes_of(*image, "/d/f").size() == 40000);  // a copy, not a view
}

TEST_CASE("the power goes after the chosen call", "[io]") {
  SimulatedFileSystem files;
  const auto file = half_synced(files);
  const auto calls = files.mutating_calls();
  files.crash_after(2);
  REQUIRE(file->sync());
  REQUIRE(files.last_call() == "sync /d/f");
  REQUIRE_FALSE(files.crashed());
  REQUIRE(file->append("x"));
  REQUIRE(files.crashed());
  REQUIRE(file->append("y").kind() == ErrorKind::closed);
  REQUIRE(files.open("/d/f").status().kind() == ErrorKind::closed);
  REQUIRE(file->close().kind() == ErrorKind::closed);
  REQUIRE(files.mutating_calls() == calls + 2);
  REQUIRE(bytes_of(*files.crash(CrashPolicy::keep, 1), "/d/f").size() == 40001);
}

TEST_CASE("chosen calls fail, once or for good", "[io]") {
  SimulatedFileSystem files;
  const auto file = half_synced(files);
  files.inject({.call = Call::append, .nth = 2, .short_bytes = 3});
  REQUIRE(file->append("12345"));
  REQUIRE(file->append("abcde").kind() == ErrorKind::io);
  REQUIRE(bytes_of(files, "/d/f").substr(40000) == "12345abc");
  REQUIRE(file->append("z"));
  files.inject({.call = Call::sync, .nth = 1, .persistent = true, .kind = ErrorKind::no_space});
  REQUIRE(file->sync().kind() == ErrorKind::no_space);
  REQUIRE(file->sync().kind() == ErrorKind::no_space);
  files.clear_faults();
  REQUIRE(file->sync());
  files.inject({.call = Call::read});
  REQUIRE(files.open("/d/f").status().kind() == ErrorKind::io);
  files.inject({.nth = 3});
  REQUIRE(files.create("/d/g"));
  REQUIRE(files.sync_directory("/d"));
  REQUIRE(files.rename("/d/g", "/d/h").kind() == ErrorKind::io);
  REQUIRE(files.exists("/d/g").value());
}

TEST_CASE("a full disk refuses growth and takes it again when there is room", "[io]") {
  SimulatedFileSystem files;
  const auto file = half_synced(files);
  files.set_capacity(40010);
  REQUIRE(files.free_bytes("/d").value() == 10);
  REQUIRE(file->append(std::string(11, 'x')).kind() == ErrorKind::no_space);
  REQUIRE(file->allocate(40011).kind() == ErrorKind::no_space);
  REQUIRE(file->allocate(40010));
  REQUIRE(file->append(std::string(10, 'x')));  // into allocated space
  REQUIRE(files.used_bytes() == 40010);
  files.set_capacity(SimulatedFileSystem::unlimited);
  REQUIRE(file->append("y"));
}

TEST_CASE("equal images hash alike", "[io]") {
  SimulatedFileSystem files;
  const auto file = half_synced(files);
  const auto hash = files.crash(CrashPolicy::drop, 1)->durable_hash();
  REQUIRE(files.crash(CrashPolicy::drop, 2)->durable_hash() == hash);
  REQUIRE(files.durable_hash() == hash);
  REQUIRE(files.crash(CrashPolicy::keep, 1)->durable_hash() != hash);
}

TEST_CASE("a link that was not synced may be gone after a power cut, the file it names is not", "[io]") {
  SimulatedFileSystem files;
  REQUIRE(files.create_directories("/d"));
  auto file = files.create("/d/a");
  REQUIRE((*file)->append("bytes"));
  REQUIRE((*file)->sync());
  REQUIRE(files.sync_directory("/d"));
  REQUIRE(files.link("/d/a", "/d/b"));
  REQUIRE(files.used_bytes() == 5);
  const auto dropped = files.crash(CrashPolicy::drop, 1);
  REQUIRE(dropped->list("/d").value() == std::vector<std::string>{"a"});
  const auto kept = files.crash(CrashPolicy::keep, 1);
  REQUIRE(kept->content("/d/b") == "bytes");
  files.inject({.call = SimulatedFileSystem::Call::link, .kind = ErrorKind::unsupported});
  REQUIRE(files.link("/d/a", "/d/c").kind() == ErrorKind::unsupported);
}
