#include "config/small_file.h"

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

namespace sett::config {
namespace {

std::string cannot_read(int error_number) {
  return "cannot be read: " + std::generic_category().message(error_number);
}

}  // namespace

SmallFile read_small_file(const std::string& path, size_t bytes_max) {
  SmallFile result;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (!file) {
    result.problem = cannot_read(errno);
    return result;
  }
  std::array<char, 16384> buffer;
  while (const size_t count = std::fread(buffer.data(), 1, buffer.size(), file.get())) {
    result.bytes.append(buffer.data(), count);
    if (result.bytes.size() > bytes_max) {
      result.problem = "is larger than " + std::to_string(bytes_max) + " bytes";
      return result;
    }
  }
  if (std::ferror(file.get()) != 0) result.problem = cannot_read(errno);
  return result;
}

}  // namespace sett::config
