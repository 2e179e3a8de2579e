// What every FileSystem promises, run over the real one, the one in memory and the simulated one.
#include "storage/io/file_system.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <type_traits>

#include "storage/io/memory_file_system.h"
#include "storage/io/posix_file_system.h"
#include "storage/io/simulated_file_system.h"
#include "tests/support/temporary_directory.h"

using namespace sett::storage;

namespace {

struct Posix {
  TemporaryDirectory directory;
  PosixFileSystem files;
  std::string root = directory.path() + "/db";
};
struct Simulated {
  SimulatedFileSystem files;
  std::string root = "/data/db";
};
struct Memory {
  MemoryFileSystem files;
  std::string root = "data/db";
};

std::string read_all(FileSystem& files, const std::string& path) {
  auto bytes = read_file(files, path, 1 << 20);
  REQUIRE(bytes);
  return *bytes;
}

void write_all(FileSystem& files, const std::string& path, std::string_view bytes) {
  auto file = files.create(path);
  REQUIRE(file);
  REQUIRE((*file)->append(bytes));
  REQUIRE((*file)->sync());
  REQUIRE((*file)->close());
}

}  // namespace

TEMPLATE_TEST_CASE("a file is appended to and read at any place", "[io]", Posix, Simulated, Memory) {
  TestType with;
  auto& files = with.files;
  REQUIRE(files.create_directories(with.root));
  const auto path = join_path(with.root, "a");
  auto created = files.create(path);
  REQUIRE(created);
  AppendFile& file = **created;
  REQUIRE(file.append("hello "));
  REQUIRE(file.append(""));
  REQUIRE(file.append(std::string_view("w\0rld", 5)));
  REQUIRE(file.size() == 11);
  REQUIRE(file.sync());
  REQUIRE(file.close());
  REQUIRE(file.close().kind() == ErrorKind::closed);
  REQUIRE(files.create(path).status().kind() == ErrorKind::already_exists);

  auto opened = files.open(path);
  REQUIRE(opened);
  REQUIRE((*opened)->size() == 11);
  char out[32] = {};
  auto got = (*opened)->read(6, out, 5);
  REQUIRE(got);
  REQUIRE(std::string(out, *got) == std::string("w\0rld", 5));
  got = (*opened)->read(9, out, sizeof out);
  REQUIRE(*got == 2);
  got = (*opened)->read(100, out, sizeof out);
  REQUIRE(*got == 0);
}

TEMPLATE_TEST_CASE("allocated space reads as zeroes and is given back", "[io]", Posix, Simulated, Memory) {
  TestType with;
  auto& files = with.files;
  REQUIRE(files.create_directories(with.root));
  const auto path = join_path(with.root, "a");
  auto created = files.create(path);
  REQUIRE(created);
  AppendFile& file = **created;
  REQUIRE(file.allocate(10000));
  REQUIRE(file.size() == 0);
  REQUIRE(read_all(files, path) == std::string(10000, '\0'));
  REQUIRE(file.append("abc"));
  REQUIRE(file.allocate(5000));  // less than there is: nothing to do
  REQUIRE(read_all(files, path) == "abc" + std::string(9997, '\0'));
  REQUIRE(file.trim());
  REQUIRE(read_all(files, path) == "abc");
  REQUIRE(file.append("def"));
  REQUIRE(file.allocate(8));
  REQUIRE(file.close());
  REQUIRE(read_all(files, path) == std::string("abcdef\0\0", 8));
  REQUIRE(files.truncate(path, 2));
  REQUIRE(read_all(files, path) == "ab");
  REQUIRE(files.truncate(path, 4));
  REQUIRE(read_all(files, path) == std::string("ab\0\0", 4));
}

TEMPLATE_TEST_CASE("a linked file is one file with two names", "[io]", Posix, Simulated, Memory) {
  TestType with;
  auto& files = with.files;
  REQUIRE(files.create_directories(with.root + "/x"));
  const auto first = with.root + "/a", second = with.root + "/x/b";
  write_all(files, first, "one file");
  REQUIRE(files.link(first, second));
  REQUIRE(files.sync_directory(with.root + "/x"));
  REQUIRE(read_all(files, second) == "one file");
  REQUIRE(files.link(first, second).kind() == ErrorKind::already_exists);
  REQUIRE(files.link(with.root + "/none", with.root + "/c").kind() == ErrorKind::not_found);
  REQUIRE(files.link(first, with.root + "/none/c").kind() == ErrorKind::not_found);
  REQUIRE(files.truncate(second, 3));
  REQUIRE(read_all(files, first) == "one");
  REQUIRE(files.remove(first));
  REQUIRE(read_all(files, second) == "one");
}

