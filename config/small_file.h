#pragma once

#include <cstddef>
#include <string>

namespace sett::config {

struct SmallFile {
  std::string bytes;
  std::string problem;  // empty: none
};

// All of a file that must not be larger than `bytes_max`.
SmallFile read_small_file(const std::string& path, size_t bytes_max);

}  // namespace sett::config
