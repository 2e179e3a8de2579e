#include "tests/support/golden_stores.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace sett::storage {

namespace {
const std::filesystem::path golden_folder = std::filesystem::path(SETT_TESTS_FOLDER) / "storage" / "tools" / "golden";
}  // namespace

std::string golden_text(const std::string& name) {
  std::ifstream in(golden_folder / name, std::ios::binary);
  REQUIRE(in);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<std::string> load_golden_stores(SimulatedFileSystem& files) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(golden_folder)) {
    const std::string name = entry.path().lexically_relative(golden_folder).generic_string();
    if (entry.is_regular_file() && name.find('/') != std::string::npos) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    const std::string path = "/golden/" + name;
    REQUIRE(files.create_directories(parent_path(path)));
    REQUIRE(files.create(path));
    REQUIRE(files.sync_directory(parent_path(path)));
    files.set_content(path, golden_text(name));
  }
  return names;
}

}  // namespace sett::storage