TEMPLATE_TEST_CASE("names are made, listed, moved and removed", "[io]", Posix, Simulated, Memory) {
  TestType with;
  auto& files = with.files;
  const auto deep = with.root + "/x/y";
  REQUIRE(files.create_directories(deep));
  REQUIRE(files.create_directories(deep));
  write_all(files, deep + "/b", "1");
  write_all(files, deep + "/a", "2");
  REQUIRE(files.list(deep).value() == std::vector<std::string>{"a", "b"});
  REQUIRE(files.list(with.root).value() == std::vector<std::string>{"x"});
  REQUIRE(files.create_directories(deep + "/a").kind() == ErrorKind::io);
  REQUIRE(files.exists(deep + "/a").value());
  REQUIRE_FALSE(files.exists(deep + "/c").value());
  REQUIRE(files.rename(deep + "/a", deep + "/b"));
  REQUIRE(files.list(deep).value() == std::vector<std::string>{"b"});
  REQUIRE(read_all(files, deep + "/b") == "2");
  REQUIRE(files.sync_directory(deep));
  REQUIRE_FALSE(files.remove_directory(deep));
  REQUIRE(files.remove(deep + "/b"));
  REQUIRE(files.remove(deep + "/b").kind() == ErrorKind::not_found);
  REQUIRE(files.remove_directory(deep));
  REQUIRE_FALSE(files.exists(deep).value());
  REQUIRE(files.list(deep).status().kind() == ErrorKind::not_found);
  REQUIRE(files.open(deep + "/b").status().kind() == ErrorKind::not_found);
  REQUIRE(files.create(deep + "/b").status().kind() == ErrorKind::not_found);
  REQUIRE(files.rename(deep + "/b", deep + "/c").kind() == ErrorKind::not_found);
  REQUIRE(files.truncate(deep + "/b", 0).kind() == ErrorKind::not_found);
  REQUIRE(files.sync_directory(deep).kind() == ErrorKind::not_found);
  REQUIRE_FALSE(files.open(with.root));  // a folder is no file
  REQUIRE(files.free_bytes(with.root).value() > 0);
}

TEMPLATE_TEST_CASE("a lock has one holder", "[io]", Posix, Simulated, Memory) {
  TestType with;
  REQUIRE(with.files.create_directories(with.root));
  const auto path = with.root + "/LOCK";
  {
    auto held = with.files.lock(path);
    REQUIRE(held);
    REQUIRE(with.files.lock(path).status().kind() == ErrorKind::busy);
  }
  REQUIRE(with.files.lock(path));
}

TEMPLATE_TEST_CASE("a file is replaced whole", "[io]", Posix, Simulated, Memory) {
  TestType with;
  REQUIRE(with.files.create_directories(with.root));
  const auto path = with.root + "/config";
  write_all(with.files, path + ".tmp", "left over by a crash");
  REQUIRE(replace_file(with.files, path, "one"));
  REQUIRE(replace_file(with.files, path, "two"));
  REQUIRE(read_all(with.files, path) == "two");
  REQUIRE(with.files.list(with.root).value() == std::vector<std::string>{"config"});
  REQUIRE(read_file(with.files, path, 2).status().kind() == ErrorKind::corruption);
}

TEST_CASE("paths", "[io]") {
  REQUIRE(parent_path("a/b") == "a");
  REQUIRE(parent_path("/a/b/c") == "/a/b");
  REQUIRE(parent_path("/a") == "/");
  REQUIRE(parent_path("a") == ".");
  REQUIRE(join_path("a", "b") == "a/b");
  REQUIRE(join_path("/", "b") == "/b");
}

TEST_CASE("posix files are for the owner and the group only", "[io]") {
  const mode_t before = ::umask(0);
  Posix with;
  REQUIRE(with.files.create_directories(with.root));
  write_all(with.files, with.root + "/a", "x");
  ::umask(before);
  struct stat facts {};
  REQUIRE(::stat((with.root + "/a").c_str(), &facts) == 0);
  REQUIRE((facts.st_mode & 07777) == 0640);
  REQUIRE(::stat(with.root.c_str(), &facts) == 0);
  REQUIRE((facts.st_mode & 07777) == 0750);
}

TEMPLATE_TEST_CASE("what is read without waiting is what is there, or less", "[io]", Posix, Simulated) {
  TestType with;
  if constexpr (std::is_same_v<TestType, Simulated>) with.files.set_caches_reads(true);
  REQUIRE(with.files.create_directories(with.root));
  std::string bytes;
  for (int i = 0; i < 100000; ++i) bytes += static_cast<char>(i * 7);
  write_all(with.files, with.root + "/a", bytes);
  auto file = with.files.open(with.root + "/a");
  REQUIRE(file);
  for (const uint64_t offset : {uint64_t{0}, uint64_t{5000}, uint64_t{99990}, uint64_t{200000}}) {
    std::string out(10000, '?');
    const uint64_t got = (*file)->read_cached(offset, out.data(), out.size());
    const std::string expected = offset < bytes.size() ? bytes.substr(offset, out.size()) : "";
    INFO("offset " << offset << ", got " << got);
    REQUIRE(got <= expected.size());
    REQUIRE(out.substr(0, got) == expected.substr(0, got));
    REQUIRE(out.substr(got) == std::string(out.size() - got, '?'));
  }
}

TEST_CASE("a limit on the size of files is a full disk", "[io]") {
  TemporaryDirectory directory;
  PosixFileSystem files;
  auto file = files.create(directory.path() + "/f");
  REQUIRE(file);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);  // as settd does
  const rlimit small{8192, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto fits = (*file)->append(std::string(8192, 'x'));
  const auto appended = (*file)->append("y");
  const auto allocated = (*file)->allocate(1 << 20);
  const bool restored = ::setrlimit(RLIMIT_FSIZE, &before) == 0;
  std::signal(SIGXFSZ, handler);
  REQUIRE(restored);
  REQUIRE(fits);
  REQUIRE(appended.kind() == ErrorKind::no_space);
  REQUIRE(allocated.kind() == ErrorKind::no_space);
  REQUIRE((*file)->append("z"));
}
