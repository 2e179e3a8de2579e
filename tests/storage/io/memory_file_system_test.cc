#include "storage/io/memory_file_system.h"

#include <catch2/catch.hpp>
#include <thread>

using namespace sett::storage;

namespace {

constexpr uint64_t chunk_bytes = 64 << 10;

std::string pattern(uint64_t begin, uint64_t end) {
  std::string bytes;
  for (uint64_t at = begin; at < end; ++at) bytes += static_cast<char>(at * 7 + at / 251);
  return bytes;
}

std::string read_all(FileSystem& files, const std::string& path) {
  auto bytes = read_file(files, path, 1 << 30);
  REQUIRE(bytes);
  return *bytes;
}

}  // namespace

TEST_CASE("bytes are the same over the borders of chunks", "[io]") {
  MemoryFileSystem files;
  auto file = files.create("f");
  REQUIRE(file);
  uint64_t end = 0;
  for (const uint64_t more : {chunk_bytes - 1, uint64_t{1}, uint64_t{3}, 2 * chunk_bytes, uint64_t{17}}) {
    REQUIRE((*file)->append(pattern(end, end + more)));
    end += more;
  }
  CHECK(read_all(files, "f") == pattern(0, end));
  auto reader = files.open("f");
  std::string some(chunk_bytes + 2, '\0');
  REQUIRE((*reader)->read(chunk_bytes - 1, some.data(), some.size()).value() == some.size());
  CHECK(some == pattern(chunk_bytes - 1, 2 * chunk_bytes + 1));
  CHECK((*reader)->read_cached(end - 2, some.data(), some.size()) == 2);  // nobody has to wait for any of it
  CHECK(some.substr(0, 2) == pattern(end - 2, end));
}

TEST_CASE("what was only allocated takes nothing and reads as zeroes", "[io]") {
  MemoryFileSystem files;
  auto file = files.create("f");
  REQUIRE((*file)->allocate(uint64_t{1} << 40));
  CHECK(files.used_bytes() == 0);
  REQUIRE((*file)->append("abc"));
  CHECK(files.used_bytes() == 3);
  auto reader = files.open("f");
  CHECK((*reader)->size() == uint64_t{1} << 40);
  std::string bytes(chunk_bytes + 5, 'x');
  REQUIRE((*reader)->read(0, bytes.data(), bytes.size()).value() == bytes.size());
  CHECK(bytes == "abc" + std::string(chunk_bytes + 2, '\0'));
  REQUIRE((*file)->trim());
  CHECK((*reader)->read(3, bytes.data(), 10).value() == 0);
}

TEST_CASE("a file that was cut has zeroes up to where its writer goes on", "[io]") {
  MemoryFileSystem files;
  auto file = files.create("f");
  REQUIRE((*file)->append(std::string(2 * chunk_bytes + 10, 'a')));
  REQUIRE(files.truncate("f", 5));
  CHECK(files.used_bytes() == 5);
  REQUIRE((*file)->append("bc"));
  CHECK(read_all(files, "f") == "aaaaa" + std::string(2 * chunk_bytes + 5, '\0') + "bc");
}

TEST_CASE("a file without a name is there for who has it open", "[io]") {
  MemoryFileSystem files;
  auto file = files.create("f");
  auto lock = files.lock("LOCK");
  REQUIRE((*file)->append("old"));
  auto reader = files.open("f");
  SECTION("removed") {
    REQUIRE(files.remove("f"));
  }
  SECTION("replaced") {
    REQUIRE(files.create("g"));
    REQUIRE(files.rename("g", "f"));
    CHECK(read_all(files, "f").empty());
  }
  CHECK(files.used_bytes() == 0);
  REQUIRE((*file)->append("er"));
  char bytes[8] = {};
  REQUIRE((*reader)->read(0, bytes, sizeof bytes).value() == 5);
  CHECK(std::string(bytes) == "older");
  CHECK_FALSE(files.lock("LOCK"));
}

TEST_CASE("readers see whole appends while a file grows", "[io]") {
  MemoryFileSystem files;
  auto file = files.create("f");
  const std::string block = pattern(0, 1000);
  std::thread writer([&] {
    for (int i = 0; i < 500; ++i)
      if (!(*file)->append(block)) std::abort();
  });
  bool all_whole = true;
  for (int i = 0; i < 500; ++i) {
    auto reader = files.open("f");
    const uint64_t end = (*reader)->size();
    std::string bytes(end, '\0');
    all_whole = all_whole && end % block.size() == 0 && (*reader)->read(0, bytes.data(), end).value() == end &&
                (end == 0 || (bytes.starts_with(block) && bytes.ends_with(block)));
  }
  writer.join();
  CHECK(all_whole);
}
